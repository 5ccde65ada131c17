"""How a workspace is connected: by a link, with two tokens, or by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from bots.slack_desk.socket import adopt
from core.helpdesk import Helpdesk
from core.models import Channel, Member
from tests import cast
from tests.journeys.slack.scene import HUMAN, Scene, open_desk
from tests.rows import change, row, rows
from tests.slack_people import People
from tests.standins.slack_server import APP_TOKEN, SlackServer
from tests.waiting import until
from tests.web.clients import as_sam
from web.doctor import examine
from web.listeners import listening


@pytest_asyncio.fixture
async def admin(helpdesk: Helpdesk, acme: cast.Shop, http: httpx.AsyncClient) -> httpx.AsyncClient:
    """sam, as an admin in the console."""
    await change(helpdesk.db, acme.id, Member, acme.sam_id, role="admin")
    return await as_sam(http, acme)


async def begin(admin: httpx.AsyncClient) -> dict[str, str]:
    """What Slack is asked when the admin is sent there."""
    sent = await admin.get("/slack/install")
    assert sent.status_code == 302
    url = urlsplit(sent.headers["location"])
    assert url.netloc == "slack.com"
    return {name: values[0] for name, values in parse_qs(url.query).items()}


async def test_a_workspace_is_added_by_a_link(
    admin: httpx.AsyncClient, slack: SlackServer, helpdesk: Helpdesk, acme: cast.Shop
) -> None:
    team = slack.team("T5")
    offered = {kind["kind"]: kind["add_at"] for kind in (await admin.get("/api/v1/channel-kinds")).json()}
    assert (offered["slack"], offered["widget"]) == ("/slack/install", None)
    asked = await begin(admin)
    assert "chat:write" in asked["scope"].split(",")
    back = await admin.get("/slack/oauth_redirect", params={"state": asked["state"], "code": slack.code(team)})
    assert "/desk here" in back.text
    stored = await row(helpdesk.db, acme.id, Channel, kind="slack")
    assert (stored.account, stored.disabled_at) == ("T5", None)
    assert b"xoxb" not in stored.sealed_secrets
    assert "xoxb" not in back.text
    assert helpdesk.box.open(stored.sealed_secrets)["bot_token"] in slack.state.tokens
    # Added again after it was switched off: the same channel, on, with the new token.
    async with helpdesk.db.write(acme.id) as scope:
        await helpdesk.channels.switch_off(scope, stored.id, "revoked")
    asked = await begin(admin)
    await admin.get("/slack/oauth_redirect", params={"state": asked["state"], "code": slack.code(team)})
    again = await row(helpdesk.db, acme.id, Channel, kind="slack")
    assert again.disabled_at is None
    assert again.sealed_secrets != stored.sealed_secrets


async def test_a_foreign_or_stale_or_refused_return_connects_nothing(
    admin: httpx.AsyncClient, slack: SlackServer, helpdesk: Helpdesk, acme: cast.Shop
) -> None:
    code = slack.code(slack.team("T5"))
    state = (await begin(admin))["state"]
    forged = await admin.get("/slack/oauth_redirect", params={"state": state + "x", "code": code})
    assert forged.status_code == 403
    refused = await admin.get("/slack/oauth_redirect", params={"state": state, "error": "access_denied"})
    assert refused.status_code == 400
    wrong = await admin.get("/slack/oauth_redirect", params={"state": state, "code": "made up"})
    assert (wrong.status_code, "invalid_code" in wrong.text) == (400, True)
    await begin(admin)  # another window: the first link is not this browser's newest any more
    stale = await admin.get("/slack/oauth_redirect", params={"state": state, "code": code})
    assert stale.status_code == 403
    admin.cookies.clear()
    assert (await admin.get("/slack/install")).status_code == 401
    assert await rows(helpdesk.db, acme.id, Channel, kind="slack") == []


async def test_an_agent_cannot_connect_anything(http: httpx.AsyncClient, acme: cast.Shop) -> None:
    await as_sam(http, acme)
    assert (await http.get("/slack/install")).status_code == 403


async def test_a_token_given_by_hand_is_tried_first(
    slack: SlackServer, helpdesk: Helpdesk, acme: cast.Shop, http: httpx.AsyncClient
) -> None:
    team = slack.team("T6")
    desk = slack.channel(team, "desk")
    token = slack.install(team)
    body = {"kind": "slack", "name": "Slack", "settings": {"channel": desk.id}, "secrets": {"bot_token": token}}
    key = {"authorization": f"Bearer {acme.api_key}"}

    async def refusal() -> str:
        return str((await http.post("/api/v1/channels", json=body, headers=key)).json()["error"]["detail"])

    assert "/invite" in await refusal()
    desk.members.add(slack.state.tokens[token].bot)
    slack.state.tokens[token].scopes = ("chat:write", "groups:read")
    assert "files:write" in await refusal()
    slack.state.tokens[token].revoked = "token_revoked"
    assert "revoked" in await refusal()
    body["secrets"] = {"bot_token": "xoxp-of-a-person"}
    assert "bot_token" in await refusal()
    body["secrets"] = {"bot_token": slack.install(team, desk)}
    made = await http.post("/api/v1/channels", json=body, headers=key)
    assert made.status_code == 201, made.text
    assert "xoxb" not in made.text
    assert (await row(helpdesk.db, acme.id, Channel, kind="slack")).account == "T6"


@pytest.mark.parametrize("path", ["/slack/events", "/slack/interactive", "/slack/commands"])
async def test_without_its_secret_it_is_off(
    slack_settings: object, acme: cast.Shop, helpdesk: Helpdesk, http: httpx.AsyncClient, path: str
) -> None:
    app = http._transport.app  # type: ignore[attr-defined]
    app.state.slack = None
    assert (await http.post(path, content=b"{}")).status_code == 404


@pytest_asyncio.fixture
async def by_socket(
    helpdesk: Helpdesk, acme: cast.Shop, slack: SlackServer, http: httpx.AsyncClient
) -> AsyncIterator[Scene]:
    """Slack does not reach us: we called it."""
    scene = await open_desk(helpdesk, acme, slack, http)
    async with helpdesk.db.write(acme.id) as scope:
        await helpdesk.channels.change(scope, scene.connected.id, secrets={"app_token": APP_TOKEN})
    async with listening(helpdesk):

        async def connected() -> bool:
            return bool(slack.sockets)

        await until(connected)
        scene.people = People(slack, slack.envelope)
        yield scene


async def test_with_two_tokens_slack_needs_no_way_to_us(by_socket: Scene) -> None:
    scene = by_socket
    head = await scene.ticket(HUMAN)
    draft = await scene.draft(head)
    assert (await scene.people.click(scene.sam, draft, "edit"))["envelope_id"]
    view = await scene.modal(scene.sam, "edit")
    await scene.people.submit(scene.sam, view, text="Three days.")
    await scene.says(draft, "✅ Edited and sent by Sam")
    late = await scene.people.submit(scene.sam, view, text="Four days.")
    assert "what you had written first" in late["payload"]["errors"]["text"]
    await scene.people.say(scene.sam, scene.desk, "done", head.ts)
    await scene.people.command(scene.sam, scene.desk, "my")
    await scene.whispered(scene.sam, HUMAN)
    assert await scene.sent_to_dana() == ["Three days."]


async def test_a_wrong_app_token_is_said_where_the_admin_sees_it(
    helpdesk: Helpdesk, acme: cast.Shop, slack: SlackServer, http: httpx.AsyncClient
) -> None:
    scene = await open_desk(helpdesk, acme, slack, http)
    async with helpdesk.db.write(acme.id) as scope:
        await helpdesk.channels.change(scope, scene.connected.id, secrets={"app_token": "xapp-wrong"})
    async with listening(helpdesk):

        async def off() -> str | None:
            found = await row(helpdesk.db, acme.id, Channel, id=scene.connected.id)
            return found.disabled_reason if found.disabled_at else None

        assert "does not accept the token" in await until(off)


async def test_two_tokens_in_the_settings_connect_the_one_organization(
    helpdesk: Helpdesk, acme: cast.Shop, slack: SlackServer
) -> None:
    team = slack.team("T8")
    tokens = {"slack_bot_token": SecretStr(slack.install(team)), "slack_app_token": SecretStr(APP_TOKEN)}
    with_tokens = replace(helpdesk, settings=helpdesk.settings.model_copy(update=tokens))
    for _ in range(2):
        await adopt(with_tokens)
    channel = await row(helpdesk.db, acme.id, Channel, kind="slack")
    assert channel.account == "T8"
    assert helpdesk.box.open(channel.sealed_secrets)["app_token"] == APP_TOKEN


async def test_with_several_organizations_nobody_gets_the_tokens(
    helpdesk: Helpdesk, acme: cast.Shop, globex: cast.Shop, slack: SlackServer
) -> None:
    token = SecretStr(slack.install(slack.team("T8")))
    tokens = {"slack_bot_token": token, "slack_app_token": SecretStr(APP_TOKEN)}
    await adopt(replace(helpdesk, settings=helpdesk.settings.model_copy(update=tokens)))
    for shop in (acme, globex):
        assert await rows(helpdesk.db, shop.id, Channel, kind="slack") == []


async def test_the_doctor_tries_token_permissions_and_channel(scene: Scene, slack: SlackServer) -> None:
    settings = scene.helpdesk.settings

    async def verdict() -> tuple[bool, str]:
        (found,) = [finding for finding in await examine(settings) if finding.check == "channels"]
        return found.ok, found.detail

    assert await verdict() == (True, "1 tried, all of them work")
    scene.desk.archived = True
    assert await verdict() == (False, f"T1, #{scene.desk.name}: It is archived. Unarchive it, or choose another.")
    (token,) = slack.state.tokens.values()
    token.scopes = tuple(scope for scope in token.scopes if scope != "files:write")
    assert "The app lacks files:write" in (await verdict())[1]
    token.revoked = "token_revoked"
    assert "revoked in Slack" in (await verdict())[1]


async def test_whoever_is_not_signed_in_reads_what_to_do(http: httpx.AsyncClient, helpdesk: Helpdesk) -> None:
    for path in ("/slack/install", "/slack/link/key"):
        answer = await http.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
        assert 'href="/console"' in answer.text


async def test_an_agent_cannot_connect_a_workspace_and_reads_why(
    http: httpx.AsyncClient, helpdesk: Helpdesk, acme: cast.Shop
) -> None:
    await as_sam(http, acme)
    answer = await http.get("/slack/install")
    assert answer.status_code == 403
    assert "<h1>That did not work</h1>" in answer.text
