"""Messages that no machine should answer: someone threatens with the law, is in danger, was robbed or insulted."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from core.nlp.phrases.patterns import Pattern, Reader, keys, normalise, prepare, rarest

Kind = Literal["legal", "danger", "fraud", "data", "harassment", "press"]
"""`danger` is to oneself or others, hurt by a product included; `fraud` includes charges the customer disputes at
their bank; `data` is personal data in wrong hands."""

PHRASES = Path(__file__).parent / "phrases" / "sensitive"
LONGEST_TEXT = 20_000

_SENTENCE_END = re.compile(r"[.!?;\n…。！？；؟।]+")


def sensitive(text: str) -> Kind | None:
    """What makes a message delicate, in any of the languages under phrases/sensitive; None if nothing does.

    It says so only of events and intentions ("I will sue you"), not of words ("legal size") or questions about rules.
    """
    return _book().kind_of(text[:LONGEST_TEXT])


@dataclass(frozen=True, slots=True)
class _Language:
    patterns: tuple[tuple[Kind, Pattern], ...]
    ignored: tuple[Pattern, ...]
    """Harmless phrases with the same words; taken out first."""
    spaced: bool

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "_Language":
        spaced = data.get("spaced", True)
        reader = Reader(data.get("lists", {}), spaced=spaced)
        patterns = ((kind, reader.pattern(phrase)) for kind in get_args(Kind) for phrase in data["phrases"][kind])
        return cls(tuple(patterns), tuple(reader.pattern(phrase) for phrase in data["phrases"]["ignore"]), spaced)

    def kind_of(self, normalised: str, candidates: Iterable[int]) -> Kind | None:
        prepared = prepare(normalised, spaced=self.spaced)
        for pattern in self.ignored:
            prepared = pattern.remove(prepared)
        return next((self.patterns[at][0] for at in candidates if self.patterns[at][1].search(prepared)), None)


class _Book:
    """All languages, with an index from a word to the patterns that cannot match without it."""

    def __init__(self, languages: Iterable[_Language]) -> None:
        self._languages = tuple(languages)
        self._by_key: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, language in enumerate(self._languages):
            for position, (_, pattern) in enumerate(language.patterns):
                for key in rarest(pattern.needs):
                    self._by_key[key].append((number, position))

    def kind_of(self, text: str) -> Kind | None:
        """Only sentences of a message that holds a telling word at all are looked at one by one."""
        if not self._possible(normalise(text)):
            return None
        for sentence in filter(str.strip, _SENTENCE_END.split(text)):
            normalised = normalise(sentence)
            for number, positions in self._possible(normalised).items():
                if kind := self._languages[number].kind_of(normalised, sorted(positions)):
                    return kind
        return None

    def _possible(self, normalised: str) -> dict[int, list[int]]:
        present = keys(normalised)
        found: defaultdict[int, list[int]] = defaultdict(list)
        for key in present & self._by_key.keys():
            for number, position in self._by_key[key]:
                if self._languages[number].patterns[position][1].possible(present):
                    found[number].append(position)
        return found


@cache
def _book() -> _Book:
    return _Book(_Language.read(tomllib.loads(file.read_text("utf-8"))) for file in sorted(PHRASES.glob("*.toml")))
