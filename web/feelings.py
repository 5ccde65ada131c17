"""What `deskhand sentiment` does: a text a line comes in, its sentiment a line goes out, at once and in order."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError

from core.nlp.encoder import Encoder
from core.nlp.sentiment import Sentiment, SentimentModel
from core.settings import Settings

STDIN = 0
AHEAD = 8
"""Lines in work at the same time, at most."""
NOTHING_SAID = Sentiment("neutral", {"negative": 0.0, "neutral": 1.0, "positive": 0.0}, 0.0, 0.0)


async def sentiment(settings: Settings, *, as_json: bool) -> None:
    encoder, model = Encoder(settings.encoder_sessions), SentimentModel()

    def show(text: str, felt: Sentiment) -> None:
        print(_json(felt) if as_json else _readable(text, felt), flush=True)  # noqa: T201

    # Not sys.stdin: a thread that still waits for its next line would hold its lock as the process ends.
    with open(STDIN, "rb", closefd=False) as lines:  # noqa: ASYNC230
        await score(lines, encoder, model, show)
    encoder.close()


async def score(
    lines: Iterable[bytes], encoder: Encoder, model: SentimentModel, show: Callable[[str, Sentiment], None]
) -> None:
    """Calls `show` for each line, in order, as soon as it is scored, also when the next is long in coming."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[asyncio.Task[tuple[str, Sentiment]] | None] = asyncio.Queue(AHEAD)

    async def feel(line: bytes) -> tuple[str, Sentiment]:
        text = line.decode("utf-8", "replace").strip()
        return text, model.score(text, await encoder.encode(text)) if text else NOTHING_SAID

    async def take(line: bytes | None) -> None:
        await waiting.put(None if line is None else loop.create_task(feel(line)))

    def read() -> None:
        try:
            for line in lines:
                asyncio.run_coroutine_threadsafe(take(line), loop).result()
            asyncio.run_coroutine_threadsafe(take(None), loop).result()
        except CancelledError:
            pass  # nobody listens any more

    # A daemon: whoever presses Ctrl+C must not have to finish the line first.
    threading.Thread(target=read, name="reader", daemon=True).start()
    while task := await waiting.get():
        show(*await task)


def _json(felt: Sentiment) -> str:
    row = {
        "label": felt.label,
        "scores": {label: round(share, 4) for label, share in felt.scores.items()},
        "frustration": round(felt.frustration, 4),
        "urgency": round(felt.urgency, 4),
    }
    return json.dumps(row)


def _readable(text: str, felt: Sentiment) -> str:
    return f"{felt.label:9} frustration {felt.frustration:.2f}  urgency {felt.urgency:.2f}  {text}"
