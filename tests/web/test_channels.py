"""Connecting channels as an admin does, and listening for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from core.channels import Finding
from core.helpdesk import Helpdesk
from core.models import Alert, Channel
from core.outbox import DeliveryError
from core.secrets import SecretBox
from tests import cast
from tests.cast import Shop, from_dana
from tests.rows import change, row, rows
from tests.waiting import until
from web.channels import KINDS, Healthy, Kind, WidgetSecrets, WidgetSettings
from web.listeners import listening

NEW = {"kind": "widget", "name": "Shop", "settings": {"allowed_origins": ["https://shop.example"]}}


def key(shop: Shop) -> dict[str, str]:
    return {"authorization": f"Bearer {shop.api_key}"}


async def test_a_channel_is_connected_and_its_secrets_never_come_out(
    http: httpx.AsyncClient, helpdesk: Helpdesk, acme: Shop
) -> None:
    body = {**NEW, "secrets": {"identity_secret": "hush"}}
    made = await http.post("/api/v1/channels", json=body, headers=key(acme))
    assert made.status_code == 201
    listed = await http.get("/api/v1/channels", headers=key(acme))
    shown = {channel["id"]: channel for channel in listed.json()}[made.json()["id"]]
    assert (shown["name"], shown["on"], shown["problem"]) == ("Shop", True, None)
    assert (shown["settings"], shown["has_secrets"]) == (NEW["settings"], ["identity_secret"])
    assert "hush" not in made.text + listed.text
    stored = await row(helpdesk.db, acme.id, Channel, name="Shop")
    assert b"hush" not in stored.sealed_secrets
    assert helpdesk.box.open(stored.sealed_secrets) == {"identity_secret": "hush"}


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"kind": "telepathy"}, 404, "telepathy"),
        ({"settings": {"allowed_origins": 7}}, 400, "settings.allowed_origins"),
        ({"name": " "}, 422, "name"),
    ],
)
async def test_what_cannot_be_connected_is_named(
    http: httpx.AsyncClient, acme: Shop, change: dict[str, Any], status: int, said: str
) -> None:
    answer = await http.post("/api/v1/channels", json={**NEW, **change}, headers=key(acme))
    assert answer.status_code == status
    assert said in answer.json()["error"]["detail"]


async def test_a_channel_is_tried_before_it_is_saved(
    http: httpx.AsyncClient, helpdesk: Helpdesk, acme: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(_: Helpdesk, channel: Channel) -> list[Finding]:
        good = channel.settings["allowed_origins"] != ["https://gone.example"]
        return [Finding("Page", good, "fine" if good else "It is gone. Name another.")]

    monkeypatch.setitem(KINDS, "widget", Kind("Chat", WidgetSettings, WidgetSecrets, check=check))
    gone = {**NEW, "settings": {"allowed_origins": ["https://gone.example"]}}
    refused = await http.post("/api/v1/channels", json=gone, headers=key(acme))
    assert (refused.status_code, refused.json()["error"]["detail"]) == (400, "Page: It is gone. Name another.")
    made = await http.post("/api/v1/channels", json={**gone, "unchecked": True}, headers=key(acme))
    address = f"/api/v1/channels/{made.json()['id']}"
    checked = await http.post(f"{address}/check", headers=key(acme))
    assert checked.json() == {
        "ok": False,
        "findings": [{"what": "Page", "ok": False, "detail": "It is gone. Name another.", "advice": False}],
    }
    changed = await http.patch(address, json={"settings": NEW["settings"]}, headers=key(acme))
    assert changed.json()["settings"] == NEW["settings"]


async def test_a_channel_can_be_tried_before_it_is_stored_and_as_it_would_be(
    http: httpx.AsyncClient, helpdesk: Helpdesk, acme: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(desk: Helpdesk, channel: Channel) -> list[Finding]:
        secret = desk.box.open(channel.sealed_secrets)["identity_secret"]
        return [Finding("Secret", secret == "right", f"It is {secret}, for {channel.name}.")]

    monkeypatch.setitem(KINDS, "widget", Kind("Chat", WidgetSettings, WidgetSecrets, check=check))
    before = await rows(helpdesk.db, acme.id, Channel)
    wrong = {**NEW, "secrets": {"identity_secret": "wrong"}}
    tried = await http.post("/api/v1/channels/check", json=wrong, headers=key(acme))
    assert (tried.status_code, tried.json()["ok"]) == (200, False)
    refused = {"what": "Secret", "ok": False, "detail": "It is wrong, for Shop.", "advice": False}
    assert tried.json()["findings"] == [refused]
    address = f"/api/v1/channels/{acme.widget_id}/check"
    changed = {"name": "Front", "secrets": {"identity_secret": "right"}}
    assert (await http.post(address, json=changed, headers=key(acme))).json()["ok"]
    as_it_is = (await http.post(address, headers=key(acme))).json()
    assert (as_it_is["ok"], acme.identity_secret in as_it_is["findings"][0]["detail"]) == (False, True)
    after = await rows(helpdesk.db, acme.id, Channel)
    assert [(one.id, one.name, one.sealed_secrets) for one in after] == [
        (one.id, one.name, one.sealed_secrets) for one in before
    ]


async def test_a_channel_says_what_the_outside_has_to_be_told(http: httpx.AsyncClient, acme: Shop) -> None:
    (widget,) = (await http.get("/api/v1/channels", headers=key(acme))).json()
    assert f'data-site-key="{widget["public_key"]}"' in widget["gives"][0]["text"]
    mailbox = {"address": "help@acme.example", "receive": "webhook", "send": "postmark"}
    body = {"kind": "email", "name": "Mail", "settings": mailbox, "unchecked": True}
    made = (await http.post("/api/v1/channels", json=body, headers=key(acme))).json()
    assert f"mail:PASSWORD@desk/mail/{made['public_key']}/postmark\n" in made["gives"][0]["text"]


async def test_secrets_that_are_not_named_stay(http: httpx.AsyncClient, helpdesk: Helpdesk, acme: Shop) -> None:
    address = f"/api/v1/channels/{acme.widget_id}"
    assert (await http.patch(address, json={"name": "Front page"}, headers=key(acme))).json()["name"] == "Front page"
    channel = await row(helpdesk.db, acme.id, Channel, id=acme.widget_id)
    assert helpdesk.box.open(channel.sealed_secrets) == {"identity_secret": acme.identity_secret}


async def test_secrets_of_another_key_are_said_and_can_be_entered_again(
    http: httpx.AsyncClient, helpdesk: Helpdesk, acme: Shop
) -> None:
    sealed = SecretBox("another key").seal({"identity_secret": "lost"})
    await change(helpdesk.db, acme.id, Channel, acme.widget_id, sealed_secrets=sealed)
    (shown,) = (await http.get("/api/v1/channels", headers=key(acme))).json()
    assert shown["has_secrets"] == []
    assert "DESKHAND_SECRET_KEY" in shown["problem"]
    address = f"/api/v1/channels/{acme.widget_id}"
    again = await http.patch(address, json={"secrets": {"identity_secret": "new"}}, headers=key(acme))
    assert (again.json()["has_secrets"], again.json()["problem"]) == (["identity_secret"], None)
    stored = await row(helpdesk.db, acme.id, Channel, id=acme.widget_id)
    assert helpdesk.box.open(stored.sealed_secrets) == {"identity_secret": "new"}


async def test_a_channel_is_switched_off_with_the_reason_and_on_again(http: httpx.AsyncClient, acme: Shop) -> None:
    address = f"/api/v1/channels/{acme.widget_id}"
    assert (await http.post(f"{address}/off", json={"reason": "holidays"}, headers=key(acme))).status_code == 204
    (shown,) = (await http.get("/api/v1/channels", headers=key(acme))).json()
    assert (shown["on"], shown["problem"]) == (False, "holidays")
    assert (await http.post(f"{address}/on", headers=key(acme))).status_code == 204
    (shown,) = (await http.get("/api/v1/channels", headers=key(acme))).json()
    assert (shown["on"], shown["problem"]) == (True, None)


async def test_a_channel_with_conversations_is_not_deleted(
    http: httpx.AsyncClient, helpdesk: Helpdesk, acme: Shop
) -> None:
    await helpdesk.inbox.receive(from_dana(acme, "Hello?"))
    refused = await http.delete(f"/api/v1/channels/{acme.widget_id}", headers=key(acme))
    assert refused.status_code == 409
    made = await http.post("/api/v1/channels", json=NEW, headers=key(acme))
    assert (await http.delete(f"/api/v1/channels/{made.json()['id']}", headers=key(acme))).status_code == 204
    assert [channel.id for channel in await rows(helpdesk.db, acme.id, Channel, kind="widget")] == [acme.widget_id]


async def test_the_neighbours_channels_do_not_exist(http: httpx.AsyncClient, acme: Shop, globex: Shop) -> None:
    address = f"/api/v1/channels/{acme.widget_id}"
    for answer in (
        await http.patch(address, json={"name": "Mine"}, headers=key(globex)),
        await http.post(f"{address}/off", headers=key(globex)),
        await http.post(f"{address}/check", headers=key(globex)),
        await http.delete(address, headers=key(globex)),
    ):
        assert answer.status_code == 404


class Ear:
    """A listener of a kind of its own."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.now = 0
        self.failures: list[Exception] = []

    async def listen(self, _: Helpdesk, channel: Channel, healthy: Healthy) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.now += 1
        self.heard.append(channel.settings["word"])
        try:
            await healthy()
            await asyncio.Event().wait()
        finally:
            self.now -= 1

    @asynccontextmanager
    async def at(self, helpdesk: Helpdesk) -> AsyncIterator[None]:
        async with listening(helpdesk, {"ear": Kind("Ear", listen=self.listen)}):
            yield


