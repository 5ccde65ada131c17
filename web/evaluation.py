"""What `deskhand eval` does: labelled questions are put to the agent of an organization that lives only as long.

A question is *answered* if the agent would send an answer with a citation by itself. All else (a hand-over, a
clarifying question, "You're welcome!") counts as escalated, so that answered and escalated make up all questions.
An answer is *right* if the first article it cites is among the expected ones.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from pydantic import BaseModel, SecretStr, ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from core import migrate as schema
from core.accounts import OrganizationSettings
from core.agent.profile import Profile, profile_of
from core.agent.state import Outcome, Question
from core.errors import BadInput
from core.helpdesk import Helpdesk
from core.knowledge import metrics, sources, store
from core.knowledge.articles import Article
from core.knowledge.confidence import DEFAULT_THRESHOLD
from core.knowledge.index import KnowledgeIndex, Retrieval
from core.models import Organization, new_id
from core.settings import Settings

FORMAT = '{"id": "q1", "text": "a question", "expected": ["article id"]}'


class LabelledQuestion(BaseModel):
    """`expected` is empty where the knowledge does not cover the question."""

    id: str
    text: str
    expected: frozenset[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and what became of it. `milliseconds` is the agent's whole turn."""

    question: LabelledQuestion
    outcome: Outcome
    retrieval: Retrieval
    milliseconds: float

    @property
    def covered(self) -> bool:
        return bool(self.question.expected)

    @property
    def answered(self) -> bool:
        answer = self.outcome.answer
        return self.outcome.decision.action == "answer" and answer is not None and bool(answer.citations)

    @property
    def ranked(self) -> list[str]:
        return [hit.article.id for hit in self.retrieval.hits]

    @property
    def article(self) -> str | None:
        """The first article cited, or, without an answer, the first one found."""
        if self.answered and self.outcome.answer:
            return self.outcome.answer.citations[0].article
        return next(iter(self.ranked), None)

    @property
    def right(self) -> bool:
        return self.article in self.question.expected

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.question.id,
            "answered": self.answered,
            "article": self.article,
            "confidence": round(self.outcome.confidence, 4),
            "reason": self.outcome.decision.reason,
            "text": self.outcome.answer.text if self.outcome.answer else None,
            "expected": sorted(self.question.expected),
            "right": self.right,
        }


@dataclass(frozen=True, slots=True)
class Trial:
    """A throw-away organization, ready to be asked."""

    helpdesk: Helpdesk
    knowledge: KnowledgeIndex
    profile: Profile

    async def ask(self, question: LabelledQuestion) -> Asked:
        started = time.perf_counter()
        outcome = await self.helpdesk.agent.run(Question(question.text, self.knowledge, self.profile))
        took = (time.perf_counter() - started) * 1000
        # The agent keeps what it found to itself; asked again, the index gives the same.
        meaning = await self.helpdesk.encoder.read(question.text)
        return Asked(question, outcome, self.knowledge.search(question.text, meaning), took)


def read_questions(path: Path) -> list[LabelledQuestion]:
    """Raises `BadInput` naming the line that cannot be used, or that expects an article which is not there."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}. Name a file with a line like {FORMAT} for each question.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 text. Save it with UTF-8 encoding.") from error
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not numbered:
        raise BadInput(f"{path} has no questions in it. Write one a line: {FORMAT}")
    return [_question(f"{path}, line {number}", line) for number, line in numbered]


def _question(place: str, line: str) -> LabelledQuestion:
    try:
        question = LabelledQuestion.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        name = f"{first['loc'][0]!r}: " if first["loc"] else ""
        raise BadInput(f"{place}: {name}{first['msg'].partition(' at line ')[0]}. A line is like {FORMAT}") from error
    if not question.text.strip():
        raise BadInput(f"{place}: 'text' is empty. Write the question there.")
    return question


@asynccontextmanager
async def trial(
    settings: Settings,
    articles: Sequence[Article],
    threshold: float | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> AsyncIterator[Trial]:
    """An organization in a temporary SQLite database. `progress` is called with the number of articles done."""
    with TemporaryDirectory(prefix="deskhand-eval-") as folder:
        helpdesk = Helpdesk.build(_throw_away(settings, Path(folder)))
        async with helpdesk.running(work=False):
            await schema.migrate(helpdesk.db)
            wishes = OrganizationSettings(threshold=threshold).model_dump()
            organization = Organization(id=new_id(), slug="evaluation", name="Evaluation", settings=wishes)
            async with helpdesk.db.write(organization.id) as scope:
                scope.session.add(organization)
            await store.ingest(helpdesk.db, organization.id, helpdesk.encoder, articles, "eval", progress=progress)
            index = await helpdesk.shelf.index(organization.id, 1)
            yield Trial(helpdesk, index, profile_of(organization.name, wishes))


def _throw_away(settings: Settings, folder: Path) -> Settings:
    """The same models, but nothing of the real installation's data or secrets."""
    own = {"data_dir": folder, "database_url": "", "secret_key": SecretStr("as short-lived as its database")}
    return settings.model_copy(update=own)


