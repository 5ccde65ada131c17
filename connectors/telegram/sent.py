"""What messages are called at Telegram, as we keep it: external ids."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

MOST = 300
"""Characters of an external id, a little less than its column holds."""


def message_key(bot: str, chat: int, message: int | str) -> str:
    """The external id of one message. Chats count their own messages, and each bot has its own chats."""
    return f"{bot}:{chat}:{message}"


@dataclass(frozen=True, slots=True)
class SentAs:
    """What one message of ours became at Telegram: texts first, then files."""

    bot: str
    chat: int
    texts: tuple[int, ...]
    files: tuple[int, ...] = ()

    def __str__(self) -> str:
        """For a single text, the same as `message_key`; else the ids that follow are kept as differences."""
        parts = [f"{self.bot}:{self.chat}:{_packed(self.texts)}"]
        if self.files:
            parts.append(_packed(self.files))
        return "/".join(parts)

    @classmethod
    def read(cls, kept: str) -> SentAs:
        place, _, files = kept.partition("/")
        bot, chat, texts = place.split(":")
        return cls(bot, int(chat), _unpacked(texts), _unpacked(files))


def _packed(ids: tuple[int, ...]) -> str:
    text = "".join([*map(str, ids[:1]), *(f"{later - before:+}" for before, later in pairwise(ids))])
    return text if len(text) <= MOST // 2 else _packed(ids[:-1])


def _unpacked(text: str) -> tuple[int, ...]:
    steps = text.replace("-", "+-").split("+")
    return tuple(accumulate(int(step) for step in steps if step))
