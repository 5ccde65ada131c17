"""The work of each node. A node reads the state and returns what it adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.agent import clarifying, policy, wording
from core.agent.llm import AnswerModel
from core.agent.repeats import asks_again, says_the_same
from core.agent.state import Answer, Decision, Proposal, Question, Reading, Reason, TurnState
from core.agent.writing import answer_of, draft_of, judged, quoted, written
from core.knowledge import clarify
from core.knowledge.followup import contextualize
from core.knowledge.index import Asked, Retrieval
from core.knowledge.questions import asks_once
from core.nlp import intents, language, sensitive
from core.nlp.encoder import Encoder
from core.nlp.sentiment import Said, SentimentModel, conversation_frustration

DRAFT_FLOOR = 0.25
"""Below this confidence a draft would only mislead the person who reads it."""
TOO_SHORT_TO_TELL = 30
"""Characters: the language of a shorter message is often a guess."""
BORNE_OUT = 3
"""Articles of the whole message that its question alone may choose from."""
WORTH_WRITING: frozenset[Reason] = frozenset({"no_knowledge", "low_confidence", "frustrated", "repeated", "mode_draft"})
"""Reasons to spend a model's time and money on a draft. Who asks for a person, or is in trouble, is told at once that
one is coming; and a used-up quota spends nothing."""


class Nodes:
    def __init__(self, encoder: Encoder, sentiment: SentimentModel, model: AnswerModel | None) -> None:
        self._encoder = encoder
        self._sentiment = sentiment
        self._model = model

    async def retrieve(self, state: TurnState) -> TurnState:
        question, encoding = state["question"], state["encoding"]
        pick = clarifying.picked(question.text, clarifying.just_offered(question.history))
        text = pick or contextualize(question.text, _asked_before(question))
        meaning = encoding if text == question.text else await self._encoder.read(text)
        follow_up = None if pick or text == question.text else Asked(question.text, encoding)
        retrieval = question.knowledge.search(text, meaning, asked=follow_up)
        unsure = retrieval.confidence < policy.threshold_of(question.profile)
        if unsure and not follow_up and (asked := asks_once(text)):
            alone = question.knowledge.search(asked, await self._encoder.read(asked))
            if _bears_out(retrieval, alone):
                text, retrieval = asked, alone
        if question.without:
            left = tuple(hit for hit in retrieval.hits if hit.article.id not in question.without)
            retrieval = replace(retrieval, hits=left)
        return {
            "searched": text,
            "asked": follow_up.text if follow_up else text,
            "retrieval": clarifying.settled(retrieval, pick) if pick else retrieval,
        }

    async def classify(self, state: TurnState) -> TurnState:
        question, encoding = state["question"], state["encoding"]
        earlier = [Said(u.text, u.frustration) for u in question.history if u.author == "customer"]
        sentiment = self._sentiment.score(question.text, encoding)
        said = [*earlier, Said(question.text, sentiment.frustration)]
        reading = Reading(
            sentiment=sentiment,
            frustration=conversation_frustration(said),
            language=language.detect(question.text, default=_usual_language(question)),
            wants_human=intents.wants_human(question.text, encoding.vector),
            courtesy=intents.courtesy(question.text),
            sensitive=sensitive.sensitive(question.text),
            repeated=asks_again(question.text, question.history, negative=sentiment.label == "negative"),
            category=question.categories.assign(encoding.vector),
            asked_back=bool(clarifying.just_offered(question.history)),
        )
        return {"reading": reading}

    async def decide(self, state: TurnState) -> TurnState:
        question, retrieval = state["question"], state["retrieval"]
        decision = policy.decide(state["reading"], retrieval, question.profile, quota_left=question.quota_left)
        return {"decision": decision}

    async def answer(self, state: TurnState) -> TurnState:
        """What needs no proof is said as it is; everything else is proposed."""
        action = state["decision"].action
        if action == "courtesy":
            return {"answer": _courtesy(state["question"], state["reading"])}
        if action == "clarify":
            return {"answer": _asking_back(state)}
        proposal = await self._written(state) or quoted(state["asked"], state["retrieval"])
        return {"proposal": proposal} if proposal else {}

    async def verify(self, state: TurnState) -> TurnState:
        """The proven part of what was proposed, else of what the documents say themselves; where nothing holds, or a
        follow-up would only get what we said last, a person gets it as a draft."""
        if "answer" in state:
            return {}
        proposal, lead_in = state.get("proposal"), state["question"].profile.lead_in
        for attempt in _attempts(proposal, state):
            verification = judged(attempt, state["searched"])
            if verification.sendable:
                if state["asked"] != state["searched"] and says_the_same(attempt, state["question"].history):
                    return {"decision": Decision("escalate", "repeated"), "answer": _draft(attempt, state)}
                return {"answer": answer_of(attempt, verification, state["retrieval"].confidence, lead_in)}
        given_up = Decision("escalate", "low_confidence")
        return {"decision": given_up, "answer": _draft(proposal, state)} if proposal else {"decision": given_up}

    async def escalate(self, state: TurnState) -> TurnState:
        decision, retrieval = state["decision"], state["retrieval"]
        if decision.action == "route" or not _worth_a_draft(decision, retrieval):
            return {}
        proposal = await self._written(state) if decision.reason in WORTH_WRITING else None
        proposal = proposal or quoted(state["asked"], retrieval)
        return {"answer": _draft(proposal, state)} if proposal else {}

    async def _written(self, state: TurnState) -> Proposal | None:
        if self._model is None:
            return None
        question = state["question"]
        stream = question.stream if state["decision"].action == "answer" else None
        return await written(self._model, question, state["retrieval"], state["reading"].language, stream)


def _worth_a_draft(decision: Decision, retrieval: Retrieval) -> bool:
    """Who only vents has not asked anything."""
    vented = decision.reason == "frustrated" and retrieval.topic < policy.NO_TOPIC
    return retrieval.confidence >= DRAFT_FLOOR and not vented


def _bears_out(whole: Retrieval, alone: Retrieval) -> bool:
    """Whether the one question of a longer message is surer than all of it, of an article that all of it finds too."""
    if not alone.hits or alone.confidence <= whole.confidence:
        return False
    return alone.hits[0].article.id in [hit.article.id for hit in whole.hits[:BORNE_OUT]]


def _asked_before(question: Question) -> list[str]:
    """What a message that cannot stand by itself may follow up on; what it replies to comes nearest."""
    earlier = [said.text for said in question.history if said.author == "customer" and not intents.courtesy(said.text)]
    return [*earlier, question.quote] if question.quote else earlier


def _usual_language(question: Question) -> str:
    """What a message that is too short to tell is taken to be in: the language of the one before it."""
    usual = question.profile.language
    if len(question.text) > TOO_SHORT_TO_TELL:
        return usual
    earlier = next((said.text for said in reversed(question.history) if said.author == "customer"), "")
    return language.detect(earlier, default=usual) if earlier else usual


def _attempts(proposal: Proposal | None, state: TurnState) -> Sequence[Proposal]:
    if proposal is None or proposal.findings is None:
        return [proposal] if proposal else []
    own_words = quoted(state["asked"], state["retrieval"])
    return [proposal, own_words] if own_words else [proposal]


def _draft(proposal: Proposal, state: TurnState) -> Answer:
    return draft_of(proposal, judged(proposal, state["searched"]), state["retrieval"].confidence)


def _courtesy(question: Question, reading: Reading) -> Answer:
    kind = reading.courtesy or "greeting"
    own = question.profile.greeting if kind == "greeting" and not question.history else ""
    said = wording.courtesy(kind, reading.language, question.profile.assistant_name, question.profile.name)
    return Answer(own or said, (), confidence=1.0)


def _asking_back(state: TurnState) -> Answer:
    retrieval, threshold = state["retrieval"], policy.threshold_of(state["question"].profile)
    titles = [hit.article.title for hit in clarify.candidates(retrieval, threshold)]
    return Answer(clarifying.question(titles, state["reading"].language), (), retrieval.confidence)
