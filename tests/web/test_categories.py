"""An organization's own categories: defined by admins, assigned to messages, taught by agents."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest

from core.helpdesk import Helpdesk
from core.models import CategoryExample, Message
from tests import cast
from tests.rows import change, rows
from tests.web.clients import as_sam, ask, client_of, error

DELIVERY = {
    "name": "Delivery",
    "description": "Where an order is, when it comes, shipping costs and countries.",
    "examples": ["Where is my parcel?", "How much is shipping to Austria?", "The tracking has not moved for days"],
}
RETURNS = {
    "name": "Returns",
    "description": "Sending something back and getting the money back.",
    "examples": ["I want to return the lamp", "When will I get my money back?", "How do I get a return label?"],
}
WHOLESALE = {
    "name": "Wholesale",
    "description": "Resellers and companies that want larger quantities.",
    "examples": ["Do you offer prices for resellers?", "We would like to order 200 mugs for our hotel"],
}


async def define(api: httpx.AsyncClient, *categories: dict[str, Any]) -> dict[str, str]:
    """The ids by name."""
    found = {}
    for category in categories:
        answer = await api.post("/api/v1/categories", json=category)
        assert answer.status_code == 201, answer.text
        found[category["name"]] = answer.json()["id"]
    return found


async def category_of(api: httpx.AsyncClient, text: str) -> str | None:
    """What the message is sorted into."""
    outcome = await ask(api, text, customer=str(uuid4()))
    detail = (await api.get(f"/api/v1/conversations/{outcome['conversation_id']}")).json()
    found: str | None = detail["messages"][0]["analysis"]["category"]
    return found


async def test_messages_are_sorted_into_what_admins_define_or_into_nothing(api: httpx.AsyncClient) -> None:
    assert await category_of(api, "my parcel has not come yet") is None
    ids = await define(api, DELIVERY, RETURNS, WHOLESALE)
    assert await category_of(api, "my parcel has not come yet") == "Delivery"
    assert await category_of(api, "I sent it back last week, where is my refund?") == "Returns"
    assert await category_of(api, "Tell me a joke about penguins") is None
    await api.delete(f"/api/v1/categories/{ids['Delivery']}")
    assert await category_of(api, "my parcel has not come yet") != "Delivery"


async def test_a_category_is_read_as_it_was_written(api: httpx.AsyncClient) -> None:
    ids = await define(api, RETURNS, {**DELIVERY, "autonomy": "draft"})
    rows_ = (await api.get("/api/v1/categories")).json()
    assert rows_ == [
        {**DELIVERY, "id": ids["Delivery"], "autonomy": "draft", "learned": 0},
        {**RETURNS, "id": ids["Returns"], "autonomy": None, "learned": 0},
    ]
    address = f"/api/v1/categories/{ids['Delivery']}"
    changed = await api.patch(address, json={"name": "Shipping", "examples": ["Where is it?"]})
    assert changed.json() == {**rows_[0], "name": "Shipping", "examples": ["Where is it?"]}
    assert (await api.patch(address, json={"autonomy": None})).json()["autonomy"] is None


async def test_its_autonomy_is_kept(api: httpx.AsyncClient, http: httpx.AsyncClient) -> None:
    question = "How long does delivery take?"
    assert (await ask(api, question))["outcome"] == "answered"
    ids = await define(api, {**DELIVERY, "examples": [*DELIVERY["examples"], question], "autonomy": "draft"}, RETURNS)
    drafted = await ask(api, question, customer="erin")
    assert drafted["outcome"] == "escalated"
    ticket = (await api.get(f"/api/v1/tickets/{drafted['ticket']['number']}")).json()
    assert (ticket["reason"], ticket["category"], len(ticket["drafts"])) == ("mode_draft", "Delivery", 1)
    await api.patch(f"/api/v1/categories/{ids['Delivery']}", json={"name": "Shipping"})
    assert (await api.get(f"/api/v1/tickets/{ticket['number']}")).json()["category"] == "Shipping"
    assert (await ask(api, question, customer="finn"))["outcome"] == "escalated"
    await api.delete(f"/api/v1/categories/{ids['Delivery']}")
    assert (await ask(api, question, customer="gina"))["outcome"] == "answered"


async def corrected(sam: httpx.AsyncClient, number: int, category: str | None) -> None:
    answer = await sam.post(f"/api/v1/tickets/{number}/category", json={"category": category})
    assert answer.status_code == 204, answer.text


async def test_a_correction_is_learned_at_once(api: httpx.AsyncClient, helpdesk: Helpdesk, acme: cast.Shop) -> None:
    await define(api, DELIVERY, RETURNS, WHOLESALE)
    text = "Please let me speak to a person about the pallet of mugs for my café, I am dana@example.com"
    alike = "Please let me speak to a person about the pallet of plates for my café"
    number = (await ask(api, text))["ticket"]["number"]
    async with client_of(helpdesk) as browser:
        sam = await as_sam(browser, acme)
        for category in ("Returns", "Delivery", "Wholesale"):
            await corrected(sam, number, category)
            assert await category_of(api, alike) == category
            (learned,) = [one for one in await rows(helpdesk.db, acme.id, CategoryExample) if one.message_id]
            assert "dana@" not in learned.text
            counts = {one["name"]: one["learned"] for one in (await api.get("/api/v1/categories")).json()}
            assert {name for name, count in counts.items() if count} == {category}
        await corrected(sam, number, None)
        assert await category_of(api, alike) is None
        await corrected(sam, number, "Something of our own")
        assert await category_of(api, alike) is None


async def test_vectors_of_another_encoder_are_made_anew(
    api: httpx.AsyncClient, helpdesk: Helpdesk, acme: cast.Shop
) -> None:
    await define(api, DELIVERY, RETURNS)
    assert await category_of(api, "my parcel has not come yet") == "Delivery"
    kept = await rows(helpdesk.db, acme.id, CategoryExample)
    assert {one.encoder for one in kept} == {helpdesk.encoder.name}
    for one in kept:
        await change(helpdesk.db, acme.id, CategoryExample, one.id, encoder="older", vector=b"\0" * 384 * 4)
    await define(api, WHOLESALE)
    assert await category_of(api, "my parcel has not come yet") == "Delivery"
    assert {one.encoder for one in await rows(helpdesk.db, acme.id, CategoryExample)} == {helpdesk.encoder.name}


async def test_what_cannot_be_is_refused_with_the_reason(api: httpx.AsyncClient, http: httpx.AsyncClient) -> None:
    ids = await define(api, DELIVERY, RETURNS)
    taken = await api.post("/api/v1/categories", json={"name": "delivery"})
    assert error(taken, 409)[1] == "There is a category delivery already. Choose another name."
    renamed = await api.patch(f"/api/v1/categories/{ids['Returns']}", json={"name": "DELIVERY"})
    assert error(renamed, 409)[0] == "conflict"
    assert error(await api.delete(f"/api/v1/categories/{uuid4()}"), 404)[0] == "not_found"
    for wrong in (
        {"name": " "},
        {"name": "x" * 65},
        {"name": "x", "autonomy": "?"},
        {"name": "x", "examples": [""]},
    ):
        assert error(await api.post("/api/v1/categories", json=wrong), 422)[0] == "invalid"
    for number in range(48):
        await define(api, {"name": f"Number {number}"})
    full = await api.post("/api/v1/categories", json={"name": "One more"})
    assert "50 categories already" in error(full, 400)[1]


@pytest.mark.parametrize("verb", ["post", "patch", "delete"])
async def test_agents_may_read_them_only(sam: httpx.AsyncClient, verb: str) -> None:
    assert (await sam.get("/api/v1/categories")).json() == []
    address = "/api/v1/categories" if verb == "post" else f"/api/v1/categories/{uuid4()}"
    body = {} if verb == "delete" else {"json": DELIVERY}
    assert error(await sam.request(verb.upper(), address, **body), 403)[0] == "forbidden"


async def test_the_neighbours_are_neither_seen_nor_used(
    api: httpx.AsyncClient, helpdesk: Helpdesk, globex: cast.Shop
) -> None:
    ids = await define(api, DELIVERY, RETURNS)
    async with client_of(helpdesk) as theirs:
        theirs.headers["authorization"] = f"Bearer {globex.api_key}"
        assert (await theirs.get("/api/v1/categories")).json() == []
        assert error(await theirs.delete(f"/api/v1/categories/{ids['Delivery']}"), 404)[0] == "not_found"
        assert await category_of(theirs, "my parcel has not come yet") is None
    assert len(await rows(helpdesk.db, globex.id, Message, author="customer")) == 1
