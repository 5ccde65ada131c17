"""What curl sees: every address answers in one shape, and no error says more than it should."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import text

from core.helpdesk import Helpdesk
from tests import cast, servers
from tests.web.clients import client_of, error
from web.limits import Kind, Limits


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/v1/nothing", "/nothing", "/widget/nothing.js"])
async def test_an_unknown_address_is_a_404_in_json(http: httpx.AsyncClient, path: str) -> None:
    for method in ("GET", "POST", "PATCH"):
        answer = await http.request(method, path)
        if path == "/widget/nothing.js" and method != "GET":
            continue
        assert error(answer, 404)[0] == "not_found"


@pytest.mark.parametrize(
    "path", ["/widget/..%2fREADME.md", "/widget/../README.md", "/static/../app.py", "/static/%2e%2e/app.py"]
)
async def test_nothing_outside_the_served_folders_is_served(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/v1/messages", "POST"),
        ("PUT", "/healthz", "GET"),
        ("GET", "/api/widget/session", "POST"),
        ("POST", "/api/v1/tickets", "GET"),
    ],
)
async def test_a_wrong_method_names_the_right_one(
    http: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await http.request(method, path)
    code, detail = error(answer, 405)
    assert code == "method_not_allowed"
    assert method in detail
    assert allowed in answer.headers["allow"]


@pytest.mark.parametrize(
    "path", ["/", "/demo", "/console", "/healthz", "/readyz", "/metrics", "/widget.js", "/api/docs"]
)
async def test_head_is_get_without_the_body(http: httpx.AsyncClient, path: str) -> None:
    head, get = await http.head(path), await http.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert get.content


async def test_answers_under_api_are_kept_by_no_cache(api: httpx.AsyncClient) -> None:
    for path in ("/api/v1/tickets", "/api/v1/nothing", "/api/v1/me"):
        answer = await api.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_bug_of_ours_shows_no_trace(helpdesk: Helpdesk, acme: cast.Shop) -> None:
    class Broken(Limits):
        def check(self, kind: Kind, who: str) -> None:
            raise ZeroDivisionError("a secret")

    async with client_of(helpdesk, crashes=False, limits=Broken()) as http:
        answer = await http.post("/api/v1/session", json={"email": acme.sam_email, "password": "x"})
    code, detail = error(answer, 500)
    assert code == "internal"
    assert "secret" not in detail


async def test_a_process_that_works_is_alive_and_ready(http: httpx.AsyncClient) -> None:
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    assert (await http.get("/readyz")).json() == {"status": "ready"}


async def test_the_api_describes_itself(http: httpx.AsyncClient) -> None:
    schema = (await http.get("/api/openapi.json")).json()
    assert {"/api/v1/messages", "/api/v1/conversations", "/api/v1/tickets", "/api/v1/session"} <= set(schema["paths"])
    page = await http.get("/api/docs")
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    assert "://" not in page.text


async def test_metrics_are_for_who_has_the_token(helpdesk: Helpdesk) -> None:
    settings = helpdesk.settings.model_validate(helpdesk.settings.model_dump() | {"metrics_token": "secret"})
    async with client_of(dataclasses.replace(helpdesk, settings=settings)) as http:
        error(await http.get("/metrics"), 401)
        error(await http.get("/metrics", headers={"authorization": "Bearer wrong"}), 401)
        answer = await http.get("/metrics", headers={"authorization": "Bearer secret"})
        assert answer.status_code == 200
        assert "python_info" in answer.text


async def test_the_server_does_not_say_what_it_runs_on(helpdesk: Helpdesk) -> None:
    async with servers.in_process(helpdesk) as base, httpx.AsyncClient() as client:
        for path in ("/", "/api/nothing", "/healthz"):
            answer = await client.get(f"{base}{path}")
            assert "server" not in answer.headers
            assert "x-powered-by" not in answer.headers
        head = await client.head(f"{base}/widget.js")
        assert int(head.headers["content-length"]) > 1000


async def test_a_full_disk_is_no_bug_and_what_is_stored_can_be_read(
    sam: httpx.AsyncClient, helpdesk: Helpdesk, acme: cast.Shop
) -> None:
    async with helpdesk.db.write(acme.id) as scope:
        await scope.session.execute(text("PRAGMA max_page_count = 1"))  # no larger than it is: full from now on
    body = {"customer": "dana", "text": "x" * 9000}
    answers = [await sam.post("/api/v1/messages", json=body) for _ in range(20)]
    full = next(answer for answer in answers if answer.status_code != 202)
    code, detail = error(full, 503)
    assert (code, "try again" in detail, "sqlite" in full.text.lower()) == ("unavailable", True, False)
    assert (await sam.get("/api/v1/conversations")).status_code == 200


@pytest.mark.parametrize("address", ["/api/v1/messages", "/api/widget/session", "/telegram/some-bot", "/slack/events"])
async def test_whatever_never_ends_is_refused_before_it_fills_the_memory(http: httpx.AsyncClient, address: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"text": "'
        while True:
            yield b"a" * 2**16

    answer = await http.post(address, content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code in (401, 404, 413), answer.text
    if answer.status_code == 413:
        assert answer.json() == {"error": {"code": "too_large", "detail": "This is larger than what is taken here."}}
