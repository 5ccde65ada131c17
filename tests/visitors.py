"""Visitors of a shop's site: what their browser does, without the browser."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

import httpx
import orjson
import websockets

Frame = dict[str, Any]
PATIENCE_S = 10.0
SESSION = "/api/widget/session"


def signed(secret: str, user: str, **more: str) -> Frame:
    """The identity of a user whom the shop's server vouches for."""
    signature = hmac.new(secret.encode(), user.encode(), hashlib.sha256).hexdigest()
    return {"id": user, "signature": signature, **more}


async def session(base: str, site_key: str, **more: Any) -> Frame:
    # Reading the certificates of the whole web would take longer than all else here.
    async with httpx.AsyncClient(base_url=base, verify=False) as client:
        answer = await client.post(SESSION, json={"site_key": site_key, **more})
    assert answer.status_code == 200, answer.text
    found: Frame = answer.json()
    return found


class Chat:
    """One open tab."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self.frames: list[Frame] = []
        """Everything that came, in order."""
        self._read = 0

    async def send(self, frame: Frame | str | bytes) -> None:
        await self.socket.send(orjson.dumps(frame).decode() if isinstance(frame, dict) else frame)

    async def say(self, text: str, message_id: str | None = None) -> str:
        """Writes a message, and returns the id it was given."""
        message_id = message_id or str(uuid4())
        await self.send({"type": "message", "id": message_id, "text": text})
        return message_id

    async def until(self, kind: str, fits: Callable[[Frame], Any] = lambda _: True) -> Frame:
        """The next frame of this kind that fits. Those before it are passed over; see `frames`."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                frame: Frame = orjson.loads(await self.socket.recv())
                self.frames.append(frame)
                if frame["type"] == kind and fits(frame):
                    return frame

    async def reply(self) -> Frame:
        """The next message of ours."""
        frame = await self.until("message", lambda frame: frame["message"]["author"] != "customer")
        message: Frame = frame["message"]
        return message

    async def history(self) -> list[Frame]:
        """Every message of the conversation and each hand-over, once, as a browser would show them."""
        before = len(self.frames)
        await self.send({"type": "history"})
        await self.until("history_end")
        shown: dict[str, Frame] = {}
        for frame in self.frames[before:-1]:
            if frame["type"] in ("message", "escalated"):
                key = frame["message"]["id"] if frame["type"] == "message" else f"#{frame['ticket']['number']}"
                shown.pop(key, None)
                shown[key] = frame
        return list(shown.values())

    async def closed(self) -> int:
        """The code with which the server closed."""
        async with asyncio.timeout(PATIENCE_S):
            with suppress(websockets.ConnectionClosed):
                while True:
                    self.frames.append(orjson.loads(await self.socket.recv()))
        code = self.socket.close_code
        assert code is not None
        return code


@asynccontextmanager
async def tab(base: str, token: str, **options: Any) -> AsyncIterator[Chat]:
    """An open socket with a session's token."""
    url = f"{base.replace('http', 'ws', 1)}/ws/widget?token={token}"
    async with websockets.connect(url, compression=None, **options) as socket:
        yield Chat(socket)


@asynccontextmanager
async def visit(base: str, site_key: str, **more: Any) -> AsyncIterator[Chat]:
    """A new visitor, or the one that `more` names."""
    found = await session(base, site_key, **more)
    async with tab(base, found["token"]) as chat:
        yield chat
