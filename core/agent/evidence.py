"""A passage taken apart for proving an answer: sentences, list items and table rows, each with what it is
said under, because "damage from crashes" proves the opposite under "What is not covered"."""

import re
import threading
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import Stemmer

from core.agent.facts import Fact, FoundFact, facts_in
from core.knowledge.records import is_record
from core.knowledge.sentences import sentences
from core.nlp.phrases.patterns import PatternSet, Reader, normalise

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_MARKUP = re.compile(r"[*_`#>]+|\[([^\]]*)\]\(([^)]*)\)|<!--|-->|<[^>]+>")
_ITEM = re.compile(r"^\s*(?:[-*•+]|\d+[.)])\s+")
_ROW = re.compile(r"^\s*\|?.+\|.+")
_RULE = re.compile(r"^[\s|:-]+$")
# A clause ends where another statement begins; the commas of a list do not end one.
_CLAUSE = re.compile(
    r"[;:.!?()—–]+|\s-\s|\b(?:but|unless|because|although|whereas|while|otherwise|aber|mais|pero|ma|maar|но)\b"
    r"|,\s*(?=(?:and|or|so|then|which|if|when|as|please)?\s*(?:we|you|they|it|he|she|this|that|if|when|which|as|our|your|there)\b)"
    r"|\b(?=(?:if|when|unless|until|after that)\b)"
    r"|\band\s+(?=(?:cannot|can['’]t|do not|does not|don['’]t|is not|are not|will not|never)\b)",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\s*(?:if|when|after|before|once|until|unless|as soon as|wenn|si|als|se)\b[^,]*,(?! ?\w+ (?:or|and)\b)",
    re.IGNORECASE,
)
_PIECE = re.compile(r"[,;:.!?()—–|]+|\b(?:and|or|but)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Clause:
    text: str
    words: frozenset[str]
    denials: int
    """How many words deny: "neither … nor" are two."""

    @property
    def negated(self) -> bool:
        return self.denials > 0


@dataclass(frozen=True, slots=True)
class Unit:
    """One statement of a passage. `group` numbers the list or table it is an item of."""

    text: str
    words: frozenset[str]
    context: frozenset[str]
    clauses: tuple[Clause, ...]
    group: int | None
    pieces: tuple[tuple[frozenset[str], tuple[FoundFact, ...]], ...]
    """The smallest stretches between commas, each with its words and facts; a table's row is one."""
    item: int = 0
    is_row: bool = False
    denied_by_heading: bool = False

    def beside(self, other: "Unit") -> bool:
        """Whether both belong to the same list or table, but to different items or rows of it."""
        return self.group is not None and self.group == other.group and self.item != other.item


@dataclass(frozen=True, slots=True)
class Evidence:
    units: tuple[Unit, ...]
    words: frozenset[str]
    plain: str


@lru_cache(maxsize=1024)
def quotable(heading: str, body: str) -> frozenset[str]:
    """What a passage says word for word: its lines and its sentences, without marks, case and punctuation."""
    found = set() if instructs(heading) else {plain_words(heading)}
    for block in _honest_blocks(body):
        for line in block.splitlines():
            found |= {plain_words(line), plain_words(without_number(line))}
            found |= {plain_words(sentence) for sentence in sentences(without_number(unmarked(line)))}
    return frozenset(found)


@lru_cache(maxsize=1024)
def evidence(heading: str, body: str) -> Evidence:
    """A passage taken apart, once however often it is cited."""
    units = tuple(_units(heading, body))
    words = frozenset[str]().union(*(unit.words | unit.context for unit in units), stems(heading))
    return Evidence(units, words, f" {normalise(heading + ' ' + body)} ")


def _honest_blocks(body: str) -> list[str]:
    """The paragraphs that speak to the customer; instructions to the machine are no evidence."""
    return [block for block in re.split(r"\n\s*\n", body) if not instructs(unmarked(block))]


def unmarked(text: str) -> str:
    """Text without Markdown and HTML marks; a link keeps its label and its address."""
    return _MARKUP.sub(lambda match: f"{match[1]} {match[2]}" if match[1] is not None else "", text)


def without_number(text: str) -> str:
    """A list item without its bullet or number."""
    return _ITEM.sub("", text)


def plain_words(text: str) -> str:
    return " ".join(_WORD.findall(unmarked(text).lower()))


@lru_cache(maxsize=4096)
def stems(text: str) -> frozenset[str]:
    """The content words of a text, stemmed, words of the same meaning as one. Of the facts only codes count:
    they name a thing, where "3 working days" only measures it."""
    book, plain, codes = _book(), unmarked(text), []
    for fact in reversed(facts_in(plain)):
        plain = f"{plain[: fact.start]} {plain[fact.end :]}"
        if fact.fact.kind == "code":
            codes.append(fact.fact.value)
    found = (re.split("['’]", word)[0] for word in _WORD.findall(plain.lower()))
    kept = [word for word in found if word not in book.stop and not word[0].isdigit()]
    return frozenset([*codes, *(book.alike.get(stem, stem) for stem in _stemmer().stemWords(kept))])


def is_light(stem: str) -> bool:
    return stem in _book().light


def denials(text: str) -> int:
    book = _book()
    words = [word.replace("'", "").replace("’", "") for word in _WORD.findall(text.lower())]
    return sum(word in book.negations for word in words)


def opposites(ours: str, theirs: str) -> bool:
    """Whether one text says "before" where the other says "after", or the like."""
    mine, others = f" {normalise(ours)} ", f" {normalise(theirs)} "
    return any(
        (a in mine and b in others and b not in mine and a not in others)
        or (b in mine and a in others and a not in mine and b not in others)
        for a, b in _book().opposite
    )


def unproven_promise(ours: str, theirs: str) -> str | None:
    """A word such as "free" or "always" in `ours` to which nothing in `theirs` corresponds."""
    mine, others = f" {normalise(ours)} ", f" {normalise(theirs)} "
    for line in _book().promises:
        said = next((word for word in line if f" {word} " in mine), None)
        if said and not any(f" {word} " in others for word in line):
            return said
    return None


def days_and_months(text: str) -> frozenset[str]:
    return frozenset(name for word in _WORD.findall(text.lower()) if (name := word.removesuffix("s")) in _book().months)


def is_neutral(sentence: str) -> bool:
    """Whether the sentence states nothing: a greeting, a thank-you, an offer to help."""
    return _book().neutral.matches(sentence)


def without_opening(sentence: str) -> str:
    """The sentence after "Yes, ", "Here is what our documents say: " and the like."""
    for _ in range(3):
        head, mark, rest = _split_opening(sentence)
        if not mark or not rest.strip() or not _book().openings.matches(head):
            return sentence
        sentence = rest.strip()
    return sentence


def instructs(text: str) -> bool:
    """Whether the text speaks to or about the machine instead of the customer."""
    return _book().instructions.matches(text)


def clauses(text: str) -> tuple[Clause, ...]:
    """The statements in a text; the commas of a list do not end one."""
    found = []
    for part in _parts(without_opening(text), _CLAUSE):
        head, comma, rest = part.partition(",") if _CONDITION.match(part) else (part, "", "")
        for statement in (head, rest) if comma else (part,):
            words, count = stems(statement), denials(statement)
            if words or count:
                found.append(Clause(statement.strip(), words, count))
    return tuple(found)


def listed(clause: Clause) -> tuple[Clause, ...]:
    """A statement about three things or more as one about each, because each may stand elsewhere."""
    members = clause.text.split(",")
    if len(members) < 3:
        return (clause,)
    return tuple(Clause(text.strip(), words, clause.denials) for text in members if (words := stems(text)))


def _parts(text: str, border: re.Pattern[str]) -> Iterator[str]:
    """Splits `text`, but never inside a fact: the dot of £2.95 ends no clause."""
    facts, start = facts_in(text), 0
    for match in border.finditer(text):
        if not any(fact.start < match.end() and match.start() < fact.end for fact in facts):
            yield text[start : match.start()]
            start = match.end()
    yield text[start:]


def pieces(text: str) -> tuple[tuple[frozenset[str], tuple[FoundFact, ...]], ...]:
    """The stretches between commas and conjunctions that hold a fact, with their words."""
    if not facts_in(text):
        return ()
    found = ((stems(part), tuple(facts_in(part))) for part in _parts(text, _PIECE))
    return tuple((words, facts) for words, facts in found if facts)


def neighbours(text: str) -> list[tuple[Fact, frozenset[str]]]:
    """Each number with the word before it and the word behind it."""
    found = []
    for fact in facts_in(text):
        if fact.fact.kind == "number":
            before = _WORD.findall(text[: fact.start].lower())[-1:]
            after = _WORD.findall(text[fact.end :].lower())[:1]
            found.append((fact.fact, frozenset([f"<{word}" for word in before] + [f">{word}" for word in after])))
    return found


def _split_opening(sentence: str) -> tuple[str, str, str]:
    match = re.search(r"[,:;!.–—]\s", sentence)
    if match and match.start() <= 70:
        return sentence[: match.start()], match[0], sentence[match.end() :]
    first, mark, rest = sentence.partition(" ")
    return first, mark, rest


def _units(heading: str, body: str) -> Iterator[Unit]:
    topic = stems(heading)
    if heading and not instructs(heading):
        yield _unit(heading, frozenset(), None)
    lead, header, group = heading, "", 0
    previous = ""
    for block in _honest_blocks(body):
        group += 1
        header = ""
        for number, line in enumerate(block.splitlines()):
            text = unmarked(line).strip()
            if not text or _RULE.match(text):
                continue
            if is_record(line):
                yield replace(_row(without_number(text), "", topic, group), item=number)
            elif _ITEM.match(line):
                sentences_of_item = _items(without_number(text), lead, topic | stems(previous), group)
                yield from (replace(unit, item=number) for unit in sentences_of_item)
            elif _ROW.match(text):
                yield replace(_row(text, header, topic | stems(header), group), item=number)
                header = header or text
            else:
                for sentence in sentences(text):
                    yield _unit(sentence, topic | stems(previous), None)
                    previous = sentence
                lead = text if text.endswith(":") else heading


def _unit(text: str, context: frozenset[str], group: int | None) -> Unit:
    return Unit(text, stems(text), context, clauses(text), group, pieces(text))


def _items(text: str, lead: str, context: frozenset[str], group: int) -> Iterator[Unit]:
    """An item's sentences; the later ones are about what the first one names."""
    named: frozenset[str] = frozenset()
    for sentence in sentences(text):
        unit = _unit(sentence, context | stems(lead) | named, group)
        named |= unit.words
        # An item that is no sentence of its own is denied by the line above it.
        if denials(lead) and (text[:1].islower() or not denials(text)) and len(text.split()) <= 14:
            denied = tuple(Clause(clause.text, clause.words | stems(lead), 1) for clause in unit.clauses)
            unit = replace(unit, clauses=denied, denied_by_heading=True)
        yield unit


def _row(text: str, header: str, context: frozenset[str], group: int) -> Unit:
    words = stems(text)
    cells = clauses(text.replace("|", " , "))
    return Unit(text, words, context, cells, group, ((words, tuple(facts_in(text))),), is_row=True)


@dataclass(frozen=True, slots=True)
class _Book:
    stop: frozenset[str]
    light: frozenset[str]
    alike: Mapping[str, str]
    negations: frozenset[str]
    opposite: tuple[tuple[str, str], ...]
    promises: tuple[tuple[str, ...], ...]
    months: frozenset[str]
    neutral: PatternSet
    openings: PatternSet
    instructions: PatternSet

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "_Book":
        words, reader, stemmer = data["words"], Reader({}, spaced=True), Stemmer.Stemmer("english")
        alike = {stem: stemmer.stemWord(group[0]) for group in words["alike"] for stem in stemmer.stemWords(group)}
        return cls(
            stop=frozenset(words["stop"]),
            light=frozenset(alike.get(stem, stem) for stem in stemmer.stemWords(words["light"])),
            alike=alike,
            negations=frozenset(words["negations"]),
            opposite=tuple((f" {a} ", f" {b} ") for a, b in words["opposite"]),
            promises=tuple(tuple(normalise(word) for word in line) for line in words["promises"]),
            months=frozenset(words["months"]),
            neutral=PatternSet.of(reader.pattern(f"^({phrase})$") for phrase in data["neutral"]["whole"]),
            openings=PatternSet.of(reader.pattern(f"^({phrase})$") for phrase in data["neutral"]["opening"]),
            instructions=PatternSet.of(reader.pattern(phrase) for phrase in data["instructions"]["patterns"]),
        )


@cache
def _book() -> _Book:
    return _Book.read(tomllib.loads((Path(__file__).parents[1] / "nlp/phrases/proof.toml").read_text("utf-8")))


_LOCAL = threading.local()


def _stemmer() -> Any:
    """One for each thread: a PyStemmer object must not be shared."""
    if not hasattr(_LOCAL, "stemmer"):
        _LOCAL.stemmer = Stemmer.Stemmer("english")
    return _LOCAL.stemmer
