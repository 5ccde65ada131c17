"""A stand-in for the widget's side of Deskhand, driven by keywords in what the visitor writes.

Run it by hand with `python tests/e2e/widget_harness/server.py 8123` and open http://127.0.0.1:8123/.
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
TICKET = 1042

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

Read more at https://acme.example/returns. [Nothing to see](javascript:alert(1))
<img src=x onerror=alert(1)>"""

ARABIC_ANSWER = "يمكنك إرجاع أي منتج خلال **30 يومًا**.\n\n- مجانًا من البرتغال\n- عبر البريد"

CITATIONS = [
    {"title": "Returns and refunds", "url": "/help/returns",
     "quote": "Unused items can be sent back within 30 days of delivery. The label is in your account."},
    {"title": "Shipping costs and times", "url": "https://acme.example/shipping", "quote": "Spain: €4.90."},
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
    tickets: set[str] = field(default_factory=set)  # the messages that told of one
    requests: list[str] = field(default_factory=list)
    session_status: int = 200
    acknowledge: bool = True
    close_with: int | None = None
    page_policy: str | None = None
    finish: asyncio.Event = field(default_factory=asyncio.Event)  # a streamed answer waits for it


PAGE = Path(__file__).with_name("page.html")


def stamp() -> str:
    return datetime.now(UTC).isoformat()


def message(author: str, text: str, name: str | None = None, **more: Any) -> Frame:
    fixed = {"id": str(uuid4()), "author": author, "name": name, "text": text, "created_at": stamp()}
    return fixed | {"citations": [], "confidence": None} | more


def default_settings() -> Frame:
    return {
        "name": "Acme Outdoor",
        "assistant_name": "Ada",
        "color": "#0f766e",
        "privacy_url": "/privacy",
        "texts": {},
        "greeting": "Hi there! I know our help pages by heart. **What can I do for you?**",
        "suggestions": ["Where is my order?", "How do I return something?", "Which size fits me?"],
    }


async def tell(visitor: Visitor, frame: Frame, but: WebSocket | None = None) -> None:
    for socket in [one for one in visitor.sockets if one is not but]:
        await socket.send_json(frame)


async def say(visitor: Visitor, *arguments: Any, **more: Any) -> None:
    reply = message(*arguments, **more)
    visitor.messages.append(reply)
    await tell(visitor, {"type": "message", "message": reply})


async def escalate(desk: Desk, visitor: Visitor) -> None:
    await say(visitor, "ai", "I have passed this on to a colleague, with everything you told me.", "Ada")
    desk.tickets.add(visitor.messages[-1]["id"])
    await tell(visitor, {"type": "escalated", "ticket": {"number": TICKET}})


async def stream(desk: Desk, visitor: Visitor) -> None:
    reply = message("ai", "Streamed and **checked**.", "Ada", citations=CITATIONS[:1])
    for piece in ("Streamed ", "word by ", "word"):
        await tell(visitor, {"type": "chunk", "message_id": reply["id"], "text": piece})
    await asyncio.wait_for(desk.finish.wait(), 5)
    visitor.messages.append(reply)
    await tell(visitor, {"type": "message", "message": reply})


async def answer(desk: Desk, visitor: Visitor, socket: WebSocket, text: str) -> None:
    await tell(visitor, {"type": "typing"})
    await asyncio.sleep(0.1)
    words = text.lower()
    if "drop" in words:
        await socket.close(1012)
    elif "person" in words:
        await escalate(desk, visitor)
    elif "agent" in words:
        await say(visitor, "system", "Sam joined the conversation")
        await say(visitor, "agent", "Hi, Sam here. Your parcel **leaves today**.", "Sam Okafor")
    elif "stream" in words:
        await stream(desk, visitor)
    elif "think" in words:
        await tell(visitor, {"type": "typing"})
    elif "rtl" in words:
        await say(visitor, "ai", ARABIC_ANSWER, "Ada")
    elif "long" in words or "return" in words:
        await say(visitor, "ai", LONG_ANSWER, "Ada", citations=CITATIONS, confidence=0.93)
    else:
        await say(visitor, "ai", f"You said: {text[:300]}", "Ada", citations=CITATIONS[1:2])


async def on_frame(desk: Desk, visitor: Visitor, socket: WebSocket, frame: Frame) -> None:
    desk.frames.append(frame)
    if frame["type"] == "history":
        for stored in visitor.messages:
            await socket.send_json({"type": "message", "message": stored})
            if stored["id"] in desk.tickets:
                await socket.send_json({"type": "escalated", "ticket": {"number": TICKET}})
        await socket.send_json({"type": "history_end"})
    elif frame["type"] in ("human", "message") and desk.acknowledge:
        text = frame.get("text", "I would like to talk to a person.")
        await on_message(desk, visitor, socket, frame | {"text": text})


async def on_message(desk: Desk, visitor: Visitor, socket: WebSocket, frame: Frame) -> None:
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
    await answer(desk, visitor, socket, frame["text"])


def open_session(desk: Desk, body: Frame) -> Response:
    if desk.session_status != 200:
        error = {"code": "forbidden", "detail": "This page may not show the widget."}
        return JSONResponse({"error": error}, desk.session_status, headers=CORS)
    identity = body.get("identity")
    token = body.get("visitor_token")
    if identity:
        known = [key for key, one in desk.visitors.items() if (one.identity or {}).get("id") == identity["id"]]
        token = known[0] if known else token
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
    def page(request: Request, attributes: str = "", head: str = "") -> Response:
        policy = {"Content-Security-Policy": desk.page_policy} if desk.page_policy else {}
        html = PAGE.read_text().replace("PORT", str(request.url.port))
        html = html.replace("ATTRIBUTES", attributes).replace("HEAD", head)
        return HTMLResponse(html, headers=policy)

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
        # The page is on localhost and its script on 127.0.0.1: two origins, as on a customer's site.
        return f"http://localhost:{self.port}/"

    async def start(self) -> None:
        config = uvicorn.Config(create_app(self.desk), port=self.port, log_level="error", lifespan="off",
                                ws="websockets-sansio", timeout_graceful_shutdown=1)  # fmt: skip
        self.server = uvicorn.Server(config)
        self.task = asyncio.create_task(self.server.serve())
        while not self.server.started:  # noqa: ASYNC110 - uvicorn has no event to wait for
            await asyncio.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.server.should_exit = True
        await self.task


if __name__ == "__main__":
    uvicorn.run(create_app(Desk()), port=int(sys.argv[1]), ws="websockets-sansio")
