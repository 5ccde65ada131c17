from __future__ import annotations

from dataclasses import replace
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.agent import wording
from core.agent.policy import ANGRY, FRUSTRATED, NO_TOPIC, decide, leaves_to_people
from core.agent.profile import Profile
from core.agent.state import REPLIES, Action, Decision, Reading, Reason
from core.knowledge.confidence import DEFAULT_THRESHOLD
from core.knowledge.index import Hit, IndexedArticle, Retrieval
from core.nlp.sentiment import Sentiment

CALM = Reading(Sentiment("neutral", {"negative": 0.0, "neutral": 1.0, "positive": 0.0}, 0.0, 0.0), 0.0, "en")
UPSET = replace(CALM, frustration=FRUSTRATED, sentiment=replace(CALM.sentiment, frustration=ANGRY))
HITS = tuple(Hit(IndexedArticle(f"article {n}", UUID(int=n), f"Article {n}", None, ()), 0.9, None) for n in range(3))
SURE = Retrieval(HITS, confidence=DEFAULT_THRESHOLD, topic=1.0)
UNSURE = Retrieval(HITS[:1], confidence=DEFAULT_THRESHOLD - 0.001, topic=NO_TOPIC)
NEAR = Retrieval(HITS, confidence=DEFAULT_THRESHOLD - 0.001, topic=0.99)
OFF_TOPIC = Retrieval(HITS, confidence=0.1, topic=NO_TOPIC - 0.001)
NOTHING = Retrieval((), confidence=0.0, topic=0.0)
OPEN = Profile()

# Each line differs from the one below it in one thing, and that thing decides.
PRECEDENCE = [
    (
        replace(UPSET, wants_human=True, courtesy="thanks", sensitive="legal"),
        NOTHING,
        "off",
        "escalate",
        "sensitive",
    ),
    (replace(UPSET, wants_human=True, courtesy="thanks"), NOTHING, "off", "escalate", "asked_for_human"),
    (replace(UPSET, courtesy="thanks", repeated=True), NOTHING, "off", "courtesy", None),
    (replace(UPSET, repeated=True), NOTHING, "off", "route", "mode_draft"),
    (replace(UPSET, repeated=True), NOTHING, "draft", "escalate", "frustrated"),
    (replace(CALM, repeated=True), NOTHING, "draft", "escalate", "repeated"),
    (CALM, NOTHING, "draft", "escalate", "no_knowledge"),
    (CALM, OFF_TOPIC, "draft", "escalate", "no_knowledge"),
    (CALM, UNSURE, "draft", "escalate", "low_confidence"),
    (CALM, SURE, "draft", "escalate", "mode_draft"),
    (CALM, SURE, "auto", "answer", None),
]


@pytest.mark.parametrize(("reading", "retrieval", "autonomy", "action", "reason"), PRECEDENCE)
def test_what_decides_first(
    reading: Reading, retrieval: Retrieval, autonomy: str, action: Action, reason: Reason | None
) -> None:
    profile = Profile(autonomy=autonomy)  # type: ignore[arg-type]
    assert decide(reading, retrieval, profile, quota_left=True) == Decision(action, reason)


QUOTA = [
    (SURE, CALM, Decision("escalate", "quota")),
    (NEAR, CALM, Decision("escalate", "low_confidence")),
    (NOTHING, CALM, Decision("escalate", "no_knowledge")),
    (SURE, replace(CALM, wants_human=True), Decision("escalate", "asked_for_human")),
]


@pytest.mark.parametrize(("retrieval", "reading", "decision"), QUOTA)
def test_a_used_up_quota_stops_answers_and_nothing_else(
    retrieval: Retrieval, reading: Reading, decision: Decision
) -> None:
    assert decide(reading, retrieval, OPEN, quota_left=False) == decision


@pytest.mark.parametrize(
    ("own", "frustration", "reason"),
    [(ANGRY, FRUSTRATED, "frustrated"), (ANGRY, FRUSTRATED - 0.001, None), (ANGRY - 0.001, 1.0, None)],
)
def test_only_who_is_upset_in_this_message_too_counts_as_frustrated(
    own: float, frustration: float, reason: str | None
) -> None:
    feeling = replace(CALM.sentiment, frustration=own)
    reading = replace(CALM, sentiment=feeling, frustration=frustration)
    assert decide(reading, SURE, OPEN, quota_left=True).reason == reason


