"""The widget's session and its socket."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, JSONResponse

from connectors.widget.inbound import Socket
from connectors.widget.session import SessionAnswer, SessionRequest, Sessions, check_origin
from connectors.widget.tokens import Visitor, VisitorTokens
from core.errors import AppError, Forbidden, NotFound, RateLimited, Unauthenticated
from core.events import conversation_topic
from core.helpdesk import Helpdesk
from core.models import Channel
from web.limits import Limits
from web.paths import WIDGET

router = APIRouter()
INVALID_TOKEN, WRONG_ORIGIN, TOO_FAST = 4401, 4403, 4429


PARTS = frozenset({"style", "markdown", "messages", "connection", "panel", "words"})


@router.get("/widget.js", include_in_schema=False)
async def loader() -> FileResponse:
    return _script("widget")


@router.get("/widget/{name}.js", include_in_schema=False)
async def part(name: str) -> FileResponse:
    """What the loader fetches once the chat is opened."""
    if name not in PARTS:
        raise NotFound(f"The widget has no part {name!r}.")
    return _script(name)


def _script(name: str) -> FileResponse:
    # Asked about each time, so that parts of two versions never meet; unchanged ones cost no body.
    headers = {"Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}
    return FileResponse(WIDGET / f"{name}.js", media_type="text/javascript", headers=headers)


@router.options("/api/widget/session", include_in_schema=False)
async def preflight(request: Request) -> Response:
    return Response(status_code=204, headers={**_cors(request), "Access-Control-Allow-Headers": "content-type"})


@router.post("/api/widget/session", tags=["widget"], response_model=SessionAnswer)
async def session(body: SessionRequest, request: Request) -> Response:
    """Starts or resumes a visitor's session and gives the token for the socket."""
    limits: Limits = request.app.state.limits
    sessions: Sessions = request.app.state.widget_sessions
    try:
        limits.check("sessions", request.client.host if request.client else "")
        answer = await sessions.start(body, request.headers.get("origin"), request.headers.get("host", ""))
    except AppError as error:
        # A page can read why it was refused only if the refusal, too, says that it may.
        return JSONResponse(error.as_json(), error.status, headers=_cors(request))
    return JSONResponse(answer.model_dump(mode="json"), headers=_cors(request))


def _cors(request: Request) -> dict[str, str]:
    """Any page may read the answer: which pages may have one was decided by `check_origin`."""
    origin = request.headers.get("origin")
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} if origin else {}


@router.websocket("/ws/widget")
async def socket(websocket: WebSocket) -> None:
    # Accepted before it is judged: a browser shows a refusal's code only on an open socket.
    await websocket.accept()
    desk: Helpdesk = websocket.app.state.helpdesk
    try:
        visitor = await _admit(websocket, desk)
    except Unauthenticated as error:
        await websocket.close(INVALID_TOKEN, error.detail[:120])
        return
    except Forbidden as error:
        await websocket.close(WRONG_ORIGIN, error.detail[:120])
        return
    with desk.events.subscribe(conversation_topic(visitor.conversation_id)) as subscription:
        connection = Socket(desk.db, desk.events, desk.inbox, visitor, _sender(websocket))
        forwarding = asyncio.create_task(connection.forward(subscription))
        try:
            await connection.replay()
            await _read(websocket, connection, visitor)
        except (WebSocketDisconnect, RuntimeError):
            # Starlette raises RuntimeError when we send to a socket that has just gone.
            pass
        finally:
            forwarding.cancel()
            await asyncio.gather(forwarding, return_exceptions=True)


async def _admit(websocket: WebSocket, desk: Helpdesk) -> Visitor:
    tokens: VisitorTokens = websocket.app.state.visitor_tokens
    visitor = tokens.read(websocket.query_params.get("token", ""))
    async with desk.db.read(visitor.organization_id) as scope:
        channel = await scope.session.scalar(
            scope.select(Channel).where(Channel.id == visitor.channel_id, Channel.disabled_at.is_(None))
        )
    if channel is None:
        raise Unauthenticated("This chat is no longer available.")
    check_origin(channel, websocket.headers.get("origin"), websocket.headers.get("host", ""))
    return visitor


async def _read(websocket: WebSocket, connection: Socket, visitor: Visitor) -> None:
    limits: Limits = websocket.app.state.limits
    while True:
        received = await websocket.receive()
        if received["type"] == "websocket.disconnect":
            return
        try:
            limits.check("frames", str(visitor.visitor_id))
        except RateLimited as error:
            await websocket.close(TOO_FAST, error.detail[:120])
            return
        await connection.receive(received.get("text") or received.get("bytes") or "")


def _sender(websocket: WebSocket) -> Any:
    async def send(frame: dict[str, Any]) -> None:
        await websocket.send_text(orjson.dumps(frame).decode())

    return send
