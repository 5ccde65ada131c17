"""Who writes: strangers, users whom the shop vouches for, and strangers who turn out to be such users."""

from __future__ import annotations

import pytest
import websockets

from core.helpdesk import Helpdesk
from core.models import AuditEntry, Conversation, Customer, CustomerIdentity, Message
from tests import cast
from tests.rows import row, rows
from tests.visitors import session, signed, tab, visit

COVERED = "How long does delivery take?"


async def test_a_user_is_the_same_on_every_device(base: str, acme: cast.Shop, helpdesk: Helpdesk) -> None:
    dana = signed(acme.identity_secret, "42", email="dana@acme.example", name="Dana")
    first, second = [await session(base, acme.site_key, identity=dana) for _ in range(2)]
    assert first["visitor_id"] == second["visitor_id"]
    assert first["conversation_id"] == second["conversation_id"]
    async with tab(base, first["token"]) as laptop, tab(base, second["token"]) as phone:
        await laptop.say(COVERED)
        assert (await phone.reply()) == (await laptop.reply())
    customer = await row(helpdesk.db, acme.id, Customer)
    assert (customer.name, customer.email) == ("Dana", "dana@acme.example")
    assert (await row(helpdesk.db, acme.id, CustomerIdentity)).verified


async def test_a_users_token_alone_does_not_bring_their_chat_back(base: str, acme: cast.Shop) -> None:
    known = await session(base, acme.site_key, identity=signed(acme.identity_secret, "42"))
    after = await session(base, acme.site_key, visitor_token=known["token"])
    assert after["visitor_id"] != known["visitor_id"]
    assert after["conversation_id"] != known["conversation_id"]


async def test_what_was_written_before_signing_in_goes_along(base: str, acme: cast.Shop, helpdesk: Helpdesk) -> None:
    before = await session(base, acme.site_key)
    async with tab(base, before["token"]) as dana:
        question = await dana.say(COVERED)
        answer = await dana.reply()
        identity = signed(acme.identity_secret, "42", name="Dana", email="dana@acme.example")
        after = await session(base, acme.site_key, visitor_token=before["token"], identity=identity)
        assert after["conversation_id"] == before["conversation_id"]
        assert after["visitor_id"] != before["visitor_id"]
        assert await dana.closed() == 4401
    async with tab(base, after["token"]) as dana:
        history = [frame["message"]["id"] for frame in await dana.history()]
        assert history == [question, answer["id"]]
        await dana.say(COVERED, question)  # sent again, as its acknowledgement may have been lost
        await dana.until("ack")
        await dana.say("Can I pay with PayPal?")
        assert "PayPal" in (await dana.reply())["text"]
    assert len(await rows(helpdesk.db, acme.id, Message, author="customer")) == 2
    customer = await row(helpdesk.db, acme.id, Customer)
    assert (customer.name, customer.email) == ("Dana", "dana@acme.example")
    identity_row = await row(helpdesk.db, acme.id, CustomerIdentity)
    assert (identity_row.external_id, identity_row.verified) == (after["visitor_id"], True)
    entry = await row(helpdesk.db, acme.id, AuditEntry, action="conversation.taken_over")
    assert str(entry.subject_id) == before["conversation_id"]
    assert entry.details == {"from": before["visitor_id"], "to": after["visitor_id"]}


async def test_a_user_with_a_chat_elsewhere_keeps_both(base: str, acme: cast.Shop, helpdesk: Helpdesk) -> None:
    identity = signed(acme.identity_secret, "42", name="Dana")
    async with visit(base, acme.site_key, identity=identity) as phone:
        await phone.say("How long is a voucher valid?")
        await phone.reply()
    before = await session(base, acme.site_key)
    async with tab(base, before["token"]) as laptop:
        await laptop.say(COVERED)
        await laptop.reply()
    after = await session(base, acme.site_key, visitor_token=before["token"], identity=identity)
    assert after["conversation_id"] == before["conversation_id"]
    assert await session(base, acme.site_key, identity=identity) | {"token": ""} == after | {"token": ""}
    dana = await row(helpdesk.db, acme.id, Customer)
    assert {c.customer_id for c in await rows(helpdesk.db, acme.id, Conversation)} == {dana.id}
    assert len(await rows(helpdesk.db, acme.id, Conversation)) == 2


async def test_the_anonymous_token_is_worth_nothing_after_signing_in(base: str, acme: cast.Shop) -> None:
    before = await session(base, acme.site_key)
    async with tab(base, before["token"]) as mallory:
        await mallory.say(COVERED)
        await mallory.reply()
    identity = signed(acme.identity_secret, "42")
    after = await session(base, acme.site_key, visitor_token=before["token"], identity=identity)
    async with tab(base, before["token"]) as mallory:
        assert await mallory.closed() == 4401
        assert mallory.frames == []
    again = await session(base, acme.site_key, visitor_token=before["token"])
    assert again["conversation_id"] != after["conversation_id"]
    assert again["visitor_id"] not in (before["visitor_id"], after["visitor_id"])


async def test_signing_in_takes_over_no_other_users_chat(base: str, acme: cast.Shop, helpdesk: Helpdesk) -> None:
    sam = await session(base, acme.site_key, identity=signed(acme.identity_secret, "sam"))
    async with tab(base, sam["token"]) as chat:
        await chat.say(COVERED)
        await chat.reply()
    dana = await session(base, acme.site_key, visitor_token=sam["token"], identity=signed(acme.identity_secret, "dana"))
    assert dana["conversation_id"] != sam["conversation_id"]
    async with tab(base, sam["token"]) as chat:
        assert len(await chat.history()) == 2
    assert await rows(helpdesk.db, acme.id, AuditEntry) == []


async def test_an_unsigned_identity_is_a_name_and_nothing_more(base: str, acme: cast.Shop, helpdesk: Helpdesk) -> None:
    claimed = {"id": "42", "email": "dana@acme.example", "name": "Dana"}
    first, second = [await session(base, acme.site_key, identity=claimed) for _ in range(2)]
    assert first["visitor_id"] != second["visitor_id"]
    async with tab(base, first["token"]) as chat:
        await chat.say(COVERED)
        await chat.reply()
    assert (await row(helpdesk.db, acme.id, Customer)).name == "Dana"
    assert not (await row(helpdesk.db, acme.id, CustomerIdentity)).verified


async def test_a_token_of_another_channel_opens_nothing_here(base: str, acme: cast.Shop, globex: cast.Shop) -> None:
    theirs = await session(base, globex.site_key)
    ours = await session(base, acme.site_key, visitor_token=theirs["token"])
    assert ours["visitor_id"] != theirs["visitor_id"]
    assert ours["conversation_id"] != theirs["conversation_id"]


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "%00", "x" * 5000])
async def test_a_socket_without_a_good_token_is_closed_with_the_reason(base: str, acme: cast.Shop, token: str) -> None:
    async with tab(base, token) as chat:
        assert await chat.closed() == 4401
        assert chat.frames == []


async def test_a_socket_from_another_site_is_closed_with_the_reason(base: str, acme: cast.Shop) -> None:
    found = await session(base, acme.site_key)
    async with tab(base, found["token"], origin=websockets.Origin("https://evil.example")) as chat:
        assert await chat.closed() == 4403
        assert chat.frames == []
    async with tab(base, found["token"], origin=websockets.Origin(base)) as chat:
        await chat.say(COVERED)
        await chat.reply()
