"""Retrieval, confidence and the whole agent, on questions about a knowledge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import pi, sqrt
from pathlib import Path

from rich.console import Console
from rich.progress import track

from core.knowledge import clarify, metrics
from core.knowledge.build import confidence as fitting
from core.knowledge.confidence import DEFAULT_THRESHOLD, Confidence
from core.knowledge.metrics import Bin
from core.knowledge.sources import read_folder
from core.nlp.encoder import Encoder
from core.settings import Settings
from tests.evaluation import baselines
from tests.evaluation.data import Set, need, trades
from tests.evaluation.table import Row
from web.evaluation import Asked, figures, read_questions, retrieval_figures, trial

ECE, RIGHT, ANSWERED, ESCALATED = 0.03, 0.97, 0.85, 0.95
"""The goals for a FAQ knowledge with answers, at the default threshold."""
RECALL = {"banking77": 0.76}
TRADES = "trades"
OUTSIDE = 0.97
"""The share of out-of-scope questions that CLINC150's goals are stated at."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A set, what became of its questions, and what simpler ways make of them."""

    of: Set
    asked: list[Asked]
    plain: dict[str, baselines.Found]

    @property
    def sure(self) -> list[float]:
        return [one.outcome.confidence for one in self.asked]

    @property
    def covered(self) -> list[bool]:
        return [one.covered for one in self.asked]

    @property
    def expected(self) -> list[frozenset[str]]:
        return [one.question.expected for one in self.asked]

    @property
    def found(self) -> list[bool]:
        return _right([one.ranked for one in self.asked], self.expected)


def _right(ranked: Sequence[Sequence[str]], expected: Sequence[frozenset[str]]) -> list[bool]:
    return [not wanted.isdisjoint(ids[:1]) for ids, wanted in zip(ranked, expected, strict=True)]


async def measure(settings: Settings, of: Set) -> Measured:
    articles = read_folder(need(of.knowledge, of.family))
    questions = read_questions(need(of.questions, of.family))
    async with trial(settings, articles) as desk:
        await desk.ask(questions[0])
        watched = track(questions, of.name, console=Console(stderr=True), transient=True)
        asked = [await desk.ask(question) for question in watched]
        texts = [question.text for question in questions]
        vectors = await desk.helpdesk.encoder.embed_many(texts)
        return Measured(of, asked, baselines.search(desk.knowledge.articles, texts, vectors))


def together(name: str, every: Sequence[Measured]) -> Measured:
    """Several small sets as one."""
    ways = {
        way: baselines.Found(
            [ids for each in every for ids in each.plain[way].ranked],
            [score for each in every for score in each.plain[way].scores],
        )
        for way in every[0].plain
    }
    return Measured(replace(every[0].of, name=name, family=TRADES), [a for each in every for a in each.asked], ways)


def rows(measured: Measured) -> list[Row]:
    return [*_retrieval(measured), *_confidence(measured), *_agent(measured), *_out_of_scope(measured)]


def _retrieval(measured: Measured) -> list[Row]:
    ours = retrieval_figures([one.ranked for one in measured.asked], measured.expected)
    theirs = {name: retrieval_figures(found.ranked, measured.expected) for name, found in measured.plain.items()}
    name, goal = measured.of.name, RECALL.get(measured.of.family)
    beside = {key: {way: found[key] for way, found in theirs.items()} for key in ours}
    return [
        Row(name, "recall@1", ours["recall_at_1"], goal=goal, beside=beside["recall_at_1"]),
        Row(name, "recall@3", ours["recall_at_3"], beside=beside["recall_at_3"]),
        Row(name, "MRR@10", ours["mrr_at_10"], "", beside=beside["mrr_at_10"]),
    ]


def _confidence(measured: Measured) -> list[Row]:
    beside = {
        way: metrics.auroc(found.scores, _right(found.ranked, measured.expected))
        for way, found in measured.plain.items()
    }
    area = metrics.auroc(measured.sure, measured.found)
    return [
        Row(measured.of.name, "AUROC of right first", area, "", beside=beside),
        _calibration(measured.of.name, measured.sure, measured.found),
    ]


def _calibration(name: str, sure: Sequence[float], right: Sequence[bool]) -> Row:
    """Beside it what chance alone would leave of a perfect confidence, asked so few questions."""
    bins = metrics.reliability(sure, right)
    chance = sum(sqrt(2 / pi * found.promised * (1 - found.promised) * found.count) for found in bins) / len(sure)
    error = metrics.expected_calibration_error(sure, right)
    return Row(name, "calibration error", error, "", goal=ECE, at_least=False, beside={"perfect": chance})


