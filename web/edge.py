"""What holds for every answer of the web application, whichever route gives it."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

GUARDS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))


class Edge:
    """HEAD is answered wherever GET is. Nothing under /api is stored by a cache or taken for another type."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        api = scope["path"].startswith("/api/")

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and api:
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(guard for guard in GUARDS if guard[0] not in given)]
            elif message["type"] == "http.response.body" and head:
                message["body"] = b""
            await send(message)

        await self._app({**scope, "method": "GET"} if head else scope, receive, answer)
