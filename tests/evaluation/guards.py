"""What must not get through: tampered answers, unheard requests for a person, personal data, a wrong language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.agent.verify import verify
from core.nlp import intents, language
from core.nlp.encoder import Encoder
from core.nlp.redact import redact
from tests.evaluation.data import LABELLED, fresh_trades, rows
from tests.evaluation.table import Row

SHOP = LABELLED / "webshop"
LONGEST_HEADING = 70
_PLACEHOLDER = re.compile(r"\[[a-z]+-\d+\]")


@dataclass(frozen=True, slots=True)
class Passage:
    heading: str
    body: str

    @classmethod
    def of(cls, text: str) -> Passage:
        """The sets give a passage as one text, its heading, if any, on the first line."""
        first, _, rest = text.partition("\n\n")
        is_heading = rest and len(first) < LONGEST_HEADING and not first.endswith(".") and first[0] not in "|-"
        return cls(first, rest) if is_heading else cls("", text)


def tampered() -> list[Row]:
    """An answer counts as caught if not all of it is proven: the rest is cut, or it becomes a draft."""
    return [row for part in ("heldout", "fresh") for row in _tampered(part)]


def _tampered(part: str) -> list[Row]:
    whole: dict[str, list[bool]] = {"genuine": [], "tampered": []}
    for row in rows(SHOP / f"tampered.{part}.jsonl"):
        verdict = verify(row["answer"], [Passage.of(row["passage"])], row["question"])
        whole[row["verdict"]].append(verdict.proven)
    caught, kept, name = [not proven for proven in whole["tampered"]], whole["genuine"], f"tampered {part}"
    return [
        Row(name, "tampered answers caught", _share(caught), goal=0.95, note=_of(caught)),
        Row(name, "genuine answers kept", _share(kept), goal=0.90, note=_of(kept)),
    ]


def reworded() -> list[Row]:
    """Single sentences about the fresh businesses' articles, nearly all in other words than the article's."""
    proven: dict[bool, list[bool]] = {True: [], False: []}
    for business in fresh_trades():
        articles = {row["id"]: row for row in rows(business.knowledge / "faq.jsonl")}
        for row in rows(business.questions.with_name("claims.jsonl")):
            article = articles[row["article"]]
            verdict = verify(row["text"], [Passage(article["question"], article["answer"])], "")
            proven[row["true"]].append(verdict.proven)
    caught = [not through for through in proven[False]]
    return [
        Row("reworded fresh", "false sentences caught", _share(caught), goal=0.95, note=_of(caught)),
        Row("reworded fresh", "true sentences kept", _share(proven[True]), goal=0.90, note=_of(proven[True])),
    ]


def wants_human(encoder: Encoder) -> list[Row]:
    """With the message's vector, as the agent asks."""
    return [row for part in ("heldout", "fresh") for row in _asks(encoder, part)]


def _asks(encoder: Encoder, part: str) -> list[Row]:
    asks: dict[bool, list[bool]] = {True: [], False: []}
    for row in rows(SHOP / f"wants_human.{part}.jsonl"):
        asks[row["wants_human"]].append(intents.wants_human(row["text"], encoder.encode_now(row["text"]).vector))
    name = f"wants_human {part}"
    return [
        Row(name, "requests for a person caught", _share(asks[True]), goal=0.99, note=_of(asks[True])),
        Row(name, "false alarms", _share(asks[False]), goal=0.01, at_least=False, note=_of(asks[False])),
    ]


def personal_data() -> list[Row]:
    return [row for part in ("heldout", "fresh") for row in _masked_data(part)]


def _masked_data(part: str) -> list[Row]:
    hidden: list[bool] = []
    invented: list[bool] = []
    for row in rows(SHOP / f"personal_data.{part}.jsonl"):
        found = list(masked(row["text"]))
        spans = [(span["start"], span["end"]) for span in row["spans"]]
        hidden += [_covered(row["text"], span, found) for span in spans]
        invented.append(any(not any(_touch(one, span) for span in spans) for one in found))
    name = f"personal_data {part}"
    return [
        Row(name, "personal data masked", _share(hidden), goal=0.98, note=_of(hidden)),
        Row(name, "messages with something else masked", _share(invented), at_least=False, note=_of(invented)),
    ]


def masked(text: str) -> Iterator[tuple[int, int]]:
    """Where in the original text the placeholders stand: between them it is unchanged."""
    found = redact(text)
    start = end = 0
    for match in _PLACEHOLDER.finditer(found.text):
        original = found.originals.get(match[0])
        if original is None:  # the customer typed it
            continue
        start += match.start() - end
        yield start, start + len(original)
        start, end = start + len(original), match.end()


def _covered(text: str, span: tuple[int, int], found: Sequence[tuple[int, int]]) -> bool:
    """Whether every letter and digit of the span is masked."""
    return all(any(start <= place < end for start, end in found) for place in range(*span) if text[place].isalnum())


def _touch(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def languages() -> list[Row]:
    found = rows(SHOP / "language.heldout.jsonl")
    right = [_two_letters(language.detect(row["text"])) == row["language"] for row in found]
    spoken = len({row["language"] for row in found})
    return [Row("language heldout", "language right", _share(right), note=f"{_of(right)}, {spoken} languages")]


def _two_letters(code: str) -> str:
    """The set writes `no` for both written forms of Norwegian."""
    return {"nb": "no", "nn": "no"}.get(code, code)


def every(encoder: Encoder) -> list[Row]:
    return [*tampered(), *reworded(), *wants_human(encoder), *personal_data(), *languages()]


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def _of(flags: Sequence[bool]) -> str:
    return f"{sum(flags)} of {len(flags)}"
