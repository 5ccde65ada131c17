"""Who calls the web application in these tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx

from core.errors import RateLimited
from core.helpdesk import Helpdesk
from tests import cast
from web.app import create_app
from web.limits import Kind, Limits

CALLER = "127.0.0.1"
"""The address that the requests come from."""


def exhaust(limits: Limits, kind: Kind) -> None:
    """Lets the caller do no more of this kind for a minute."""
    with suppress(RateLimited):
        while True:
            limits.check(kind, CALLER)


@asynccontextmanager
async def client_of(
    helpdesk: Helpdesk, *, crashes: bool = True, limits: Limits | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a socket in between. With `crashes` a bug fails the test instead of being a 500."""
    app = create_app(helpdesk.settings, helpdesk=helpdesk)
    app.state.limits = limits or app.state.limits
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=crashes)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://desk") as client,
    ):
        yield client


async def as_sam(http: httpx.AsyncClient, shop: cast.Shop, password: str = cast.PASSWORD) -> httpx.AsyncClient:
    answer = await http.post("/api/v1/session", json={"email": shop.sam_email, "password": password})
    assert answer.status_code == 200, answer.text
    return http


async def ask(http: httpx.AsyncClient, text: str, wait: float = 10, **more: Any) -> dict[str, Any]:
    """What became of dana's question."""
    body = {"customer": "dana", "text": text, **more}
    answer = await http.post("/api/v1/messages", params={"wait": wait}, json=body)
    assert answer.status_code == (200 if wait else 202), answer.text
    found: dict[str, Any] = answer.json()
    return found


def error(answer: httpx.Response, status: int) -> tuple[str, str]:
    """(code, detail) of a refusal, which has the one shape that all refusals have."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"error"}
    body = answer.json()["error"]
    assert set(body) == {"code", "detail"}
    assert "Traceback" not in body["detail"]
    return body["code"], body["detail"]
