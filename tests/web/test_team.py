"""The organization's people, settings and alerts, and files that came with messages."""

from __future__ import annotations

from uuid import uuid4

import httpx

from core import alerts
from core.helpdesk import Helpdesk
from core.messages import Attachment
from core.models import Attachment as StoredAttachment
from core.models import Member
from tests.cast import Shop, another_agent, from_dana
from tests.rows import row
from tests.web.clients import error


async def test_an_agent_is_away_for_themselves_and_nobody_else(
    sam: httpx.AsyncClient, helpdesk: Helpdesk, acme: Shop
) -> None:
    alex = await another_agent(helpdesk, acme, "Alex")
    assert (await sam.put(f"/api/v1/members/{acme.sam_id}/away", json={"away": True})).status_code == 204
    shown = {member["name"]: member["away"] for member in (await sam.get("/api/v1/members")).json()}
    assert shown == {"Sam": True, "Alex": False}
    assert error(await sam.put(f"/api/v1/members/{alex}/away", json={"away": True}), 403)
    assert not (await row(helpdesk.db, acme.id, Member, id=alex)).away


async def test_settings_that_are_not_named_stay_and_nonsense_is_refused_by_name(
    api: httpx.AsyncClient,
) -> None:
    changed = await api.patch("/api/v1/organization/settings", json={"service": {"assignment": "round_robin"}})
    assert changed.json()["settings"]["service"]["assignment"] == "round_robin"
    assert (await api.get("/api/v1/organization")).json()["settings"]["assistant_name"] == "Robin"
    for body, said in (
        ({"colour": "red"}, "colour"),
        ({"threshold": 2}, "threshold"),
        ({"service": {"timezone": "Mars"}}, "service.timezone"),
    ):
        assert said in error(await api.patch("/api/v1/organization/settings", json=body), 400)[1]


async def test_only_admins_see_settings_and_alerts(sam: httpx.AsyncClient) -> None:
    for path in ("organization", "alerts", "channels", "channel-kinds"):
        assert error(await sam.get(f"/api/v1/{path}"), 403)


async def test_an_alert_is_shown_until_it_is_put_aside(
    api: httpx.AsyncClient, helpdesk: Helpdesk, acme: Shop, globex: Shop
) -> None:
    for shop in (acme, globex):
        async with helpdesk.db.write(shop.id) as scope:
            await alerts.raise_alert(scope, "lost:1", f"A message of {shop.site_key} was lost.")
    (shown,) = (await api.get("/api/v1/alerts")).json()
    assert (shown["text"], shown["times"]) == ("A message of acme-site-key was lost.", 1)
    assert (await api.delete(f"/api/v1/alerts/{shown['id']}")).status_code == 204
    assert (await api.get("/api/v1/alerts")).json() == []


async def test_a_file_is_fetched_by_its_organization_alone_and_never_runs(
    api: httpx.AsyncClient, helpdesk: Helpdesk, acme: Shop, globex: Shop
) -> None:
    page = Attachment('ru"n\n.html', "text/html", b"<script>alert(1)</script>")
    receipt = await helpdesk.inbox.receive(from_dana(acme, "See this.", uuid4(), attachments=(page,)))
    detail = (await api.get(f"/api/v1/conversations/{receipt.conversation_id}")).json()
    (file,) = detail["messages"][0]["attachments"]
    assert (file["name"], file["size"]) == (page.name, len(page.content))
    answer = await api.get(f"/api/v1/attachments/{file['id']}")
    assert answer.content == page.content
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''ru%22n%0A.html"
    stored = await row(helpdesk.db, acme.id, StoredAttachment)
    stranger = {"authorization": f"Bearer {globex.api_key}"}
    assert error(await api.get(f"/api/v1/attachments/{stored.id}", headers=stranger), 404)
