"""What a customer's message asks: its parts, and the words in it that carry meaning."""

import re

from core.knowledge.lexical import Words
from core.knowledge.sentences import sentences

# Stems (Porter 2) of words that a question needs but that say nothing of its subject.
_EMPTY = re.compile(
    r"""
    a|about|all|also|am|an|and|ani|anyon|are|as|at|be|been|but|by|can|cannot|could|did|do|doe|don|for|from
    |get|got|had|has|have|hello|help|hey|hi|how|i|if|im|in|into|is|it|just|know|like|ll|made|make|may|me
    |might|mine|must|my|need|no|not|now|of|ok|on|one|or|our|out|pleas|quick|re|s|shall|should|so|some
    |someon|t|tell|than|thank|that|the|their|them|then|there|they|thing|this|to|too|up|us|use|ve|veri|want
    |was|we|were|what|when|where|which|who|whi|will|with|would|yes|you|your
    """,
    re.VERBOSE,
)
_SECOND_PART = re.compile(
    r"(?:,\s*|\s+)(?:and|also|plus|&)\s+(?:also\s+)?"
    r"(?=(?:how|what|whats|what's|when|where|who|which|why|can|could|do|does|did|is|are|will|would|should|may)\b)",
    re.IGNORECASE,
)


def content_words(text: str, words: Words) -> list[str]:
    """The stems that carry meaning, each once, in order."""
    return [word for word in dict.fromkeys(words(text)) if not _EMPTY.fullmatch(word)]


def parts(text: str) -> list[str]:
    """The questions in a message, at least one: "How long is delivery and can I change the address?" has two.

    A part without a word that carries meaning ("Hello!", "can you help?") is not counted as a question.
    """
    words = Words()
    found = [
        part.strip()
        for sentence in sentences(text)
        for part in _SECOND_PART.split(sentence)
        if content_words(part, words)
    ]
    return found or [text.strip()]