def _agent(measured: Measured) -> list[Row]:
    """At the default threshold; beside it what a fixed threshold on the nearest vector's cosine does."""
    ours, cosine = figures(measured.asked, DEFAULT_THRESHOLD), measured.plain["cosine"]
    right = _right(cosine.ranked, measured.expected)
    plain = metrics.at_threshold(baselines.FIXED, cosine.scores, right, measured.covered)
    beside = [{f"fixed {baselines.FIXED}": share} for share in (plain.precision, plain.coverage, plain.escalated)]
    shares = (ours["precision"], ours["coverage"], ours["uncovered_escalated_share"])
    name, note = measured.of.name, f"p95 {ours['ms_p95']:.1f} ms"
    return [
        *_at_default(measured, name, shares, beside),
        _asked_back(measured),
        Row(name, "one turn, p50", ours["ms_p50"], "ms", note=note),
    ]


def _at_default(
    measured: Measured, name: str, shares: Sequence[float | None], beside: Sequence[Mapping[str, float | None]]
) -> list[Row]:
    # The answers of the others are placeholders: for them these are figures without a goal.
    has_answers = measured.of.family in ("covid_faq", "webshop", TRADES)
    goals = (RIGHT, ANSWERED, ESCALATED) if has_answers else (None, None, None)
    names = ("right among answered", "covered answered", "uncovered escalated")
    found = [
        Row(name, figure, share, goal=goal, beside=other)
        for figure, share, goal, other in zip(names, shares, goals, beside, strict=True)
    ]
    return found[:2] if all(measured.covered) else found


def _asked_back(measured: Measured) -> Row:
    """Clarifying questions: how often, and how often what is asked for is among what they offer."""
    asked = [one for one in measured.asked if one.outcome.decision.action == "clarify"]
    offered = [{hit.article.id for hit in clarify.candidates(one.retrieval, DEFAULT_THRESHOLD)} for one in asked]
    hits = sum(not one.question.expected.isdisjoint(ids) for one, ids in zip(asked, offered, strict=True))
    share = len(asked) / len(measured.asked)
    return Row(measured.of.name, "asked back", share, note=f"{hits} of {len(asked)} offer the right article")


def _out_of_scope(measured: Measured) -> list[Row]:
    if measured.of.family != "clinc150":
        return []
    ours = _at_share(measured.sure, measured.found, measured.covered)
    plain = {
        way: _at_share(found.scores, _right(found.ranked, measured.expected), measured.covered)
        for way, found in measured.plain.items()
    }
    name, at = measured.of.name, f"at {OUTSIDE:.0%} out of scope escalated: "
    precision = {way: found.precision for way, found in plain.items()}
    coverage = {way: found.coverage for way, found in plain.items()}
    return [
        Row(name, at + "right among answered", ours.precision, goal=0.95, beside=precision),
        Row(name, at + "in scope answered", ours.coverage, goal=0.60, beside=coverage),
    ]


def _at_share(sure: Sequence[float], right: Sequence[bool], covered: Sequence[bool]) -> metrics.Outcome:
    threshold = metrics.threshold_for_escalation(OUTSIDE, sure, covered)
    return metrics.at_threshold(threshold, sure, right, covered)


async def unseen(data: Path, encoder: Encoder, every: Sequence[Measured]) -> list[Row]:
    """Each knowledge judged by coefficients fitted on the others alone: what a new customer may expect."""
    known = [
        case
        for family in track(fitting.families(data), "fitting", console=Console(stderr=True), transient=True)
        for case in await fitting.cases(family, encoder)
    ]
    found = []
    for measured in every:
        own = {each.family for each in trades()} if measured.of.family == TRADES else {measured.of.family}
        model = fitting.fit([case for case in known if case.family not in own])
        found += _unseen(measured, model)
    return found


def _unseen(measured: Measured, model: Confidence) -> list[Row]:
    evidence = [one.retrieval.evidence for one in measured.asked]
    sure = [model.topic.probability(e) * model.choice.probability(e) if e else 0.0 for e in evidence]
    at = metrics.at_threshold(DEFAULT_THRESHOLD, sure, measured.found, measured.covered)
    name = f"{measured.of.name}, as if never seen"
    return [
        _calibration(name, sure, measured.found),
        *_at_default(measured, name, (at.precision, at.coverage, at.escalated), ({}, {}, {})),
    ]


def curve(measured: Measured) -> list[Bin | None]:
    """Ten bins of equal width; None where nothing was promised so much."""
    bins: list[Bin | None] = [None] * 10
    for found in metrics.reliability(measured.sure, measured.found):
        bins[min(int(found.promised * 10), 9)] = found
    return bins
