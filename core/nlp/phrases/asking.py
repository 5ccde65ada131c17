"""Finding a request for a person in a sentence, in every language of the `human` folder at once."""

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.nlp.phrases.patterns import Pattern, Reader, keys, normalise, prepare

LONGEST_BARE = 60


@dataclass(frozen=True, slots=True)
class Language:
    """How one language asks for a person."""

    spaced: bool
    bare: tuple[Pattern, ...]
    requests: tuple[Pattern, ...]
    ignored: tuple[Pattern, ...]
    fillers: tuple[Pattern, ...]
    spelled: frozenset[str]

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Language":
        spaced = data.get("spaced", True)
        reader = Reader(data.get("lists", {}), spaced=spaced)

        def read(patterns: Iterable[str]) -> tuple[Pattern, ...]:
            return tuple(reader.pattern(pattern) for pattern in patterns)

        phrases = data["phrases"]
        return cls(
            spaced=spaced,
            bare=read(f"^({pattern})$" for pattern in phrases["bare"]),
            requests=read(phrases["requests"]),
            ignored=read(phrases["ignore"]),
            fillers=read(data["fillers"]),
            spelled=frozenset(normalise(word) for word in data.get("spelled", ())),
        )

    def asks(self, normalised: str, present: set[str]) -> bool:
        prepared = prepare(normalised, spaced=self.spaced)
        for pattern in self.ignored:
            if pattern.possible(present):
                prepared = pattern.remove(prepared)
        if any(pattern.possible(present) and pattern.search(prepared) for pattern in self.requests):
            return True
        return len(prepared) <= LONGEST_BARE and self._nothing_else(prepared, present)

    def _nothing_else(self, prepared: str, present: set[str]) -> bool:
        possible = [pattern for pattern in self.bare if pattern.possible(present)]
        if not possible or any(pattern.search(prepared) for pattern in possible):
            return bool(possible)
        for pattern in self.fillers:
            if pattern.possible(present):
                prepared = pattern.remove(prepared).replace(" ~", "")
        return any(pattern.search(prepared) for pattern in possible)


class Asking:
    """All languages, with an index from a word to the languages in which it may matter."""

    def __init__(self, languages: Iterable[Language]) -> None:
        self.languages = tuple(languages)
        self.by_key: defaultdict[str, set[int]] = defaultdict(set)
        self.misspelt: defaultdict[str, dict[int, str]] = defaultdict(dict)
        for number, language in enumerate(self.languages):
            for pattern in (*language.requests, *language.bare):
                for key in max(pattern.needs, key=lambda need: min(map(len, need))):
                    self.by_key[key].add(number)
            for word in language.spelled:
                for variant in _one_less(word):
                    self.misspelt[variant][number] = word

    @classmethod
    def read(cls, folder: Path) -> "Asking":
        files = sorted(folder.glob("*.toml"))
        return cls(Language.read(tomllib.loads(file.read_text("utf-8"))) for file in files)

    def asks(self, sentence: str) -> bool:
        """Whether the sentence asks for a person, as written or with one letter put right in a word."""
        normalised = normalise(sentence)
        present = keys(normalised)
        numbers = set().union(*(self.by_key[key] for key in present if key in self.by_key))
        if any(self.languages[number].asks(normalised, present) for number in numbers):
            return True
        return any(
            self.languages[number].asks(corrected, keys(corrected))
            for number, corrected in self._corrections(normalised).items()
        )

    def _corrections(self, normalised: str) -> dict[int, str]:
        words = normalised.split()
        changes: defaultdict[int, dict[str, str]] = defaultdict(dict)
        for word in words:
            if len(word) < 4:
                continue
            for variant in _one_less(word):
                for number, right in self.misspelt.get(variant, {}).items():
                    if word not in self.languages[number].spelled:
                        changes[number].setdefault(word, right)
        return {
            number: " ".join(change.get(word, word) for word in words) for number, change in changes.items()
        }


def _one_less(word: str) -> set[str]:
    """The word, and the word without each of its letters: two words share one if they are an edit apart."""
    return {word} | {word[:at] + word[at + 1 :] for at in range(len(word))}
