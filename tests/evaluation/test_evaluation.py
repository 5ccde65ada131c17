"""That the measuring measures: small cases with figures known by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from core.agent.state import Decision, Outcome, Reading
from core.knowledge.chunking import ViewKind
from core.knowledge.index import Hit, IndexedArticle, IndexedView, Retrieval
from core.nlp.encoder import Encoder
from core.nlp.sentiment import Sentiment
from tests.evaluation import baselines, guards, knowledge, tone
from tests.evaluation.data import SOURCES, AbsentError, knowledge_sets, need, rows
from tests.evaluation.table import Row, lines
from web.evaluation import Asked, LabelledQuestion


def test_a_row_knows_whether_its_goal_is_reached() -> None:
    assert Row("acme", "recall@1", 0.76, goal=0.76).reached is True
    assert Row("acme", "calibration error", 0.04, "", goal=0.03, at_least=False).reached is False
    assert Row("acme", "recall@1", None, goal=0.76).reached is None
    assert Row("acme", "recall@3", 0.9).reached is None


def test_the_table_shows_figure_goal_and_what_is_beside_it() -> None:
    row = Row("acme", "recall@1", 0.7812, goal=0.76, beside={"BM25": 0.5941, "cosine": None})
    head, rule, line = lines([row])
    assert len(head) == len(rule) == len(line)
    assert line.split("|")[1:-1] == [
        " acme ",
        " recall@1 ",
        " 78.1 %   ",
        " ≥ 76 % ",
        " reached ",
        " BM25: 59.4 % ",
        "  ",
    ]


def article(name: str, *views: tuple[ViewKind, str, tuple[float, float]]) -> IndexedArticle:
    made = tuple(
        IndexedView(UUID(int=0), name, kind, text, "", "", place, np.array(vector, dtype=np.float32))
        for place, (kind, text, vector) in enumerate(views)
    )
    return IndexedArticle(name, UUID(int=0), name, None, made)


def test_each_simple_way_finds_by_its_own_light() -> None:
    articles = [
        article(
            "wide", ("title", "parcel", (0.0, 1.0)), ("question", "late", (1.0, 0.0)), ("question", "lost", (0, 1))
        ),
        article("narrow", ("title", "voucher", (0.8, 0.6)), ("passage", "expires", (0.8, 0.6))),
    ]
    question = np.array([[1.0, 0.0]], dtype=np.float32)
    found = baselines.search(articles, ["when does my voucher expire"], question)
    assert {way: one.ranked[0][0] for way, one in found.items()} == {
        "BM25": "narrow",
        "cosine": "wide",
        "centroid": "narrow",
    }
    assert found["cosine"].scores == [1.0]


def test_a_question_asked_back_counts_as_escalated_and_says_what_it_offers() -> None:
    hits = tuple(
        Hit(article(name, ("title", name, (1.0, 0.0))), score, None) for name, score in (("a", 0.8), ("b", 0.79))
    )
    calm = Reading(Sentiment("neutral", {}, 0.0, 0.0), 0.0, "en")
    asked = [
        Asked(
            LabelledQuestion(id=wanted, text=wanted, expected=frozenset([wanted])),
            Outcome(Decision("clarify"), calm, None, 0.5),
            Retrieval(hits, confidence=0.5, topic=0.95),
            1.0,
        )
        for wanted in ("b", "c")
    ]
    plain = {"cosine": baselines.Found([["a", "b"], ["a", "b"]], [0.8, 0.8])}
    found = {row.figure: row for row in knowledge.rows(knowledge.Measured(knowledge_sets(Path())[-1], asked, plain))}
    assert found["asked back"].measured == 1.0
    assert found["asked back"].note == "1 of 2 offer the right article"
    assert found["covered answered"].measured == 0.0


@pytest.mark.parametrize(
    ("emotions", "label"),
    [
        (["anger"], "negative"),
        (["gratitude", "joy", "anger"], "positive"),
        (["curiosity"], "neutral"),
        (["joy", "sadness"], None),
    ],
)
def test_emotions_become_one_label_or_none(emotions: list[str], label: str | None) -> None:
    assert tone.mapped(emotions) == label


def test_sentiment_figures() -> None:
    found = tone.figures(
        ["negative", "negative", "neutral", "positive"],
        ["negative", "neutral", "neutral", "neutral"],
        [0.9, 0.4, 0.5, 0.1],
    )
    assert found["negative or not, right"] == 0.75
    assert found["negative or not, AUROC"] == 0.75
    assert found["three classes, right"] == 0.5
    assert found["three classes, macro-F1"] == pytest.approx((2 / 3 + 2 / 4 + 0) / 3)


def test_masked_stretches_are_those_of_the_original() -> None:
    text = "[email-1] dana@acme.example, again dana@acme.example or sam@acme.example"
    assert [text[start:end] for start, end in guards.masked(text)] == [
        "dana@acme.example",
        "dana@acme.example",
        "sam@acme.example",
    ]


def test_a_passage_has_its_heading_apart() -> None:
    assert guards.Passage.of("Delivery\n\nTwo days.") == guards.Passage("Delivery", "Two days.")
    assert guards.Passage.of("Two days.\n\nThen three.") == guards.Passage("", "Two days.\n\nThen three.")


def test_an_absent_set_is_named_with_its_source(tmp_path: Path) -> None:
    for each in knowledge_sets(tmp_path)[:-1]:
        with pytest.raises(AbsentError, match=r"Put there .* by "):
            need(each.questions, each.family)
    assert {each.family for each in knowledge_sets(tmp_path)} <= {*SOURCES, "webshop"}


def test_our_own_sets_are_there_and_have_what_is_read(encoder: Encoder) -> None:
    shop = knowledge_sets(Path())[-1]
    assert rows(shop.questions)
    assert need(shop.knowledge, shop.family).is_dir()
    assert len(guards.wants_human(encoder)) == len(guards.personal_data()) == len(guards.tampered()) == 4


@pytest.mark.slow
def test_without_public_data_the_rest_is_measured_and_the_source_named(tmp_path: Path) -> None:
    out = tmp_path / "eval.json"
    arguments = ["--data", str(tmp_path), "--only", "guards", "--only", "sentiment", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.evaluation", *arguments], capture_output=True, text=True, timeout=55, check=True
    )
    assert "tampered answers caught" in done.stdout
    assert "Not measured: " in done.stdout
    assert "Google Research" in done.stdout
    assert out.is_file()