def figures(asked: Sequence[Asked], threshold: float) -> dict[str, Any]:
    """What `deskhand eval --json` prints; null is a share of nothing."""
    covered = [one for one in asked if one.covered]
    uncovered = [one for one in asked if not one.covered]
    answered = [one for one in asked if one.answered]
    right = sum(one.right for one in answered)
    missed, left = sum(not one.answered for one in covered), sum(not one.answered for one in uncovered)
    times = np.percentile([one.milliseconds for one in asked], (50, 95))
    return {
        "questions": len(asked),
        "covered": len(covered),
        "uncovered": len(uncovered),
        "retrieval": retrieval_figures([one.ranked for one in asked], [one.question.expected for one in asked]),
        "answered": len(answered),
        "answered_right": right,
        "answered_wrong": len(answered) - right,
        "escalated_covered": missed,
        "escalated_uncovered": left,
        "precision": _share(right, answered),
        "coverage": _share(len(covered) - missed, covered),
        "uncovered_escalated_share": _share(left, uncovered),
        **confidence_figures([one.outcome.confidence for one in asked], [_found(one) for one in asked]),
        "ms_p50": round(float(times[0]), 2),
        "ms_p95": round(float(times[1]), 2),
        "threshold": threshold,
        "courtesies": sum(one.outcome.decision.action == "courtesy" for one in asked),
        "clarified": sum(one.outcome.decision.action == "clarify" for one in asked),
    }


def _found(one: Asked) -> bool:
    """Whether the first article found is right: what the confidence is a probability of."""
    return not one.question.expected.isdisjoint(one.ranked[:1])


def retrieval_figures(ranked: Sequence[Sequence[str]], expected: Sequence[frozenset[str]]) -> dict[str, float | None]:
    if not any(expected):
        return {"recall_at_1": None, "recall_at_3": None, "mrr_at_10": None}
    return {
        "recall_at_1": round(metrics.recall_at(1, ranked, expected), 4),
        "recall_at_3": round(metrics.recall_at(3, ranked, expected), 4),
        "mrr_at_10": round(metrics.mrr_at(10, ranked, expected), 4),
    }


def confidence_figures(confidence: Sequence[float], right: Sequence[bool]) -> dict[str, float | None]:
    area = metrics.auroc(confidence, right)
    return {
        "auroc": None if area is None else round(area, 4),
        "ece": round(metrics.expected_calibration_error(confidence, right), 4),
    }


def _share(count: int, of: Sequence[Asked]) -> float | None:
    return round(count / len(of), 4) if of else None


@dataclass(frozen=True, slots=True)
class Files:
    knowledge: Path
    questions: Path
    details: Path | None = None


async def evaluate(
    settings: Settings, out: Console, err: Console, files: Files, *, threshold: float | None, as_json: bool
) -> None:
    if threshold is not None and not 0 <= threshold <= 1:
        raise BadInput(f"The threshold {threshold} is no probability. Give a number from 0 to 1.")
    articles = sources.read_folder(files.knowledge)
    questions = read_questions(files.questions)
    _warn_of_unknown(questions, {article.id for article in articles}, err)
    if files.details:
        _write(files.details, ())  # an address that cannot be written to is found out now, not after minutes
    asked = await _ask_all(settings, err, articles, questions, threshold)
    if files.details:
        _write(files.details, (json.dumps(one.as_json(), ensure_ascii=False) for one in asked))
    found = figures(asked, DEFAULT_THRESHOLD if threshold is None else threshold)
    if as_json:
        print(json.dumps(found))  # noqa: T201
    else:
        out.print(_table(found))


def _warn_of_unknown(questions: Iterable[LabelledQuestion], articles: Collection[str], err: Console) -> None:
    """Such a question counts as covered and cannot be answered right, which is hardly what was meant."""
    unknown = sorted({name for question in questions for name in question.expected if name not in articles})
    if unknown:
        err.print(
            f"deskhand: the questions expect {len(unknown)} articles that the knowledge does not have, "
            f'{unknown[0]!r} the first. An id is a page\'s file name without .md, or the "id" of a line in faq.jsonl.',
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def _write(path: Path, lines: Iterable[str]) -> None:
    try:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}. Name a file that can be written with --details.") from error


async def _ask_all(
    settings: Settings,
    err: Console,
    articles: Sequence[Article],
    questions: Sequence[LabelledQuestion],
    threshold: float | None,
) -> list[Asked]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bars:
        reading = bars.add_task("Reading articles", total=len(articles))
        asking = bars.add_task("Asking questions", total=len(questions))
        async with trial(settings, articles, threshold, lambda done: bars.advance(reading, done)) as desk:
            await desk.ask(questions[0])  # the first turn of a process loads things, and is not timed
            asked = []
            for question in questions:
                asked.append(await desk.ask(question))
                bars.advance(asking)
    return asked


def _table(found: dict[str, Any]) -> Table:
    table = Table("figure", "value", show_header=False, box=None)
    for name, value in {**found.pop("retrieval"), **found}.items():
        table.add_row(name.replace("_", " "), "–" if value is None else str(value))
    return table
