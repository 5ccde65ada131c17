from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.agent.graph import Agent
from core.agent.profile import Profile
from core.agent.state import REPLIES, Outcome, Question
from core.knowledge.confidence import DEFAULT_THRESHOLD
from core.knowledge.index import KnowledgeIndex
from core.nlp.encoder import Encoder
from core.nlp.sentiment import SentimentModel
from tests.fakes import SlowEncoder

COVERED = "How long does delivery take?"
START_WORDS = ["delivery", "return", "pay", "PayPal", "kettle", "voucher", "open", "refund", "human", "thanks", "stop"]


@pytest.fixture
def agent(slow: SlowEncoder, sentiment: SentimentModel) -> Agent:
    return Agent(slow, sentiment)


def asked(text: str, knowledge: KnowledgeIndex) -> Question:
    return Question(text=text, knowledge=knowledge, profile=Profile(name="Acme", assistant_name="Robin"))


def test_the_graph_is_the_picture_in_its_docstring(agent: Agent) -> None:
    drawn = agent._graph.get_graph()
    edges = {(edge.source, edge.target) for edge in drawn.edges}
    assert edges == {
        ("__start__", "retrieve"),
        ("__start__", "classify"),
        ("retrieve", "decide"),
        ("classify", "decide"),
        ("decide", "answer"),
        ("decide", "escalate"),
        ("answer", "verify"),
        ("verify", "__end__"),
        ("escalate", "__end__"),
    }


async def test_the_encoder_runs_once_a_turn(agent: Agent, slow: SlowEncoder, knowledge: KnowledgeIndex) -> None:
    await agent.run(asked(COVERED, knowledge))
    assert slow.seen == [COVERED]


async def test_turns_share_nothing(agent: Agent, knowledge: KnowledgeIndex) -> None:
    """Run side by side, each gets what it gets alone."""
    texts = [COVERED, "Can I pay with PayPal?", "I want to talk to a human", "Do you sell garden furniture?", "thanks!"]
    alone = [await agent.run(asked(text, knowledge)) for text in texts]
    together = await asyncio.gather(*(agent.run(asked(text, knowledge)) for text in texts * 4))
    assert together == alone * 4


async def test_an_organization_without_documents_hands_over(agent: Agent) -> None:
    outcome = await agent.run(asked(COVERED, KnowledgeIndex([])))
    assert (outcome.decision.action, outcome.decision.reason, outcome.answer) == ("escalate", "no_knowledge", None)


async def test_a_failure_inside_is_not_swallowed(agent: Agent, slow: SlowEncoder, knowledge: KnowledgeIndex) -> None:
    slow.failures = [ZeroDivisionError("the model broke")]
    with pytest.raises(ZeroDivisionError):
        await agent.run(asked(COVERED, knowledge))


anything = st.text(st.characters(exclude_categories=()), max_size=300) | st.lists(
    st.sampled_from([*START_WORDS, "?", "!!!", "\x00", "😀", "أين", "ß", "1", "\n"]), max_size=12
).map(" ".join)


@given(anything)
@example("")
@example("\ud83d")
@example("delivery " * 12_000)
@example("?" * 5_000)
@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40, derandomize=True
)
async def test_whatever_is_asked_is_answered_from_the_documents_or_handed_over(
    encoder: Encoder, sentiment: SentimentModel, knowledge: KnowledgeIndex, text: str
) -> None:
    outcome = await Agent(encoder, sentiment).run(asked(text, knowledge))
    if outcome.decision.action not in REPLIES:
        assert outcome.decision.reason
    if outcome.decision.action == "answer":
        assert _is_proven(outcome, knowledge)


def _is_proven(outcome: Outcome, knowledge: KnowledgeIndex) -> bool:
    assert outcome.answer is not None
    assert outcome.confidence >= DEFAULT_THRESHOLD
    assert outcome.answer.citations
    bodies = {article.id: "\n".join(view.body for view in article.views) for article in knowledge.articles}
    return all(citation.quote in bodies[citation.article] for citation in outcome.answer.citations)
