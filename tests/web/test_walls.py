"""Nothing that one organization can call reaches the rows of another: every operation of the API is tried."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest_asyncio
from sqlalchemy import select

from core import alerts
from core.helpdesk import Helpdesk
from core.messages import Attachment
from core.models import Alert, Draft, Member, Model, Ticket, new_id, now
from core.models import Attachment as StoredAttachment
from tests import cast
from tests.rows import change, row
from tests.web.clients import as_sam, ask, client_of, error

UNCOVERED = "Do you sell helicopters for the moon?"
LATER = (now() + timedelta(hours=1)).isoformat()
BODIES: dict[str, Any] = {
    "PUT messages/{message_id}": {"text": "changed"},
    "POST tickets/{number}/assign": {"member_id": str(uuid4())},
    "POST tickets/{number}/snooze": {"until": LATER},
    "POST tickets/{number}/priority": {"priority": "urgent"},
    "POST tickets/{number}/category": {"category": None},
    "POST tickets/{number}/merge": {"into": 1},
    "POST tickets/{number}/notes": {"text": "noted"},
    "POST tickets/{number}/reply": {"text": "replied"},
    "POST drafts/{draft_id}/approve": {"version": 1},
    "POST drafts/{draft_id}/reject": {"version": 1, "reason": "wrong"},
    "POST drafts/{draft_id}/regenerate": {"version": 1},
    "PATCH channels/{channel_id}": {"name": "Taken over"},
    "POST channels/{channel_id}/off": {"reason": "because"},
    "PUT members/{member_id}/away": {"away": True},
    "PATCH categories/{category_id}": {"name": "Taken over"},
}
"""What is sent along, so that nothing but the id can be wrong."""
NOBODYS = {"/api/v1/channel-kinds/{name}/suggestion"}
"""Addresses that name nothing of an organization's."""


@pytest_asyncio.fixture
async def admin(any_helpdesk: Helpdesk) -> AsyncIterator[httpx.AsyncClient]:
    """sam of acme, and sam of globex once they sign in; both are admins."""
    async with client_of(any_helpdesk) as client:
        yield client


async def _enter(helpdesk: Helpdesk, client: httpx.AsyncClient, shop: cast.Shop) -> None:
    await change(helpdesk.db, shop.id, Member, shop.sam_id, role="admin")
    await as_sam(client, shop)


async def _acmes(helpdesk: Helpdesk, acme: cast.Shop, admin: httpx.AsyncClient) -> dict[str, str]:
    """One of everything that can be named, by the name that addresses use for it."""
    asked = await ask(admin, UNCOVERED)
    number = asked["ticket"]["number"]
    sent = await admin.post(f"/api/v1/tickets/{number}/reply", json={"text": "No, we do not."})
    assert sent.status_code == 200, sent.text
    made = await admin.post("/api/v1/categories", json={"name": "Flying", "description": "Helicopters and such."})
    assert made.status_code == 201, made.text
    file = Attachment("a.txt", "text/plain", b"a")
    await helpdesk.inbox.receive(cast.from_dana(acme, "How long does delivery take?", attachments=(file,)))
    draft = Draft(
        id=new_id(),
        ticket_id=(await row(helpdesk.db, acme.id, Ticket)).id,
        conversation_id=UUID(asked["conversation_id"]),
        message_id=UUID(asked["id"]),
        text="Perhaps.",
        confidence=0.5,
    )
    async with helpdesk.db.write(acme.id) as scope:
        scope.add(draft)
        await alerts.raise_alert(scope, "tests", "Something is wrong.")
    return {
        "message_id": sent.json()["message_id"],
        "conversation_id": asked["conversation_id"],
        "number": str(number),
        "attachment_id": str((await row(helpdesk.db, acme.id, StoredAttachment)).id),
        "draft_id": str(draft.id),
        "channel_id": str(acme.widget_id),
        "member_id": str(acme.sam_id),
        "alert_id": str((await row(helpdesk.db, acme.id, Alert)).id),
        "category_id": made.json()["id"],
    }


async def _everything(helpdesk: Helpdesk, acme: cast.Shop) -> dict[str, list[Any]]:
    """All rows of acme's, as they are."""
    kept: dict[str, list[Any]] = {}
    async with helpdesk.db.read(acme.id) as scope:
        for table in Model.metadata.sorted_tables:
            if "organization_id" in table.c:
                found = await scope.session.execute(select(table).where(table.c.organization_id == acme.id))
                kept[table.name] = sorted((tuple(found_row) for found_row in found), key=str)
    return kept


def _operations(admin: httpx.AsyncClient) -> list[tuple[str, str]]:
    """(method, address) of every operation that names something, as the application has them."""
    assert isinstance(admin._transport, httpx.ASGITransport)
    app: Any = admin._transport.app
    paths = app.openapi()["paths"]
    ours = {path for path in paths if "{" in path and path not in NOBODYS}
    return [(method.upper(), path) for path in ours for method in paths[path]]


async def test_the_neighbour_reaches_nothing_by_its_id(any_helpdesk: Helpdesk, admin: httpx.AsyncClient) -> None:
    acme, globex = await cast.acme(any_helpdesk), await cast.globex(any_helpdesk)
    await _enter(any_helpdesk, admin, acme)
    known = await _acmes(any_helpdesk, acme, admin)
    await _enter(any_helpdesk, admin, globex)
    before = await _everything(any_helpdesk, acme)
    operations = _operations(admin)
    assert len(operations) > 25
    for method, path in operations:
        name = f"{method} {path.removeprefix('/api/v1/')}"
        address = re.sub(r"\{(\w+)\}", lambda found: known[found[1]], path)
        answer = await admin.request(method, address, json=BODIES.get(name))
        assert error(answer, 404)[0] == "not_found", name
    assert await _everything(any_helpdesk, acme) == before


async def test_the_neighbour_reaches_nothing_named_in_what_they_send(
    any_helpdesk: Helpdesk, admin: httpx.AsyncClient
) -> None:
    acme, globex = await cast.acme(any_helpdesk), await cast.globex(any_helpdesk)
    await _enter(any_helpdesk, admin, acme)
    known = await _acmes(any_helpdesk, acme, admin)
    second = (await ask(admin, f"{UNCOVERED} Or boats?", customer="dirk"))["ticket"]["number"]
    await _enter(any_helpdesk, admin, globex)
    theirs = (await ask(admin, UNCOVERED))["ticket"]["number"]
    before = await _everything(any_helpdesk, acme)
    for verb, body in (
        ("assign", {"member_id": known["member_id"]}),
        ("merge", {"into": second}),
    ):
        answer = await admin.post(f"/api/v1/tickets/{theirs}/{verb}", json=body)
        assert answer.status_code in (404, 422), (verb, answer.text)
    assert await _everything(any_helpdesk, acme) == before
