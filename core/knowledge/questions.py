"""What a customer's message asks, part by part."""

import re

from core.knowledge.lexical import Words, content_words
from core.knowledge.sentences import sentences

_SECOND_PART = re.compile(
    r"(?:,\s*|\s+)(?:and|also|plus|&)\s+(?:also\s+)?"
    r"(?=(?:how|what|whats|what's|when|where|who|which|why|can|could|do|does|did|is|are|will|would|should|may)\b)",
    re.IGNORECASE,
)


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


def asks_once(text: str) -> str:
    """The question of a message that tells something besides and asks once; "" if it does not, or asks more."""
    found = [sentence.strip() for sentence in sentences(text) if sentence.strip()]
    asking = [sentence for sentence in found if sentence.endswith("?")]
    return asking[0] if len(asking) == 1 and len(found) > 1 else ""
