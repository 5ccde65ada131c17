"""A stand-in for the widget's side of Deskhand, driven by keywords in what the visitor writes.

Run it by hand with `python -m tests.e2e.widget_harness.server 8123` and open http://127.0.0.1:8123/.
It keeps what it was sent, so that a test can ask what really arrived, and can be told to misbehave.
"""

import asyncio
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

WIDGET = Path(__file__).parents[3] / "widget"
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "content-type"}
Frame = dict[str, Any]

LONG_ANSWER = """You can send anything back within **30 days**, as long as it is unused. [1]

How it works:

1. Open *My orders* and choose `Return an item`
2. Print the label
3. Drop the parcel off at:
   - any post office
   - our shop in Porto

| Country | Cost | Refund |
|---|---|---|
| Portugal | free | 3 days |
| Spain | €4.90 | 5 days |

Read more at https://acme.example/returns. [Nothing to see](javascript:alert(1)) <img src=x onerror=alert(1)>"""

CITATIONS = [
    {"title": "Returns and refunds", "url": "/help/returns",
     "quote": "Unused items can be sent back within 30 days of delivery. The label is in your account."},
    {"title": "Shipping costs and times", "url": "https://acme.example/shipping", "quote": "Spain: €4.90, five working days."},
    {"title": "A bad link", "url": "javascript:alert(document.domain)", "quote": "Not a place to go to."},
]  # fmt: skip


@dataclass
class Visitor:
    conversation: str
    messages: list[Frame] = field(default_factory=list)
    sockets: set[WebSocket] = field(default_factory=set)
    identity: Frame | None = None


@dataclass
class Desk:
    """What the stand-in knows; tests read `frames` and set the switches."""

    settings: Frame = field(default_factory=dict)
    visitors: dict[str, Visitor] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    session_status: int = 200
    acknowledge: bool = True
    close_with: int | None = None
    page_policy: str | None = None

    def page(self, attributes: str = "", body: str = "") -> str:
        return PAGE.replace("ATTRIBUTES", attributes).replace("BODY", body)


PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Acme</title>
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<style nonce="n1">
 body { margin: 0; font: 16px/1.6 Georgia, serif; background: #faf7f2; color: #222 }
 @media (prefers-color-scheme: dark) { body { background: #202020; color: #ddd } }
 main { max-width: 720px; margin: 60px auto; padding: 0 24px }
 button, textarea, p, div { letter-spacing: 3px !important; text-transform: uppercase; border: 3px dashed hotpink }
 main, main * { letter-spacing: normal !important; text-transform: none; border: 0 !important }
</style></head><body><main><h1>Acme Outdoor</h1><p>Tents, boots and stoves since 1987.</p>
<p>Free returns within 30 days. Delivery all over Europe in two to five days.</p>BODY</main>
<script nonce="n1" src="/widget.js" data-site-key="acme" ATTRIBUTES async></script></body></html>"""


def stamp() -> str:
    return datetime.now(UTC).isoformat()


def message(author: str, text: str, name: str | None = None, **more: Any) -> Frame:
    return {"id": str(uuid4()), "author": author, "name": name, "text": text, "citations": [], "confidence": None,
            "created_at": stamp(), **more}  # fmt: skip


def default_settings() -> Frame:
    return {"name": "Acme Outdoor", "assistant_name": "Ada", "color": "#0f766e", "privacy_url": "/privacy", "texts": {},
            "greeting": "Hi there! I know our help pages by heart. **What can I do for you?**",
            "suggestions": ["Where is my order?", "How do I return something?", "Which size fits me?"]}  # fmt: skip


async def tell(visitor: Visitor, frame: Frame, but: WebSocket | None = None) -> None:
    for socket in [one for one in visitor.sockets if one is not but]:
        await socket.send_json(frame)


async def say(visitor: Visitor, *arguments: Any, **more: Any) -> None:
    reply = message(*arguments, **more)
    visitor.messages.append(reply)
    await tell(visitor, {"type": "message", "message": reply})


async def escalate(visitor: Visitor) -> None:
    await say(visitor, "ai", "I have passed this on to a colleague, with everything you told me.", "Ada")
    await tell(visitor, {"type": "escalated", "ticket": {"number": 1042}})


async def stream(visitor: Visitor) -> None:
    reply = message("ai", "Streamed and **checked**.", "Ada", citations=CITATIONS[:1])
    for piece in ("Streamed ", "word by ", "word"):
        await tell(visitor, {"type": "chunk", "message_id": reply["id"], "text": piece})
        await asyncio.sleep(0.05)
    visitor.messages.append(reply)
    await tell(visitor, {"type": "message", "message": reply})


async def answer(visitor: Visitor, socket: WebSocket, text: str) -> None:
    await tell(visitor, {"type": "typing"})
    await asyncio.sleep(0.1)
    words = text.lower()
    if "drop" in words:
        await socket.close(1012)
    elif "person" in words:
        await escalate(visitor)
    elif "agent" in words:
        await say(visitor, "system", "Sam joined the conversation")
        await say(visitor, "agent", "Hi, Sam here. I have found your parcel, **it leaves today**.", "Sam Okafor")
    elif "stream" in words:
        await stream(visitor)
    elif "think" in words:
        await tell(visitor, {"type": "typing"})
    elif "rtl" in words:
        await say(visitor, "ai", "يمكنك إرجاع أي منتج خلال **30 يومًا**.\n\n- مجانًا من البرتغال\n- عبر البريد", "Ada")
    elif "long" in words or "return" in words:
        await say(visitor, "ai", LONG_ANSWER, "Ada", citations=CITATIONS, confidence=0.93)
    else:
        await say(visitor, "ai", f"You said: {text[:300]}", "Ada", citations=CITATIONS[1:2])


async def on_frame(desk: Desk, visitor: Visitor, socket: WebSocket, frame: Frame) -> None:
    desk.frames.append(frame)
    if frame["type"] == "history":
        for stored in visitor.messages:
            await socket.send_json({"type": "message", "message": stored})
        await socket.send_json({"type": "history_end"})
    elif frame["type"] == "human":
        await escalate(visitor)
    elif frame["type"] == "message" and desk.acknowledge:
        await on_message(visitor, socket, frame)


async def on_message(visitor: Visitor, socket: WebSocket, frame: Frame) -> None:
    if "flood" in frame["text"]:
        await socket.send_json({"type": "error", "code": "rate_limited", "detail": "slow down"})
        return
    if "refuse" in frame["text"]:
        await socket.send_json({"type": "error", "code": "too_long", "detail": "no", "id": frame["id"]})
        return
    await socket.send_json({"type": "ack", "id": frame["id"]})
    if any(stored["id"] == frame["id"] for stored in visitor.messages):
        return
    stored = message("customer", frame["text"], id=frame["id"])
    visitor.messages.append(stored)
    await tell(visitor, {"type": "message", "message": stored}, but=socket)
    await answer(visitor, socket, frame["text"])


def open_session(desk: Desk, body: Frame) -> Response:
    if desk.session_status != 200:
        return JSONResponse({"detail": "no"}, desk.session_status, headers=CORS)
    identity = body.get("identity")
    token = body.get("visitor_token")
    if identity:
        token = next((key for key, one in desk.visitors.items() if one.identity and one.identity["id"] == identity["id"]), token)
    if token not in desk.visitors:
        token = str(uuid4())
        desk.visitors[token] = Visitor(conversation=str(uuid4()))
    visitor = desk.visitors[token]
    visitor.identity = identity or visitor.identity
    return JSONResponse({"token": token, "visitor_id": token, "conversation_id": visitor.conversation,
                         "settings": default_settings() | desk.settings}, headers=CORS)  # fmt: skip


def create_app(desk: Desk) -> FastAPI:
    app = FastAPI()

    @app.get("/")
    def page(attributes: str = "", body: str = "") -> Response:
        policy = {"Content-Security-Policy": desk.page_policy} if desk.page_policy else {}
        return HTMLResponse(desk.page(attributes, body), headers=policy)

    @app.get("/widget.js")
    def loader() -> Response:
        return FileResponse(WIDGET / "widget.js")

    @app.get("/widget/{name}.js")
    def part(name: str) -> Response:
        desk.requests.append(name)
        return FileResponse(WIDGET / f"{name}.js")

    @app.options("/api/widget/session")
    def preflight() -> Response:
        return Response(headers=CORS)

    @app.post("/api/widget/session")
    async def session(request: Request) -> Response:
        desk.requests.append("session")
        return open_session(desk, await request.json())

    @app.websocket("/ws/widget")
    async def talk(socket: WebSocket, token: str) -> None:
        await socket.accept()
        visitor = desk.visitors.get(token)
        if desk.close_with or visitor is None:
            await socket.close(desk.close_with or 4401)
            return
        visitor.sockets.add(socket)
        try:
            while True:
                await on_frame(desk, visitor, socket, await socket.receive_json())
        except WebSocketDisconnect:
            pass
        finally:
            visitor.sockets.discard(socket)

    return app


class Running:
    """The stand-in on a port of its own, inside the caller's event loop. It can go down and come back."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def start(self) -> None:
        config = uvicorn.Config(create_app(self.desk), port=self.port, log_level="error", lifespan="off",
                                ws="websockets-sansio", timeout_graceful_shutdown=1)  # fmt: skip
        self.server = uvicorn.Server(config)
        self.task = asyncio.create_task(self.server.serve())
        while not self.server.started:
            await asyncio.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.server.should_exit = True
        await self.task


if __name__ == "__main__":
    uvicorn.run(create_app(Desk()), port=int(sys.argv[1]), ws="websockets-sansio")
