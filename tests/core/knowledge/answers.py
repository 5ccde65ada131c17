"""Judges extractive answers by what they have to say, and must not: tests/data/webshop/answers.*.jsonl."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.knowledge.build.confidence import indexed
from core.knowledge.extract import Extract, extract
from core.knowledge.index import KnowledgeIndex
from core.knowledge.sources import read_folder
from core.nlp.encoder import Encoder

HERE = Path(__file__).parents[3]
KNOWLEDGE = HERE / "web/demo/knowledge"
QUESTIONS = HERE / "tests/data/webshop"


@dataclass(frozen=True, slots=True)
class Expected:
    """`must` and `must_not` are parts of the answer, each "one|or|another"; case and white space do not count."""

    id: str
    text: str
    must: tuple[str, ...]
    must_not: tuple[str, ...]

    def missing(self, answer: str) -> list[str]:
        return [part for part in self.must if not _says(answer, part)]

    def unwanted(self, answer: str) -> list[str]:
        return [part for part in self.must_not if _says(answer, part)]


@dataclass(frozen=True, slots=True)
class Judged:
    expected: Expected
    found: Extract
    confidence: float

    @property
    def right(self) -> bool:
        return not self.expected.missing(self.found.text) and not self.expected.unwanted(self.found.text)


def read(path: Path) -> list[Expected]:
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [Expected(row["id"], row["text"], tuple(row["must"]), tuple(row.get("must_not", ()))) for row in rows]


async def judge(encoder: Encoder, part: str, knowledge: Path = KNOWLEDGE) -> list[Judged]:
    """What the best article says to each question of a part ("dev" or "heldout"), sure of it or not."""
    index = KnowledgeIndex(await indexed(read_folder(knowledge), encoder))
    judged = []
    for expected in read(QUESTIONS / f"answers.{part}.jsonl"):
        retrieval = index.search(expected.text, await encoder.read(expected.text))
        judged.append(Judged(expected, extract(expected.text, retrieval.hits), retrieval.confidence))
    return judged


def share_right(judged: Sequence[Judged]) -> float:
    return sum(answer.right for answer in judged) / len(judged)


def _says(answer: str, part: str) -> bool:
    said = " ".join(answer.lower().split())
    return any(" ".join(wording.lower().split()) in said for wording in part.split("|"))
