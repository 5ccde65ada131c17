"""The work of each node. A node reads the state and returns what it adds to it."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from core.agent import policy, wording
from core.agent.llm import AnswerModel
from core.agent.state import Answer, Decision, Question, Reading, TurnState, Utterance
from core.knowledge.extract import extract
from core.knowledge.followup import contextualize
from core.knowledge.index import Retrieval
from core.messages import Citation
from core.nlp import intents, language
from core.nlp.encoder import Encoder
from core.nlp.sentiment import Said, SentimentModel, conversation_frustration

PASSAGES_FOR_MODEL = 5
DRAFT_FLOOR = 0.15
"""Below this confidence a draft would only mislead the person who reads it."""
log = structlog.get_logger()


class Nodes:
    def __init__(self, encoder: Encoder, sentiment: SentimentModel, model: AnswerModel | None) -> None:
        self._encoder = encoder
        self._sentiment = sentiment
        self._model = model

    async def retrieve(self, state: TurnState) -> TurnState:
        question, encoding = state["question"], state["encoding"]
        text = contextualize(question.text, _asked_before(question.history))
        vector = encoding.vector if text == question.text else await self._encoder.embed(text)
        return {"retrieval": question.knowledge.search(text, vector)}

    async def classify(self, state: TurnState) -> TurnState:
        question, encoding = state["question"], state["encoding"]
        earlier = [Said(u.text, u.frustration) for u in question.history if u.author == "customer"]
        sentiment = self._sentiment.score(question.text, encoding)
        said = [*earlier, Said(question.text, sentiment.frustration)]
        reading = Reading(
            sentiment=sentiment,
            frustration=conversation_frustration(said),
            language=language.detect(question.text, default=question.profile.language),
            wants_human=intents.wants_human(question.text),
            courtesy=intents.courtesy(question.text),
            sensitive=False,
            repeated=False,
        )
        return {"reading": reading}

    async def decide(self, state: TurnState) -> TurnState:
        question = state["question"]
        decision = policy.decide(
            state["reading"], state["retrieval"], question.profile, quota_left=question.quota_left
        )
        return {"decision": decision}

    async def answer(self, state: TurnState) -> TurnState:
        """A courtesy, or the best proven answer; where nothing can be proven, a person is asked instead."""
        question, reading = state["question"], state["reading"]
        if state["decision"].action == "courtesy":
            return {"answer": _courtesy(question, reading)}
        answer = await self._generated(state) or _extractive(question, state["retrieval"])
        if answer is None:
            return {"decision": Decision("escalate", "low_confidence")}
        return {"answer": answer}

    async def escalate(self, state: TurnState) -> TurnState:
        retrieval = state["retrieval"]
        if state["decision"].action == "route" or retrieval.confidence < DRAFT_FLOOR:
            return {}
        draft = _extractive(state["question"], retrieval)
        return {"answer": draft} if draft else {}

    async def _generated(self, state: TurnState) -> Answer | None:
        return None


def _asked_before(history: Sequence[Utterance]) -> list[str]:
    return [utterance.text for utterance in history if utterance.author == "customer"]


def _courtesy(question: Question, reading: Reading) -> Answer:
    kind = reading.courtesy or "greeting"
    own = question.profile.greeting if kind == "greeting" and not question.history else ""
    return Answer(own or wording.in_language(wording.COURTESIES[kind], reading.language), (), confidence=1.0)


def _extractive(question: Question, retrieval: Retrieval) -> Answer | None:
    found = extract(question.text, retrieval.hits)
    if not found.text:
        return None
    lead_in = f"{question.profile.lead_in}\n\n" if question.profile.lead_in else ""
    citations = tuple(
        Citation(quote.article.id, quote.article.title, quote.article.url, quote.text)
        for quote in found.citations
    )
    return Answer(lead_in + found.text, citations, retrieval.confidence)
