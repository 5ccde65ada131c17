"""The widget's session and its socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import APIRouter, HTTPException, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from connectors.widget.inbound import Socket
from connectors.widget.session import SessionAnswer, SessionRequest, Sessions
from connectors.widget.tokens import Visitor
from core.errors import AppError, Forbidden, NotFound, RateLimited, Unauthenticated
from core.events import Subscription, conversation_topic
from core.helpdesk import Helpdesk
from web import errors
from web.assets import Assets
from web.limits import Limits, Pace
from web.paths import WIDGET

router = APIRouter()
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
INVALID_TOKEN, WRONG_ORIGIN, TOO_FAST = 4401, 4403, 4429


PARTS = frozenset({"style", "markdown", "messages", "connection", "panel", "words"})


@router.get("/widget.js", include_in_schema=False)
async def loader(request: Request) -> Response:
    return await _script("widget", request)


@router.get("/widget/{name}.js", include_in_schema=False)
async def part(name: str, request: Request) -> Response:
    """What the loader fetches once the chat is opened."""
    if name not in PARTS:
        raise NotFound(f"The widget has no part {name!r}.")
    return await _script(name, request)


async def _script(name: str, request: Request) -> Response:
    # Asked about each time, so that parts of two versions never meet; unchanged ones cost no body.
    answer = await Assets(directory=WIDGET, check_dir=False).get_response(f"{name}.js", request.scope)
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


class ForAnyPage(APIRoute):
    """Any page may read the answers: which pages may have a session was decided by `check_origin`, and who
    embeds the widget can learn why it was refused only from a refusal that says so, too."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def readable(request: Request) -> Response:
            try:
                answer = await handle(request)
            except AppError as error:
                answer = await errors.refused(request, error)
            except RequestValidationError as error:
                answer = await errors.invalid(request, error)
            except HTTPException as error:
                answer = await errors.not_served(request, error)
            if origin := request.headers.get("origin"):
                answer.headers["Access-Control-Allow-Origin"] = origin
            answer.headers["Vary"] = "Origin"
            return answer

        return readable


for_any_page = APIRouter(route_class=ForAnyPage)


@for_any_page.post("/api/widget/session", tags=["widget"])
async def session(body: SessionRequest, request: Request) -> SessionAnswer:
    """Starts or resumes a visitor's session and gives the token for the socket."""
    limits: Limits = request.app.state.limits
    limits.check("sessions", request.client.host if request.client else "")
    sessions: Sessions = request.app.state.widget_sessions
    return await sessions.start(body, request.headers.get("origin"), request.headers.get("host", ""))


@for_any_page.options("/api/widget/session", include_in_schema=False)
async def preflight() -> Response:
    return Response(status_code=204, headers={"Access-Control-Allow-Headers": "content-type"})


router.include_router(for_any_page)


@router.websocket("/ws/widget")
async def socket(websocket: WebSocket) -> None:
    # Accepted before it is judged: a browser shows a refusal's code only on an open socket.
    await websocket.accept()
    desk: Helpdesk = websocket.app.state.helpdesk
    sessions: Sessions = websocket.app.state.widget_sessions
    token, headers = websocket.query_params.get("token", ""), websocket.headers
    try:
        visitor = await sessions.admit(token, headers.get("origin"), headers.get("host", ""))
    except Unauthenticated as error:
        await websocket.close(INVALID_TOKEN, error.detail[:120])
        return
    except Forbidden as error:
        await websocket.close(WRONG_ORIGIN, error.detail[:120])
        return
    with desk.events.subscribe(conversation_topic(visitor.conversation_id)) as subscription:
        connection = Socket(desk.db, desk.events, desk.inbox, visitor, _sender(websocket))
        forwarding = asyncio.create_task(_forward(websocket, connection, subscription))
        looking = asyncio.create_task(connection.look())
        try:
            await connection.replay()
            await _read(websocket, connection, visitor)
        except (WebSocketDisconnect, RuntimeError):
            # Starlette raises RuntimeError when we send to a socket that has just gone.
            pass
        finally:
            forwarding.cancel()
            looking.cancel()
            await asyncio.gather(forwarding, looking, return_exceptions=True)


async def _forward(websocket: WebSocket, connection: Socket, subscription: Subscription) -> None:
    await connection.forward(subscription)
    await websocket.close(INVALID_TOKEN, "This chat is no longer available.")


async def _read(websocket: WebSocket, connection: Socket, visitor: Visitor) -> None:
    pace = Pace()
    while True:
        received = await websocket.receive()
        if received["type"] == "websocket.disconnect":
            return
        try:
            pace.check()
        except RateLimited as error:
            await websocket.close(TOO_FAST, error.detail[:120])
            return
        await connection.receive(received.get("text") or received.get("bytes") or "")


def _sender(websocket: WebSocket) -> Any:
    async def send(frame: dict[str, Any]) -> None:
        await websocket.send_text(orjson.dumps(frame).decode())

    return send