async def connect_ear(helpdesk: Helpdesk, shop: Shop) -> Channel:
    async with helpdesk.db.write(shop.id) as scope:
        return helpdesk.channels.create(scope, helpdesk.channels.draft("ear", "Ear", {"word": "one"}, {}))


async def test_a_channel_is_listened_to_as_it_is_now(helpdesk: Helpdesk, acme: Shop) -> None:
    ear = Ear()

    async def said(*words: str) -> bool:
        return ear.heard == list(words)

    async with ear.at(helpdesk):
        channel = await connect_ear(helpdesk, acme)
        await until(lambda: said("one"))
        async with helpdesk.db.write(acme.id) as scope:
            await helpdesk.channels.change(scope, channel.id, settings={"word": "two"})
        await until(lambda: said("one", "two"))
        assert ear.now == 1
        async with helpdesk.db.write(acme.id) as scope:
            await helpdesk.channels.switch_off(scope, channel.id, "enough")

        async def silent() -> bool:
            return ear.now == 0

        await until(silent)


async def test_trouble_is_shown_until_it_is_over(helpdesk: Helpdesk, acme: Shop) -> None:
    ear = Ear()
    ear.failures = [DeliveryError("The mailbox is locked. Unlock it.", permanent=False)]
    async with ear.at(helpdesk):
        await connect_ear(helpdesk, acme)

        async def problem() -> str | None:
            return (await row(helpdesk.db, acme.id, Channel, kind="ear")).problem

        assert await until(problem) == "The mailbox is locked. Unlock it."
        assert "locked" in (await row(helpdesk.db, acme.id, Alert)).text

        async def over() -> bool:
            return await problem() is None

        await until(over)
    alert = await row(helpdesk.db, acme.id, Alert)
    assert alert.cleared_at is not None


