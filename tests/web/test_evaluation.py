"""`deskhand eval`, from its files to its figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.agent.state import Answer, Decision, Outcome, Reading
from core.errors import BadInput
from core.knowledge.index import Hit, IndexedArticle, Retrieval
from core.messages import Citation
from core.nlp.sentiment import Sentiment
from core.settings import Settings
from tests.cast import ACME_ARTICLES
from web.evaluation import Asked, LabelledQuestion, figures, read_questions, trial

CALM = Reading(Sentiment("neutral", {"negative": 0.0, "neutral": 1.0, "positive": 0.0}, 0.0, 0.0), 0.0, "en")


def asked(
    expected: set[str], found: str, confidence: float, *, action: str = "answer", cited: str | None = None
) -> Asked:
    """A question of which `found` came first, answered from `cited` (or from `found`) unless `action` says else."""
    hit = Hit(IndexedArticle(found, UUID(int=0), found, None, ()), confidence, None)
    citations = (Citation(cited or found, "", None, ""),) if action not in ("clarify", "courtesy") else ()
    outcome = Outcome(
        Decision(action, None if action == "answer" else "no_knowledge"),  # type: ignore[arg-type]
        CALM,
        Answer("text", citations, confidence),
        confidence,
    )
    question = LabelledQuestion(id="q", text="?", expected=frozenset(expected))
    return Asked(question, outcome, Retrieval((hit,), confidence, confidence), milliseconds=2.0)


def test_every_figure_of_a_known_set() -> None:
    found = figures(
        [
            asked({"returns"}, "returns", 0.9),
            asked({"returns"}, "delivery", 0.8),
            asked({"payment", "returns"}, "payment", 0.3, action="clarify"),
            asked(set(), "delivery", 0.85),
            asked(set(), "delivery", 0.1, action="escalate"),
            asked(set(), "delivery", 0.2, action="courtesy"),
        ],
        threshold=0.7,
    )
    assert found == {
        "questions": 6, "covered": 3, "uncovered": 3,
        "retrieval": {"recall_at_1": 0.6667, "recall_at_3": 0.6667, "mrr_at_10": 0.6667},
        "answered": 3, "answered_right": 1, "answered_wrong": 2, "escalated_covered": 1, "escalated_uncovered": 2,
        "precision": 0.3333, "coverage": 0.6667, "uncovered_escalated_share": 0.6667,
        "auroc": 0.75, "ece": 0.4583, "ms_p50": 2.0, "ms_p95": 2.0, "threshold": 0.7, "courtesies": 1, "clarified": 1,
    }  # fmt: skip


def test_the_first_citation_decides_not_the_first_article_found() -> None:
    found = figures([asked({"payment"}, "returns", 0.9, cited="payment")], 0.8)
    assert (found["answered_right"], found["retrieval"]["recall_at_1"]) == (1, 0.0)


def test_shares_of_nothing_are_null() -> None:
    found = figures([asked(set(), "delivery", 0.1, action="escalate")], 0.8)
    assert found["precision"] is found["coverage"] is found["auroc"] is None
    assert found["retrieval"] == {"recall_at_1": None, "recall_at_3": None, "mrr_at_10": None}
    assert figures([asked({"a"}, "a", 0.9)], 0.8)["uncovered_escalated_share"] is None


ONE = st.builds(
    asked,
    st.sets(st.sampled_from(["a", "b"])),
    st.sampled_from(["a", "b", "c"]),
    st.floats(0, 1),
    action=st.sampled_from(["answer", "clarify", "escalate", "route", "courtesy"]),
)


@given(st.lists(ONE, min_size=1))
def test_answered_and_escalated_make_up_all_questions(every: list[Asked]) -> None:
    found = figures(every, 0.8)
    assert found["answered"] + found["escalated_covered"] + found["escalated_uncovered"] == found["questions"]
    assert found["answered_right"] + found["answered_wrong"] == found["answered"]
    assert found["covered"] + found["uncovered"] == found["questions"]
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("", "no questions"),
        ('\n{"id": "a", "text": "hi", "expected": []}\n{"id":', "line 3: Invalid JSON"),
        ('["a"]', "line 1: Input should be an object"),
        ('{"id": "a", "text": "hi"}', "line 1: 'expected': Field required"),
        ('{"id": "a", "text": "hi", "expected": "returns"}', "line 1: 'expected': Input should be a valid array"),
        ('{"id": "a", "text": " ", "expected": []}', "line 1: 'text' is empty"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, lines: str, message: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(lines)
    with pytest.raises(BadInput) as caught:
        read_questions(path)
    assert message in caught.value.detail
    assert "\n" not in caught.value.detail


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read_questions(tmp_path / "absent.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b'{"id": "\xe4"}')
    with pytest.raises(BadInput, match="UTF-8"):
        read_questions(tmp_path / "latin.jsonl")


async def test_the_throw_away_organization_answers_and_hands_over(settings: Settings) -> None:
    elsewhere = settings.model_copy(update={"database_url": "postgresql+asyncpg://nobody@nowhere.invalid/deskhand"})
    async with trial(elsewhere, ACME_ARTICLES, threshold=0.2) as desk:
        sure = await desk.ask(LabelledQuestion(id="1", text="Can I pay with PayPal?", expected=frozenset({"payment"})))
        alien = await desk.ask(LabelledQuestion(id="2", text="Who wrote Faust?", expected=frozenset()))
        human = await desk.ask(LabelledQuestion(id="3", text="I want a human", expected=frozenset()))
    assert (sure.answered, sure.article, sure.right) == (True, "payment", True)
    assert sure.as_json()["text"].startswith("We accept Visa")
    assert (alien.answered, alien.right) == (False, False)
    assert (human.answered, human.as_json()["reason"]) == (False, "asked_for_human")
    assert not list(settings.data_dir.iterdir()), "nothing of the real installation is touched"


async def test_the_threshold_is_kept_to(settings: Settings) -> None:
    question = LabelledQuestion(id="1", text="Can I pay with PayPal?", expected=frozenset({"payment"}))
    async with trial(settings, ACME_ARTICLES, threshold=1.0) as desk:
        found = await desk.ask(question)
    assert (found.answered, found.article, found.right) == (False, "payment", True)


def deskhand(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "web.cli", *map(str, arguments)], capture_output=True, text=True, timeout=50, check=False
    )


@pytest.mark.slow
def test_the_command_prints_one_object_and_writes_the_details(tmp_path: Path) -> None:
    (tmp_path / "returns.md").write_text("---\ntitle: Returns\n---\nYou can return anything within 30 days.\n")
    faq = {"id": "pay", "question": "Can I pay with PayPal?", "answer": "We take Visa and PayPal."}
    (tmp_path / "faq.jsonl").write_text(json.dumps(faq))
    questions, details = tmp_path / "questions.jsonl", tmp_path / "details.jsonl"
    rows = [("q1", "can I pay with paypal", ["pay"]), ("q2", "who won the cup in 1954?", [])]
    questions.write_text("\n".join(json.dumps({"id": i, "text": t, "expected": e}) for i, t, e in rows))
    done = deskhand("eval", "--knowledge", tmp_path, "--questions", questions, "--json", "--details", details)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["questions"] == 2
    first, second = map(json.loads, details.read_text().splitlines())
    assert {"id", "answered", "article", "confidence", "reason", "text", "expected", "right"} == set(first)
    assert (first["id"], first["article"], first["right"], second["right"]) == ("q1", "pay", True, False)


@pytest.mark.slow
def test_bad_input_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    done = deskhand("eval", "--knowledge", tmp_path / "nowhere", "--questions", tmp_path / "q.jsonl", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("deskhand: ")
    assert "is not a folder" in done.stderr
    assert len(done.stderr.splitlines()) == 1
