"""What an agent is shown around a conversation."""

from __future__ import annotations

from typing import Any

import httpx

from core import desk as verbs
from core import participants
from core.helpdesk import Helpdesk
from core.messages import Person
from core.models import Conversation, CustomerIdentity, Delivery, Message, Ticket
from tests.cast import Shop, another_agent
from tests.rows import change, row, rows
from tests.web.clients import ask

UNCOVERED = "Do you build treehouses for hedgehogs?"


async def around(http: httpx.AsyncClient, conversation_id: str) -> dict[str, Any]:
    answer = await http.get(f"/api/v1/conversations/{conversation_id}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_who_gets_copies_and_that_nothing_arrives_is_shown(
    api: httpx.AsyncClient, helpdesk: Helpdesk, acme: Shop
) -> None:
    conversation_id = (await ask(api, UNCOVERED))["conversation_id"]
    stored = await row(helpdesk.db, acme.id, Conversation)
    assert (await around(api, conversation_id))["around"] == {
        "participants": [],
        "elsewhere": [],
        "unreachable": None,
    }
    async with helpdesk.db.write(acme.id) as scope:
        pat = Person(external_id="pat@customer.example", name="Pat")
        await participants.join(scope, stored.id, stored.channel_id, [pat])
    identity = await row(helpdesk.db, acme.id, CustomerIdentity)
    await change(helpdesk.db, acme.id, CustomerIdentity, identity.id, unreachable="The mailbox is full.")
    shown = (await around(api, conversation_id))["around"]
    assert shown["participants"] == [{"name": "Pat", "address": "pat@customer.example"}]
    assert shown["unreachable"] == "The mailbox is full."


async def test_other_conversations_of_the_customer_are_shown_and_no_strangers(
    api: httpx.AsyncClient, helpdesk: Helpdesk, acme: Shop, globex: Shop
) -> None:
    first = (await ask(api, UNCOVERED))["conversation_id"]
    second = (await ask(api, UNCOVERED, conversation_id=None, customer={"id": "dana-at-work"}))["conversation_id"]
    assert (await around(api, first))["around"]["elsewhere"] == []
    stored = {str(one.id): one for one in await rows(helpdesk.db, acme.id, Conversation)}
    await change(helpdesk.db, acme.id, Conversation, stored[second].id, customer_id=stored[first].customer_id)
    ticket = await row(helpdesk.db, acme.id, Ticket, conversation_id=stored[second].id)
    (shown,) = (await around(api, first))["around"]["elsewhere"]
    assert (shown["id"], shown["ticket"], shown["linked"]) == (second, ticket.number, False)
    await change(helpdesk.db, acme.id, Conversation, stored[second].id, linked_to_id=stored[first].id)
    for one in (first, second):
        assert (await around(api, one))["around"]["elsewhere"][0]["linked"]
    api.headers["authorization"] = f"Bearer {globex.api_key}"
    assert (await api.get(f"/api/v1/conversations/{first}")).status_code == 404


async def test_only_what_one_wrote_oneself_is_ones_own(sam: httpx.AsyncClient, helpdesk: Helpdesk, acme: Shop) -> None:
    asked = await ask(sam, UNCOVERED)
    number = asked["ticket"]["number"]
    await sam.post(f"/api/v1/tickets/{number}/reply", json={"text": "We do not."})
    alex = verbs.Agent(await another_agent(helpdesk, acme, "Alex"), "Alex")
    async with helpdesk.db.write(acme.id) as scope:
        await verbs.assign(scope, helpdesk.outbox, alex, number, alex.id)
        await verbs.reply(scope, helpdesk.outbox, alex, number, "But we might.")
    messages = (await around(sam, asked["conversation_id"]))["messages"]
    assert [one["text"] for one in messages if one["mine"]] == ["We do not."]


async def test_a_reply_that_did_not_arrive_says_why(api: httpx.AsyncClient, helpdesk: Helpdesk, acme: Shop) -> None:
    asked = await ask(api, UNCOVERED)
    message = (await rows(helpdesk.db, acme.id, Message, author="ai"))[-1]
    async with helpdesk.db.write(acme.id) as scope:
        scope.add(
            Delivery(
                conversation_id=message.conversation_id,
                message_id=message.id,
                channel_id=message.channel_id,
                revision=7,
                state="dead",
                error="The address does not exist.",
            )
        )
    shown = {one["id"]: one for one in (await around(api, asked["conversation_id"]))["messages"]}
    assert shown[str(message.id)]["delivery"] == {"state": "dead", "error": "The address does not exist."}


async def test_tickets_can_be_narrowed_to_ones_own_and_nobodys(
    sam: httpx.AsyncClient, helpdesk: Helpdesk, acme: Shop
) -> None:
    numbers = [(await ask(sam, UNCOVERED, customer={"id": who}))["ticket"]["number"] for who in ("a", "b", "c")]

    async def listed(assignee: str) -> list[int]:
        answer = await sam.get("/api/v1/tickets", params={"assignee": assignee})
        return [one["number"] for one in answer.json()["items"]]

    await sam.post(f"/api/v1/tickets/{numbers[0]}/claim")
    assert (await listed("me"), await listed("nobody")) == ([numbers[0]], [numbers[2], numbers[1]])
    await sam.post(f"/api/v1/tickets/{numbers[0]}/resolve")
    assert await listed("me") == []
