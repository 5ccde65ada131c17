"""Which passage of an article answers a question: the near one by its vector, and by the words that tell it from
its neighbours.

A word that stands in one passage only tells more than one that stands in all. A name (a country, a code, a weekday)
tells more than a common word, and one in a heading or at the head of a table's row more than one inside.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from core.knowledge.lexical import Words
from core.knowledge.records import is_record, name_of
from core.knowledge.sentences import sentences

# On a plateau of the demo shop's dev part: from 0.2 to 0.4 and 1.5 to 4 hardly an answer changes.
WORDS = 0.3  # what words count for beside a cosine
NAMED = 2.0  # beside a common word
LABELLED = 3.0
OPENING = 0.05  # an article opens with its rule; exceptions follow

_NAME = re.compile(r"(?<=[\w,;:—] )[A-Z]\w+|\w*\d\w*")  # in capitals though no sentence begins there, or with a digit
_COMMON = re.compile(r"\b[a-z]\w*")
_DENIAL = re.compile(r"\b(?:no|not|never|cannot|neither|nor)\b|\wn['’]t\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Terms:
    """The stems that a passage says, among them those of `labels`: its heading and the names of its rows.
    `names` are written like names, `common` in small letters. `denies`: it opens with a "no"."""

    said: frozenset[str]
    labels: frozenset[str]
    names: frozenset[str]
    common: frozenset[str]
    denies: bool

    @classmethod
    def of(cls, heading: str, body: str, words: Words) -> "Terms":
        rows = " ".join(name_of(line) for line in body.split("\n") if is_record(line))
        labels = frozenset(words(f"{heading} {rows}"))
        opening = next(iter(sentences(body)), "")
        return cls(
            said=frozenset(words(body)) | labels,
            labels=labels,
            names=frozenset(words(" ".join(_NAME.findall(body)))),
            common=frozenset(words(" ".join(_COMMON.findall(body)))),
            denies=bool(_DENIAL.search(heading) or _DENIAL.search(opening)),
        )


def ranking(asked: Sequence[str], passages: Sequence[Terms], closeness: Sequence[float]) -> list[int]:
    """The passages' places, the best answer first. `asked` are the question's stems that carry meaning,
    `closeness` each passage's cosine. A passage that says no comes last if it lacks the word that tells most."""
    if len(passages) < 2:
        return list(range(len(passages)))
    weights, whole = [], 0.0
    for word in asked:
        holders = [number for number, terms in enumerate(passages) if word in terms.said]
        if holders:
            telling = log(1 + len(passages) / len(holders))
            whole += telling
            weights.append({number: telling * _emphasis(word, number, passages) for number in holders})
    most = max(weights, key=lambda found: max(found.values()), default={})

    def rank(number: int) -> tuple[bool, float, int]:
        beside_the_point = passages[number].denies and bool(most) and number not in most
        said = sum(found.get(number, 0.0) for found in weights) / (whole or 1.0)
        return beside_the_point, -closeness[number] - WORDS * said - (OPENING if number == 0 else 0.0), number

    return sorted(range(len(passages)), key=rank)


def tells_apart(word: str, passages: Sequence[Terms]) -> bool:
    """Whether some of the passages are labelled with the word, and others are not."""
    return 0 < sum(word in terms.labels for terms in passages) < len(passages)


def _emphasis(word: str, number: int, passages: Sequence[Terms]) -> float:
    if word in passages[number].labels:
        return LABELLED
    name = word in passages[number].names and not any(word in terms.common for terms in passages)
    return NAMED if name else 1.0
