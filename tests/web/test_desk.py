"""What the console reads, and whose it is."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest

from core.helpdesk import Helpdesk
from tests import cast
from tests.web.clients import ask, error

COVERED = "How long does delivery take?"
UNCOVERED = "Do you sell helicopters for the moon?"


async def test_conversations_and_tickets_tell_what_happened(api: httpx.AsyncClient) -> None:
    answered = await ask(api, COVERED, customer={"id": "dana", "name": "Dana"})
    escalated = await ask(api, UNCOVERED)
    page = (await api.get("/api/v1/conversations")).json()
    assert [item["id"] for item in page["items"]] == [escalated["conversation_id"], answered["conversation_id"]]
    assert page["items"][1] | {"last_message_at": ""} == {
        "id": answered["conversation_id"],
        "subject": COVERED,
        "customer": "Dana",
        "channel": "API",
        "handler": "bot",
        "last_message_at": "",
        "ticket": None,
    }
    assert page["items"][0]["ticket"] == escalated["ticket"]["number"]
    detail = (await api.get(f"/api/v1/conversations/{escalated['conversation_id']}")).json()
    assert [message["author"] for message in detail["messages"]] == ["customer", "ai"]
    assert detail["messages"][0]["outcome"] == "escalated"
    assert {"sentiment", "frustration", "urgency", "language"} <= set(detail["messages"][0]["analysis"])
    tickets = (await api.get("/api/v1/tickets")).json()
    assert [item["number"] for item in tickets["items"]] == [escalated["ticket"]["number"]]
    ticket = (await api.get(f"/api/v1/tickets/{escalated['ticket']['number']}")).json()
    assert ticket["conversation_id"] == escalated["conversation_id"]
    assert ticket["reason"] in ("no_knowledge", "low_confidence")


async def test_pages_follow_each_other_without_gap_or_overlap(api: httpx.AsyncClient) -> None:
    numbers = [(await ask(api, f"{UNCOVERED} {i}"))["ticket"]["number"] for i in range(5)]
    seen: dict[str, list[Any]] = {"tickets": [], "conversations": []}
    for name, key in (("tickets", "number"), ("conversations", "subject")):
        before: dict[str, Any] = {}
        while True:
            page = (await api.get(f"/api/v1/{name}", params={"limit": 2, **before})).json()
            seen[name] += [item[key] for item in page["items"]]
            if page["next"] is None:
                break
            before = {"before": page["next"]}
    assert seen["tickets"] == numbers[::-1]
    assert seen["conversations"] == [f"{UNCOVERED} {i}" for i in reversed(range(5))]
    assert (await api.get("/api/v1/tickets?status=open&limit=100")).json()["next"] is None
    assert (await api.get("/api/v1/tickets?status=resolved")).json()["items"] == []


BAD_QUERIES = [
    "conversations?limit=0",
    "conversations?limit=101",
    "conversations?limit=x",
    "conversations?before=yesterday",
    "conversations?before=2026-01-01T00:00:00",
    "conversations?before=0001-01-01T00:00:00%2B14:00",
    "conversations?before=9999-12-31T23:59:59-12:00",
    "conversations/7",
    "tickets?before=x",
    "tickets?before=99999999999999999999",
    "tickets?status=lost",
    "tickets/x",
    "tickets/99999999999999999999",
    "tickets/-1",
]


async def test_a_query_that_makes_no_sense_is_refused_on_each_database(
    any_http: httpx.AsyncClient, any_helpdesk: Helpdesk
) -> None:
    acme = await cast.acme(any_helpdesk)
    any_http.headers["x-api-key"] = acme.api_key
    for query in BAD_QUERIES:
        code, detail = error(await any_http.get(f"/api/v1/{query}"), 422)
        assert (code, bool(detail)) == ("invalid", True), query
    for query in ("tickets/2147483647", f"conversations/{uuid4()}", f"messages/{uuid4()}"):
        assert error(await any_http.get(f"/api/v1/{query}"), 404)[0] == "not_found"
    for query in ("tickets?before=2147483647", "conversations?before=9999-01-01T00:00:00Z"):
        assert (await any_http.get(f"/api/v1/{query}")).json() == {"items": [], "next": None}


async def test_nothing_of_acmes_is_there_for_the_neighbour(any_http: httpx.AsyncClient, any_helpdesk: Helpdesk) -> None:
    acme, globex = await cast.acme(any_helpdesk), await cast.globex(any_helpdesk)
    any_http.headers["x-api-key"] = acme.api_key
    ours = await ask(any_http, UNCOVERED)
    any_http.headers["x-api-key"] = globex.api_key
    addresses = [
        f"conversations/{ours['conversation_id']}",
        f"messages/{ours['id']}",
        f"messages/{ours['reply']['id']}",
        f"tickets/{ours['ticket']['number']}",
    ]
    for address in addresses:
        assert error(await any_http.get(f"/api/v1/{address}"), 404)[0] == "not_found"
    body = {"customer": "greta", "text": "hi", "conversation_id": ours["conversation_id"]}
    assert error(await any_http.post("/api/v1/messages", json=body), 404)[0] == "not_found"
    for page in ("conversations", "tickets"):
        assert (await any_http.get(f"/api/v1/{page}")).json()["items"] == []
    theirs = await ask(any_http, "How long does rocket delivery take?", customer="dana")
    assert "silo" in theirs["reply"]["text"]
    any_http.headers["x-api-key"] = acme.api_key
    assert len((await any_http.get("/api/v1/conversations")).json()["items"]) == 1


@pytest.mark.parametrize("route", ["conversations", "tickets", "me", f"messages/{uuid4()}", "tickets/1"])
async def test_without_a_key_or_session_nothing_is_shown(http: httpx.AsyncClient, route: str) -> None:
    answer = await http.get(f"/api/v1/{route}")
    code, detail = error(answer, 401)
    assert (code, answer.headers["www-authenticate"]) == ("unauthenticated", "Bearer")
    assert "API key" in detail


async def test_a_sender_is_blocked_and_unblocked(sam: httpx.AsyncClient) -> None:
    number = (await ask(sam, UNCOVERED))["ticket"]["number"]
    assert (await sam.post(f"/api/v1/tickets/{number}/block")).status_code == 204
    ticket = (await sam.get(f"/api/v1/tickets/{number}")).json()
    assert (ticket["status"], ticket["resolution"], ticket["blocked"]) == ("resolved", "spam", True)
    kept = await ask(sam, COVERED, wait=5)
    assert (kept["outcome"], kept["reply"], kept["ticket"]) == ("silent", None, None)
    assert (await sam.post(f"/api/v1/tickets/{number}/unblock")).status_code == 204
    assert (await ask(sam, COVERED))["outcome"] == "answered"
