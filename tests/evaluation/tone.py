"""Sentiment, frustration and urgency, with VADER beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from core.knowledge.metrics import auroc
from core.nlp.build.corpus import NEGATIVE, POSITIVE
from core.nlp.encoder import Encoder
from core.nlp.sentiment import LABELS, Label, Sentiment, SentimentModel
from tests.evaluation.data import LABELLED, rows
from tests.evaluation.table import Row

Vader = Callable[[str], float]
NO_VADER = "VADER is not installed"
OURS = LABELLED / "sentiment"


def mapped(emotions: Sequence[str]) -> Label | None:
    """The label that most of a comment's emotions have; None where two are level."""
    counts = Counter[Label](
        "negative" if emotion in NEGATIVE else "positive" if emotion in POSITIVE else "neutral" for emotion in emotions
    ).most_common(2)
    level = len(counts) == 2 and counts[0][1] == counts[1][1]
    return None if level else counts[0][0]


def comments(data: Path) -> list[tuple[str, Label]]:
    labelled = [(row["text"], mapped(row["emotions"])) for row in rows(data / "goemotions/test.jsonl", "goemotions")]
    return [(text, label) for text, label in labelled if label]


def posts(data: Path) -> list[tuple[str, Label]]:
    return _labelled(rows(data / "tweeteval_sentiment/dev.jsonl", "tweeteval_sentiment"))


def to_companies() -> list[tuple[str, Label]]:
    return _labelled(rows(OURS / "heldout.jsonl"))


def _labelled(found: Sequence[dict[str, Any]]) -> list[tuple[str, Label]]:
    return [(row["text"], row["label"]) for row in found]


async def felt(encoder: Encoder, model: SentimentModel, texts: Sequence[str], name: str) -> list[Sentiment]:
    watched = track(texts, name, console=Console(stderr=True), transient=True)
    return [model.score(text, await encoder.encode(text)) for text in watched]


def measure(
    name: str, sample: Sequence[tuple[str, Label]], ours: Sequence[Sentiment], goals: tuple[float, float] | None = None
) -> list[Row]:
    """`goals`: for telling negative from the rest, right and AUROC."""
    truth = [label for _, label in sample]
    given = figures(truth, [one.label for one in ours], [one.scores["negative"] for one in ours])
    vader = vader_or_none()
    beside: dict[str, float | None] = {}
    if vader:
        compounds = [vader(text) for text, _ in sample]
        beside = figures(truth, [_vader_label(value) for value in compounds], [-value for value in compounds])
    right, area = goals or (None, None)
    goal = {"negative or not, right": right, "negative or not, AUROC": area}
    note = "" if vader else NO_VADER
    return [
        Row(
            name, figure, value, "" if "AUROC" in figure or "F1" in figure else "%", goal=goal.get(figure),
            beside={"VADER": beside[figure]} if vader else {}, note=note,
        )
        for figure, value in given.items()
    ]  # fmt: skip


def figures(truth: Sequence[Label], said: Sequence[Label], negative: Sequence[float]) -> dict[str, float | None]:
    is_negative = [label == "negative" for label in truth]
    told = [(label == "negative") == flag for label, flag in zip(said, is_negative, strict=True)]
    same = [one == other for one, other in zip(truth, said, strict=True)]
    return {
        "negative or not, right": float(np.mean(told)),
        "negative or not, AUROC": auroc(negative, is_negative),
        "three classes, right": float(np.mean(same)),
        "three classes, macro-F1": macro_f1(truth, said),
    }


def macro_f1(truth: Sequence[Label], said: Sequence[Label]) -> float:
    """The mean over the labels of 2 hits / (times meant + times said)."""
    meant, given = Counter(truth), Counter(said)
    hits = Counter(label for label, other in zip(truth, said, strict=True) if label == other)
    return float(np.mean([2 * hits[label] / max(meant[label] + given[label], 1) for label in LABELS]))


async def degrees(encoder: Encoder, model: SentimentModel) -> list[Row]:
    """How well the two scores set apart what is marked high in our own lines."""
    found = []
    for kind in ("frustration", "urgency"):
        sample = rows(OURS / f"{kind}.jsonl")
        scores = await felt(encoder, model, [row["text"] for row in sample], kind)
        area = auroc([getattr(one, kind) for one in scores], [row["high"] for row in sample])
        found.append(Row(f"our {kind} lines", f"AUROC of {kind}", area, "", note=f"{len(sample)} lines"))
    return found


def vader_or_none() -> Vader | None:
    try:
        # Optional: only this table needs it.
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ModuleNotFoundError:
        return None
    analyzer = SentimentIntensityAnalyzer()
    return lambda text: float(analyzer.polarity_scores(text)["compound"])


def _vader_label(compound: float) -> Label:
    """The thresholds its authors give: https://github.com/cjhutto/vaderSentiment#about-the-scoring"""
    return "negative" if compound <= -0.05 else "positive" if compound >= 0.05 else "neutral"