def test_a_customer_is_asked_back_once_in_a_row() -> None:
    assert decide(CALM, NEAR, OPEN, quota_left=True) == Decision("clarify")
    asked = replace(CALM, asked_back=True)
    assert decide(asked, NEAR, OPEN, quota_left=True) == Decision("escalate", "low_confidence")


@pytest.mark.parametrize(("threshold", "action"), [(0.0, "answer"), (DEFAULT_THRESHOLD, "answer"), (0.86, "escalate")])
def test_the_organizations_threshold_is_what_counts(threshold: float, action: str) -> None:
    sure_of_one = replace(SURE, hits=HITS[:1])
    assert decide(CALM, sure_of_one, Profile(threshold=threshold), quota_left=True).action == action


def test_a_threshold_of_zero_still_needs_something_to_say() -> None:
    assert decide(CALM, NOTHING, Profile(threshold=0.0), quota_left=True) == Decision("escalate", "no_knowledge")


def test_a_categorys_autonomy_overrides_the_organizations() -> None:
    profile = Profile(autonomy="auto", category_autonomy={"refund": "draft", "legal": "off"})
    decisions = {
        category: decide(replace(CALM, category=category), SURE, profile, quota_left=True)
        for category in ("refund", "legal", "shipping", None)
    }
    assert decisions["refund"] == Decision("escalate", "mode_draft")
    assert decisions["legal"] == Decision("route", "mode_draft")
    assert decisions["shipping"] == decisions[None] == Decision("answer")


readings = st.builds(
    Reading,
    sentiment=st.sampled_from([CALM.sentiment, UPSET.sentiment]),
    frustration=st.floats(0, 1),
    language=st.just("en"),
    wants_human=st.booleans(),
    courtesy=st.sampled_from([None, "thanks"]),
    sensitive=st.sampled_from([None, "danger", "legal"]),
    repeated=st.booleans(),
    asked_back=st.booleans(),
)
retrievals = st.builds(
    Retrieval, hits=st.sampled_from([(), HITS[:1], HITS]), confidence=st.floats(0, 1), topic=st.floats(0, 1)
)
profiles = st.builds(Profile, threshold=st.none() | st.floats(0, 1), autonomy=st.sampled_from(["auto", "draft", "off"]))


@given(readings, retrievals, profiles, st.booleans())
def test_nothing_is_answered_that_should_not_be(
    reading: Reading, retrieval: Retrieval, profile: Profile, quota_left: bool
) -> None:
    decision = decide(reading, retrieval, profile, quota_left=quota_left)
    assert (decision.reason is None) == (decision.action in REPLIES)
    if reading.wants_human:
        assert decision == Decision("escalate", "sensitive" if reading.sensitive else "asked_for_human")
    if decision.action in ("answer", "clarify"):
        assert quota_left
        assert profile.autonomy == "auto"
        assert retrieval.hits
        assert not any((reading.sensitive, reading.repeated, reading.wants_human))
    if decision.action == "answer":
        assert retrieval.confidence >= (DEFAULT_THRESHOLD if profile.threshold is None else profile.threshold)


def test_every_reason_either_silences_the_bot_or_not_and_has_words_for_agents() -> None:
    silencing = {reason for reason in get_args(Reason) if leaves_to_people(Decision("escalate", reason))}
    assert silencing == {"asked_for_human", "sensitive", "frustrated"}
    assert not leaves_to_people(Decision("answer"))
    assert set(wording.REASONS) == set(get_args(Reason))


@pytest.mark.parametrize("language", [*wording.HANDED_OVER, "xx"])
@pytest.mark.parametrize("again", [False, True])
def test_a_hand_over_names_the_ticket_in_every_language(language: str, again: bool) -> None:
    assert "#1042" in wording.handed_over(language, 1042, again=again)
