"""Finding a request for a person in a sentence, in every language of the `human` folder at once."""

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.nlp.phrases.patterns import Pattern, Reader, keys, normalise, prepare, rarest

LONGEST_BARE = 60
SHORTEST_CORRECTED = 4


@dataclass(frozen=True, slots=True)
class Language:
    """How one language asks for a person."""

    spaced: bool
    bare: tuple[Pattern, ...] = ()
    """A request only if it is the whole sentence, apart from fillers."""
    requests: tuple[Pattern, ...] = ()
    ignored: tuple[Pattern, ...] = ()
    """Words like a request that are none; taken out before anything else is looked for."""
    fillers: tuple[Pattern, ...] = ()
    spelled: frozenset[str] = field(default_factory=frozenset)
    """Words that are recognised with one letter wrong."""

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        return (*self.bare, *self.requests, *self.ignored, *self.fillers)

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

    def asks(self, normalised: str) -> bool:
        """`self` may be narrowed to the patterns that are possible at all in this sentence."""
        prepared = prepare(normalised, spaced=self.spaced)
        for pattern in self.ignored:
            prepared = pattern.remove(prepared)
        if any(pattern.search(prepared) for pattern in self.requests):
            return True
        return len(prepared) <= LONGEST_BARE and self._nothing_else(prepared)

    def _nothing_else(self, prepared: str) -> bool:
        if not self.bare or any(pattern.search(prepared) for pattern in self.bare):
            return bool(self.bare)
        for pattern in self.fillers:
            prepared = pattern.remove(prepared).replace(Pattern.GAP, "")
        return any(pattern.search(prepared) for pattern in self.bare)


class Asking:
    """All languages, with an index from a word to the patterns that cannot match without it."""

    def __init__(self, languages: Iterable[Language]) -> None:
        self._languages = tuple(languages)
        self._by_key: defaultdict[str, list[tuple[int, str, int]]] = defaultdict(list)
        self._words: list[frozenset[str]] = []
        """Of each language, the words that are right as they are."""
        self._misspelt: defaultdict[str, dict[int, str]] = defaultdict(dict)
        for number, language in enumerate(self._languages):
            for section in ("bare", "requests", "ignored", "fillers"):
                for position, pattern in enumerate(getattr(language, section)):
                    for key in rarest(pattern.needs):
                        self._by_key[key].append((number, section, position))
            self._words.append(
                language.spelled | {key for pattern in language.patterns for need in pattern.needs for key in need}
            )
            for word in language.spelled:
                for variant in _one_less(word):
                    self._misspelt[variant][number] = word

    @classmethod
    def read(cls, folder: Path) -> "Asking":
        files = sorted(folder.glob("*.toml"))
        return cls(Language.read(tomllib.loads(file.read_text("utf-8"))) for file in files)

    def asks(self, sentence: str) -> bool:
        """Whether the sentence asks for a person, as written or with one letter put right in a word."""
        normalised = normalise(sentence)
        if any(language.asks(normalised) for language in self._possible(normalised).values()):
            return True
        for number, corrected in self._corrections(normalised).items():
            language = self._possible(corrected).get(number)
            if language and language.asks(corrected):
                return True
        return False

    def disclaims(self, sentence: str) -> bool:
        """Whether the sentence has words like a request that are known to be none ("no need for an agent")."""
        normalised = normalise(sentence)
        return any(
            pattern.search(prepare(normalised, spaced=language.spaced))
            for language in self._possible(normalised).values()
            for pattern in language.ignored
        )

    def _possible(self, normalised: str) -> dict[int, Language]:
        """The languages in which the sentence may ask, narrowed to their possible patterns."""
        present = keys(normalised)
        found: defaultdict[int, defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        for key in present & self._by_key.keys():
            for number, section, position in self._by_key[key]:
                found[number][section].add(position)
        narrowed = {}
        for number, sections in found.items():
            if "requests" in sections or "bare" in sections:
                language = self._languages[number]
                kept: dict[str, Any] = {
                    section: tuple(
                        pattern
                        for position in sorted(positions)
                        if (pattern := getattr(language, section)[position]).possible(present)
                    )
                    for section, positions in sections.items()
                }
                if kept.get("requests") or kept.get("bare"):
                    narrowed[number] = Language(language.spaced, **kept)
        return narrowed

    def _corrections(self, normalised: str) -> dict[int, str]:
        words = normalised.split()
        changes: defaultdict[int, dict[str, str]] = defaultdict(dict)
        for word in words:
            if len(word) < SHORTEST_CORRECTED:
                continue
            for variant in _one_less(word) & self._misspelt.keys():
                for number, right in self._misspelt[variant].items():
                    if word not in self._words[number]:
                        changes[number].setdefault(word, right)
        return {number: " ".join(change.get(word, word) for word in words) for number, change in changes.items()}


def _one_less(word: str) -> set[str]:
    """The word, and the word without each of its letters: two words share one if they are an edit apart."""
    return {word} | {word[:at] + word[at + 1 :] for at in range(len(word))}
