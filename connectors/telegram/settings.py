"""What an admin sets for a Telegram bot, and how it is tried."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field
from sqlalchemy import select
from telegram.error import InvalidToken, TelegramError

from connectors.telegram.client import Bots, bot_id
from core.channels import Finding
from core.db import Database
from core.forms import shown
from core.models import Channel


class TelegramSettings(BaseModel):
    mode: Literal["polling", "webhook"] = Field(
        "polling",
        title="How messages reach us",
        description="Asking needs no public address; being called wants one over https.",
        json_schema_extra=shown(
            folded=True,
            choices={"polling": "We ask Telegram (polling)", "webhook": "Telegram calls us (webhook)"},
        ),
    )
    groups: bool = Field(
        False,
        description="Answer in groups too, when the bot is mentioned or replied to.",
        json_schema_extra=shown(folded=True),
    )


class TelegramSecrets(BaseModel):
    token: str = Field(min_length=1, description="The token that @BotFather gave you.")


async def check(bots: Bots, db: Database, channel: Channel) -> list[Finding]:
    """Asks Telegram who the bot is, and whether updates can reach us in the chosen way."""
    try:
        me = await bots.of(channel).get_me()
    except InvalidToken:
        return [Finding("Token", False, "Telegram does not know this token. Copy it again from @BotFather.")]
    except TelegramError as error:
        return [Finding("Telegram", False, f"Telegram does not answer ({error.message}). Try again in a minute.")]
    findings = [Finding("Token", True, f"It belongs to @{me.username}.")]
    findings += await _taken(bots, db, channel)
    if channel.settings.get("groups") and me.can_read_all_group_messages is False:
        findings.append(Finding("Groups", True, "The bot sees what mentions it and replies to it, which is enough."))
    if channel.settings.get("mode") == "webhook":
        findings.append(_address(bots))
    return findings


async def _taken(bots: Bots, db: Database, channel: Channel) -> list[Finding]:
    """Telegram gives each update to one program: two channels of one bot would steal each other's."""
    own = bot_id(bots.of(channel))
    async with db.system() as scope:
        others = await scope.session.scalars(
            select(Channel).where(Channel.kind == "telegram", Channel.disabled_at.is_(None), Channel.id != channel.id)
        )
    for other in others.all():
        if bot_id(bots.of(other)) == own:
            ours = other.organization_id == channel.organization_id
            where = f"the channel {other.name!r}" if ours else "another channel of this installation"
            return [Finding("Bot", False, f"This bot serves {where} already. Get another from @BotFather.")]
    return []


def _address(bots: Bots) -> Finding:
    address = bots.settings.public_url
    if address is None:
        remedy = "Set DESKHAND_PUBLIC_URL to your https address, or choose polling."
        return Finding("Address", False, f"Telegram has to know where to call. {remedy}")
    return Finding("Address", True, f"Telegram will call {address}.")
