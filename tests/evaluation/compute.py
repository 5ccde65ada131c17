"""What one turn of the agent computes, in bare encoder passes."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from core.agent.state import Question
from core.knowledge.sources import read_folder
from core.settings import Settings
from tests.evaluation.data import LABELLED, rows
from tests.evaluation.table import Row
from web.evaluation import trial
from web.paths import DEMO_KNOWLEDGE

ROUNDS = 4


async def measure(settings: Settings) -> list[Row]:
    """CPU time of the process, all threads: a busy machine counts less than with a clock."""
    texts = [row["text"] for row in rows(LABELLED / "webshop" / "questions.heldout.jsonl")]
    async with trial(settings.model_copy(update={"encoder_sessions": 1}), read_folder(DEMO_KNOWLEDGE)) as desk:
        encoder, agent = desk.helpdesk.encoder, desk.helpdesk.agent

        async def turn(text: str) -> None:
            await agent.run(Question(text, desk.knowledge, desk.profile))

        for text in texts[:20]:
            await turn(text)
        # In turns, so that both see the same neighbours; the least of the rounds is the least disturbed.
        took = [(await _cpu(encoder.embed, texts), await _cpu(turn, texts)) for _ in range(ROUNDS)]
    bare, whole = (min(column) * 1000 for column in zip(*took, strict=True))
    note = f"{whole:.2f} ms of CPU a turn, {bare:.2f} ms a pass"
    return [Row("webshop heldout", "one turn, in bare encoder passes", whole / bare, "x", 2.5, False, note=note)]


async def _cpu(work: Callable[[str], Awaitable[Any]], texts: Sequence[str]) -> float:
    """Seconds a text."""
    started = time.process_time()
    for text in texts:
        await work(text)
    return (time.process_time() - started) / len(texts)
