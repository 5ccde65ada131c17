"""Visitors: real WebSocket clients that ask, wait for what comes of it, and note how long that took."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import websockets

SITE_KEY = "demo-site-key"
PATIENCE_S = 60


@dataclass(slots=True)
class Measured:
    """Milliseconds from sending to acknowledgement, and to the reply."""

    acks: list[float] = field(default_factory=list)
    replies: list[float] = field(default_factory=list)
    cited: int = 0
    errors: list[str] = field(default_factory=list)


@asynccontextmanager
async def visitor(base: str) -> AsyncIterator[websockets.ClientConnection]:
    async with httpx.AsyncClient(verify=False) as client:  # plain HTTP: spares the reading of certificates
        answer = await client.post(f"{base}/api/widget/session", json={"site_key": SITE_KEY})
        token = answer.raise_for_status().json()["token"]
    async with websockets.connect(
        f"{base.replace('http', 'ws', 1)}/ws/widget?token={token}", compression=None
    ) as socket:
        yield socket


async def ask(socket: websockets.ClientConnection, question: str, measured: Measured) -> None:
    message_id = str(uuid4())
    started = time.perf_counter()
    await socket.send(json.dumps({"type": "message", "id": message_id, "text": question}))
    async with asyncio.timeout(PATIENCE_S):
        while True:
            frame = json.loads(await socket.recv())
            took = (time.perf_counter() - started) * 1000
            if frame["type"] == "ack" and frame["id"] == message_id:
                measured.acks.append(took)
            elif frame["type"] == "message" and frame["message"]["author"] == "ai":
                measured.replies.append(took)
                measured.cited += bool(frame["message"]["citations"])
                return
            elif frame["type"] == "error":
                measured.errors.append(frame["code"])
                return


async def chat(
    base: str, questions: Sequence[str], measured: Measured, until: float, pause: tuple[float, float]
) -> None:
    """One visitor who asks one question after another until the clock says `until`."""
    rng = random.Random(uuid4().int)
    try:
        async with visitor(base) as socket:
            await asyncio.sleep(rng.uniform(0, pause[1]))
            while time.perf_counter() < until:
                await ask(socket, rng.choice(questions), measured)
                await asyncio.sleep(rng.uniform(*pause))
    except (OSError, TimeoutError, httpx.HTTPError, websockets.WebSocketException) as error:
        measured.errors.append(repr(error))


async def crowd(
    base: str, questions: Sequence[str], visitors: int, seconds: float, pause: tuple[float, float]
) -> Measured:
    """Many visitors at the same time."""
    measured = Measured()
    until = time.perf_counter() + seconds
    await asyncio.gather(*(chat(base, questions, measured, until, pause) for _ in range(visitors)))
    return measured
