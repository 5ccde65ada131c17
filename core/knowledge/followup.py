"""Follow-up questions: "and how long does that take?" only makes sense after the question before it."""

import re
from collections.abc import Sequence

from core.knowledge.lexical import Words, content_words

LONGEST = 14  # words: who writes more says what they mean
LOOK_BACK = 3  # questions

_CONTINUES = re.compile(
    r"\W*(and|but|or|so|then|also|plus|what about|how about|what if|same for|in that case|ok(ay)?,? (and|but|so)|"
    r"y |e |et |und |aber |oder )\b",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"\b(it|its|that|this|these|those|they|them|their|one|ones|the same|the other|both|either|him|her)\b", re.IGNORECASE
)
# Pointing words that point at nothing said before: "is it possible to", "this jacket", "which one", "that I".
_POINTS_NOWHERE = re.compile(
    r"\bit (possible|ok|okay|allowed|safe|necessary|says|said)\b|\bthat (i|we|you|is|are|was)\b"
    r"|\b(this|that|these|those) (?!(be|take|takes|cost|costs|work|works|mean|apply|include|free|still|also)\b)\w+"
    r"|\b(any|which|no|this|that|the|a|an|new|first|can) one\b|\bone of\b",
    re.IGNORECASE,
)
# "How long?", "why not?", "for how much?": a question word and nothing to ask about.
_ASKS_ONLY = re.compile(r"(for |until |by |from |since )?(how|when|why|where|who|which|what|really)\b", re.IGNORECASE)
_ASKS_PRICE = re.compile(
    r"\bhow (much|expensive) (is|are|was|were|does|do|will|would|for)\b|\b(costs?|prices?)\b", re.IGNORECASE
)
_PRICE = ("cost", "price")
_MEASURES = frozenset({"long", "much", "mani", "soon", "far", "often", "late", "earli", "come"})
_THANKS_FIRST = re.compile(
    r"^\W*(thanks|thank you|thx|great|perfect|cool|ok|okay|alright|got it|good|nice)\b[\s,.!]*(a lot|so much)?[\s,.!]*",
    re.IGNORECASE,
)


def asked_words(text: str, words: Words) -> list[str]:
    """The stems that carry meaning; where the price is asked for, every word for it: "how much" stands on no page."""
    telling = content_words(text, words)
    return list(dict.fromkeys((*telling, *_PRICE))) if _ASKS_PRICE.search(text) else telling


def depends_on_context(text: str) -> bool:
    """Whether a message leaves its subject to the message before it."""
    message = _THANKS_FIRST.sub("", text).strip()
    if not message or len(message.split()) > LONGEST:
        return False
    words = Words()
    telling = content_words(message, words)
    if _CONTINUES.match(message):
        return len(telling) <= 3
    if pointing := _POINTS_BACK.search(_POINTS_NOWHERE.sub(" ", message)):
        # What a pointing word stands for may stand before it: "my card stopped when I used it".
        before = content_words(message[: pointing.start()], words)
        return len(telling) <= 2 and len(before) <= 1
    return _ASKS_ONLY.match(message) is not None and not set(telling) - _MEASURES


def contextualize(text: str, previous_questions: Sequence[str]) -> str:
    """The text to search for: the message as it is, or after the last question that stands on its own, or else the last
    that names something.

    `previous_questions` are the customer's earlier messages of this conversation, the oldest first. Both questions go
    to the encoder as one text, so the subject of the first meets what the second wants to know of it.
    """
    if not depends_on_context(text):
        return text
    words = Words()
    telling = {earlier: len(content_words(earlier, words)) for earlier in reversed(previous_questions[-LOOK_BACK:])}
    standing = [earlier for earlier, count in telling.items() if count and not depends_on_context(earlier)]
    naming = [earlier for earlier, count in telling.items() if count > 1]
    subject = next(iter(standing or naming), "")
    return f"{subject.strip()} {text.strip()}" if subject else text
