"""What a text looks like, as the sentiment model reads it: its words and pairs of words, hashed, and its shape.

The encoder sees lower-case words only. Capitals, emoji, "!!!" and the exact words ("third", "again", "still") come
from here.
"""

import re
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 15
MAX_WORDS = 200

_TOKEN = re.compile(
    r"https?://\S+|@\w+|#\w+|\d+(?:[.,:]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*|[!?]+|\.{2,}|[:;=8][-o]?[()/\\DPp|*]+"
    r"|<3|[\u2600-\u27bf\U0001f000-\U0001faff]"
)
_STRETCHED = re.compile(r"(.)\1{2,}")
_LETTERS = re.compile(r"[^\W\d_]")
_GLAD = frozenset("😊😍❤🥰👍🙏🎉😀😁😃😄👏💙💚💛💜🧡🤗😘🥳🙌💯👌⭐✨☺🤩😎")
_CROSS = frozenset("😡😤😠🤬👎😒😞😔😩😫😭😢💔🤦🙄😑😾💩🤮😖😣☹🙁😕😓")

SHAPE_NAMES = [
    "capitals",
    "shouting",
    "exclamations",
    "questions",
    "dots",
    "glad",
    "cross",
    "length",
    "short",
    "mention",
    "hashtag",
    "link",
    "number",
    "stretched",
    "question_end",
    "quoted",
]


@lru_cache(maxsize=128)
def words(text: str) -> tuple[str, ...]:
    """Lower-case words, marks and emoji; names, links and numbers are folded into one each.

    Kept, because several models read the same message.
    """
    found: list[str] = []
    for token in _TOKEN.findall(text)[:MAX_WORDS]:
        first = token[0]
        if first == "@":
            found.append("@")
        elif first.isdigit():
            found.append("0")
        elif token.startswith("http"):
            found.append("http")
        elif first in "!?.":
            found.append(token[:3])
        else:
            found.append(_STRETCHED.sub(r"\1\1", token.lower().replace("’", "'")))
    return tuple(found)


@lru_cache(maxsize=128)
def buckets(found: tuple[str, ...]) -> tuple[int, ...]:
    """The rows of the model's word table: one for each word and each pair of neighbours."""
    pairs = [f"{one} {two}" for one, two in zip(["<", *found], [*found, ">"], strict=True)]
    return tuple(crc32(gram.encode("utf-8", "replace")) % BUCKETS for gram in (*found, *pairs))


def shape(text: str, found: tuple[str, ...]) -> NDArray[np.float32]:
    """One number between 0 and about 1 for each of `SHAPE_NAMES`."""
    letters = _LETTERS.findall(text)
    upper = sum(letter.isupper() for letter in letters)
    shouted = [word for word in re.findall(r"[^\W\d_]{3,}", text) if word.isupper()]
    return np.array(
        [
            upper / len(letters) if len(letters) > 3 else 0,
            min(len(shouted), 4) / 4,
            min(text.count("!"), 4) / 4,
            min(text.count("?"), 4) / 4,
            min(text.count("...") + text.count("…"), 2) / 2,
            min(sum(mark in _GLAD for mark in text), 3) / 3,
            min(sum(mark in _CROSS for mark in text), 3) / 3,
            min(len(found), 60) / 60,
            len(found) <= 3,
            "@" in found,
            "#" in text,
            "http" in found,
            "0" in found,
            bool(_STRETCHED.search(text)),
            text.rstrip().endswith("?"),
            '"' in text,
        ],
        dtype=np.float32,
    )