async def test_what_only_an_admin_can_mend_switches_the_channel_off(helpdesk: Helpdesk, acme: Shop) -> None:
    ear = Ear()
    ear.failures = [DeliveryError("The token was revoked. Connect it again.", permanent=True, channel_broken=True)]
    async with ear.at(helpdesk):
        await connect_ear(helpdesk, acme)

        async def off() -> Channel | None:
            channel = await row(helpdesk.db, acme.id, Channel, kind="ear")
            return channel if channel.disabled_at else None

        assert "revoked" in (await until(off)).disabled_reason
    assert ear.heard == []


@pytest.mark.postgresql
async def test_one_of_several_processes_listens(postgres_helpdesks: tuple[Helpdesk, Helpdesk]) -> None:
    one, two = postgres_helpdesks
    acme = await cast.acme(one)
    ears = Ear(), Ear()
    channel = await connect_ear(one, acme)

    async def somebody_listens() -> bool:
        return sum(ear.now for ear in ears) == 1

    async with ears[1].at(two):
        async with ears[0].at(one):
            await until(somebody_listens)
            async with one.db.write(acme.id) as scope:
                await one.channels.change(scope, channel.id, settings={"word": "two"})

            async def changed() -> bool:
                return "two" in ears[0].heard + ears[1].heard

            await until(changed, patience=15)
            assert await somebody_listens()
        await until(somebody_listens, patience=15)
    assert sum(ear.now for ear in ears) == 0
