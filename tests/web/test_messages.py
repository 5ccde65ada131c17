"""The `api` channel: `POST /api/v1/messages`."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from core.helpdesk import Helpdesk
from core.models import Channel, Conversation, Customer, Message
from tests import cast
from tests.rows import finished, row, rows
from tests.web.clients import ask, error

COVERED = "How long does delivery take?"
UNCOVERED = "Do you sell helicopters for the moon?"


async def test_with_wait_the_answer_comes_back(api: httpx.AsyncClient) -> None:
    found = await ask(api, COVERED)
    assert (found["state"], found["outcome"], found["ticket"]) == ("done", "answered", None)
    reply = found["reply"]
    assert "two to three working days" in reply["text"]
    assert reply["citations"][0]["title"] == "How long delivery takes"
    assert reply["name"] == "Robin"
    assert (await api.get(f"/api/v1/messages/{found['id']}")).json() == found


async def test_with_wait_a_hand_over_names_its_ticket(api: httpx.AsyncClient) -> None:
    found = await ask(api, UNCOVERED)
    assert found["outcome"] == "escalated"
    assert found["ticket"]["status"] == "open"
    assert f"#{found['ticket']['number']}" in found["reply"]["text"]
    again = await ask(api, "And I want a human", conversation_id=found["conversation_id"])
    assert again["ticket"]["number"] == found["ticket"]["number"]
    silent = await ask(api, COVERED, conversation_id=found["conversation_id"])
    assert (silent["outcome"], silent["reply"], silent["ticket"]) == ("silent", None, None)


async def test_without_wait_it_is_accepted_and_can_be_asked_about(
    api: httpx.AsyncClient, helpdesk: Helpdesk, acme: cast.Shop
) -> None:
    found = await ask(api, COVERED, wait=0)
    assert found | {"id": "", "conversation_id": ""} == {
        "id": "",
        "conversation_id": "",
        "state": "queued",
        "outcome": None,
        "reply": None,
        "ticket": None,
    }
    await finished(helpdesk.db, acme.id, UUID(found["id"]))
    assert (await api.get(f"/api/v1/messages/{found['id']}")).json()["outcome"] == "answered"


async def test_a_wait_that_is_too_short_says_so_and_loses_nothing(
    api: httpx.AsyncClient, helpdesk: Helpdesk, acme: cast.Shop
) -> None:
    answer = await api.post("/api/v1/messages?wait=0.001", json={"customer": "dana", "text": COVERED})
    assert answer.status_code == 202
    assert answer.json()["state"] == "queued"
    assert len(await rows(helpdesk.db, acme.id, Message, author="customer")) == 1


async def test_the_same_external_id_is_one_message_also_twenty_at_once(
    api: httpx.AsyncClient, helpdesk: Helpdesk, acme: cast.Shop
) -> None:
    found = await asyncio.gather(*(ask(api, COVERED, external_id="order-7") for _ in range(20)))
    assert len({one["id"] for one in found}) == 1
    assert len({one["reply"]["id"] for one in found}) == 1
    assert len(await rows(helpdesk.db, acme.id, Message)) == 2
    assert len(await rows(helpdesk.db, acme.id, Customer)) == 1
    assert len(await rows(helpdesk.db, acme.id, Channel, kind="api")) == 1


async def test_a_customer_is_recognized_and_each_new_conversation_is_their_own(
    api: httpx.AsyncClient, helpdesk: Helpdesk, acme: cast.Shop
) -> None:
    dana = {"id": "dana", "name": "Dana", "email": "dana@acme.example", "language": "en"}
    first = await ask(api, COVERED, customer=dana)
    second = await ask(api, "Can I pay with PayPal?", customer=dana)
    third = await ask(api, "Hello", customer=dana, conversation_id=first["conversation_id"])
    assert first["conversation_id"] != second["conversation_id"]
    assert third["conversation_id"] == first["conversation_id"]
    customer = await row(helpdesk.db, acme.id, Customer)
    assert (customer.name, customer.email, customer.language) == ("Dana", "dana@acme.example", "en")
    assert len(await rows(helpdesk.db, acme.id, Conversation)) == 2


BAD: list[tuple[Any, str]] = [
    ({}, "customer"),
    ({"customer": "dana"}, "text"),
    ({"customer": "dana", "text": ""}, "text"),
    ({"customer": "dana", "text": " \n\x00"}, "text"),
    ({"customer": "dana", "text": 7}, "text"),
    ({"customer": "dana", "text": "x" * 100_001}, "text"),
    ({"customer": "", "text": "hi"}, "customer"),
    ({"customer": "x" * 321, "text": "hi"}, "customer"),
    ({"customer": "da\x00na", "text": "hi"}, "customer"),
    ({"customer": {}, "text": "hi"}, "customer"),
    ({"customer": {"name": "Dana"}, "text": "hi"}, "customer"),
    ({"customer": {"id": 7}, "text": "hi"}, "customer"),
    ({"customer": {"id": "dana", "language": "englisch!"[:9]}, "text": "hi"}, "language"),
    ({"customer": "dana", "text": "hi", "conversation_id": "7"}, "conversation_id"),
    ({"customer": "dana", "text": "hi", "external_id": ""}, "external_id"),
    ({"customer": "dana", "text": "hi", "external_id": "x" * 201}, "external_id"),
    ({"customer": "dana", "text": "hi", "external_id": "\x00"}, "external_id"),
    ([], "body"),
    ("hello", "body"),
    (None, "body"),
]


async def test_a_bad_message_is_refused_by_the_field_that_is_wrong(
    api: httpx.AsyncClient, helpdesk: Helpdesk, acme: cast.Shop
) -> None:
    for body, field in BAD:
        code, detail = error(await api.post("/api/v1/messages", json=body), 422)
        assert code == "invalid"
        assert field in detail, (body, detail)
        assert len(detail) < 600
    for wait in ("-1", "61", "nan", "inf", "soon"):
        answer = await api.post("/api/v1/messages", params={"wait": wait}, json={"customer": "dana", "text": "hi"})
        assert "wait" in error(answer, 422)[1]
    for content, status in ((b"", 422), (b"{", 422), (b"\xff", 400), (b'{"customer": "d", "text": "\\ud800"}', 422)):
        answer = await api.post("/api/v1/messages", content=content, headers={"content-type": "application/json"})
        assert error(answer, status)[0] == "invalid"
    assert await rows(helpdesk.db, acme.id, Message) == []


@pytest.mark.parametrize("text", ["🚲" * 1000, "مرحبا", "<script>alert(1)</script>", "a\x07\x1b[0m", "x" * 100_000])
async def test_any_text_is_kept_as_it_was_written(
    api: httpx.AsyncClient, helpdesk: Helpdesk, acme: cast.Shop, text: str
) -> None:
    found = await ask(api, text)
    assert found["reply"]["text"]
    assert (await row(helpdesk.db, acme.id, Message, author="customer")).text == text


async def test_a_nul_character_never_reaches_the_database(any_http: httpx.AsyncClient, any_helpdesk: Helpdesk) -> None:
    acme = await cast.acme(any_helpdesk)
    any_http.headers["authorization"] = f"Bearer {acme.api_key}"
    await ask(any_http, f"\x00{COVERED}", customer={"id": "dana", "name": "Da\x00na", "email": "d@acme.example"})
    assert (await row(any_helpdesk.db, acme.id, Message, author="customer")).text == COVERED
    assert (await row(any_helpdesk.db, acme.id, Customer)).name == "Dana"
    credentials = {"email": "sam\x00@acme.example", "password": "\x00"}
    assert error(await any_http.post("/api/v1/session", json=credentials), 422)[0] == "invalid"
    assert error(await any_http.post("/api/widget/session", json={"site_key": "\x00"}), 422)[0] == "invalid"


async def test_what_is_not_there_is_a_404(api: httpx.AsyncClient) -> None:
    nothing = uuid4()
    assert error(await api.get(f"/api/v1/messages/{nothing}"), 404)[0] == "not_found"
    answer = await api.post(
        "/api/v1/messages", json={"customer": "dana", "text": "hi", "conversation_id": str(nothing)}
    )
    code, detail = error(answer, 404)
    assert code == "not_found"
    assert str(nothing) in detail
    found = await ask(api, COVERED)
    assert error(await api.get(f"/api/v1/messages/{found['reply']['id']}"), 404)[0] == "not_found"
