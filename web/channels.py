"""What each kind of channel consists of: its settings and secrets, how it is checked, and who listens for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field

from bots.slack_desk.socket import listen as listen_to_slack
from bots.telegram.app import CustomerBot
from bots.telegram.listening import listen as listen_telegram
from connectors.email import check as mail_check
from connectors.email import hosts, names
from connectors.email import settings as mail
from connectors.email.fetching import listen as fetch_mail
from connectors.email.oauth import AccessTokens
from connectors.email.providers import Postmark, SendGrid
from connectors.email.receive import Mailroom
from connectors.slack import oauth
from connectors.slack.checking import check as check_slack
from connectors.slack.settings import SlackSecrets, SlackSettings
from connectors.telegram import settings as telegram
from connectors.telegram.client import Bots
from core.channels import Finding
from core.forms import shown
from core.helpdesk import Helpdesk
from core.models import Channel
from core.outbox import DeliveryError
from core.settings import Settings

Healthy = Callable[[], Awaitable[None]]
"""A listener calls it once it is connected: whatever was wrong is right again."""


class Nothing(BaseModel):
    """No settings, or no secrets."""

    model_config = ConfigDict(extra="forbid")


class WidgetSettings(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    allowed_origins: list[str] = []
    """Pages that may show the chat, as https://shop.example; `*` for any. Your own address always may."""


class WidgetSecrets(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    identity_secret: str = Field("", json_schema_extra=shown(folded=True))
    """Signs who your visitors are; see the widget's README."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    settings: dict[str, Any] = field(default_factory=dict)
    hint: str = ""
    """What an admin has to know or do at the provider."""


@dataclass(frozen=True, slots=True)
class Kind:
    title: str
    settings: type[BaseModel] = Nothing
    secrets: type[BaseModel] = Nothing
    check: Callable[[Helpdesk, Channel], Awaitable[list[Finding]]] | None = None
    """Tries the channel as it is given, stored or not; contacts the vendor."""
    listen: Callable[[Helpdesk, Channel, Healthy], Awaitable[None]] | None = None
    """Runs until cancelled. Raises `DeliveryError` when the outside fails: it is started again after a pause."""
    add_at: Callable[[Settings], str | None] | None = None
    """Where an admin connects it by agreeing at the vendor, where this installation is set up for that."""
    gives: Callable[[str, Channel], list[tuple[str, str]]] = lambda base, channel: []
    """What has to be told to the outside: in words, and to be copied. `base` is this installation's address."""
    suggest: Callable[[str], Awaitable[Suggestion]] | None = None
    """Settings that follow from the value of the field that says so (`core.forms`), as far as they are known."""


async def _check_telegram(helpdesk: Helpdesk, channel: Channel) -> list[Finding]:
    bots = Bots(helpdesk.settings, helpdesk.box)
    try:
        return await telegram.check(bots, helpdesk.db, channel)
    finally:
        await bots.aclose()


async def _listen_telegram(helpdesk: Helpdesk, channel: Channel, healthy: Healthy) -> None:
    bot = CustomerBot(helpdesk)
    try:
        await listen_telegram(bot, helpdesk.settings, channel, healthy)
    finally:
        await bot.aclose()


async def _check_mail(helpdesk: Helpdesk, channel: Channel) -> list[Finding]:
    settings = mail.settings_of(channel)
    try:
        secrets = await AccessTokens(helpdesk.settings, helpdesk.db, helpdesk.box).secrets_of(channel)
    except DeliveryError as error:
        return [Finding("Signing in", False, error.detail)]
    async with httpx.AsyncClient() as http:
        postmark = Postmark(str(helpdesk.settings.postmark_api_url), http)
        sendgrid = SendGrid(str(helpdesk.settings.sendgrid_api_url), http)
        return await mail_check.check(settings, secrets, (postmark, sendgrid), names.texts)


def _widget_line(base: str, channel: Channel) -> list[tuple[str, str]]:
    line = f'<script src="{base}/widget.js" data-site-key="{channel.public_key}" async></script>'
    return [("Put this line on every page that is to have the chat:", line)]


def _mail_addresses(base: str, channel: Channel) -> list[tuple[str, str]]:
    if mail.settings_of(channel).receive != "webhook":
        return []
    scheme, _, host = base.partition("://")
    start = f"{scheme}://mail:PASSWORD@{host}/mail/{channel.public_key}"
    lines = [f"{start}/{last}" for last in ("postmark", "sendgrid", "sendgrid-events", "raw")]
    return [("Give your provider its address, with the webhook password in place of PASSWORD:", "\n".join(lines))]


def _slack_addresses(base: str, channel: Channel) -> list[tuple[str, str]]:
    if not base.startswith("https:"):
        return []  # Slack calls nothing else; Socket Mode needs no address
    places = ("events", "interactive", "commands")
    return [("Request URLs for the app, without Socket Mode:", "\n".join(f"{base}/slack/{last}" for last in places))]


async def _suggest_mail(address: str) -> Suggestion:
    provider = await hosts.provider_of(address, names.exchangers)
    return Suggestion(provider.settings(), provider.hint.format(provider.name)) if provider else Suggestion()


async def _listen_mail(helpdesk: Helpdesk, channel: Channel, healthy: Healthy) -> None:
    if mail.settings_of(channel).receive != "imap":
        await healthy()
        await asyncio.Event().wait()
    room = Mailroom(helpdesk.settings, helpdesk.db, helpdesk.inbox, helpdesk.outbox)
    access = AccessTokens(helpdesk.settings, helpdesk.db, helpdesk.box)
    await fetch_mail(room, helpdesk.db, access, channel, healthy)


KINDS: dict[str, Kind] = {
    "widget": Kind("Website chat", WidgetSettings, WidgetSecrets, gives=_widget_line),
    "api": Kind("API"),
    "email": Kind(
        "E-mail",
        mail.MailSettings,
        mail.MailSecrets,
        check=_check_mail,
        listen=_listen_mail,
        gives=_mail_addresses,
        suggest=_suggest_mail,
    ),
    "telegram": Kind(
        "Telegram bot",
        telegram.TelegramSettings,
        telegram.TelegramSecrets,
        check=_check_telegram,
        listen=_listen_telegram,
    ),
    "slack": Kind(
        "Slack",
        SlackSettings,
        SlackSecrets,
        check_slack,
        listen_to_slack,
        add_at=oauth.install_path,
        gives=_slack_addresses,
    ),
}
