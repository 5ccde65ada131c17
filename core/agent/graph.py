"""The picture of the bot.

              +-> retrieve --+             +-> answer ---+
    START ----+              +--> decide --+             +--> END
              +-> classify --+             +-> escalate -+

The graph touches no database and sends nothing: a crash in here leaves the message queued, and running it
again is harmless.
"""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph

from core.agent.llm import AnswerModel
from core.agent.nodes import Nodes
from core.agent.state import Outcome, Question, TurnState
from core.nlp.encoder import Encoder
from core.nlp.sentiment import SentimentModel


class Agent:
    """Reads a customer's message and says what to do with it."""

    def __init__(self, encoder: Encoder, sentiment: SentimentModel, model: AnswerModel | None = None) -> None:
        self._encoder = encoder
        self._graph = _compile(Nodes(encoder, sentiment, model))

    async def run(self, question: Question) -> Outcome:
        """One turn. The encoder runs once here, and both branches share what it gives."""
        encoding = await self._encoder.encode(question.text)
        state: TurnState = await self._graph.ainvoke({"question": question, "encoding": encoding})
        return Outcome(
            decision=state["decision"],
            reading=state["reading"],
            answer=state.get("answer"),
            confidence=state["retrieval"].confidence,
        )


def _compile(nodes: Nodes) -> Any:
    graph = StateGraph(TurnState)
    graph.add_node("retrieve", nodes.retrieve)
    graph.add_node("classify", nodes.classify)
    graph.add_node("decide", nodes.decide)
    graph.add_node("answer", nodes.answer)
    graph.add_node("escalate", nodes.escalate)
    graph.add_edge(START, "retrieve")
    graph.add_edge(START, "classify")
    graph.add_edge(["retrieve", "classify"], "decide")
    graph.add_conditional_edges(
        "decide",
        lambda state: "answer" if state["decision"].action in ("answer", "courtesy") else "escalate",
        ["answer", "escalate"],
    )
    graph.add_edge("answer", END)
    graph.add_edge("escalate", END)
    return graph.compile()
