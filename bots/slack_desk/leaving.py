"""What Slack tells of the app itself: removed, revoked, put out of a channel, or let in again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from bots.slack_desk.acting import Desk
from connectors.slack.client import REMEDIES
from connectors.slack.settings import settings_of
from core import alerts
from core.helpdesk import Helpdesk
from core.models import Channel


@dataclass(frozen=True, slots=True)
class Leaving:
    helpdesk: Helpdesk
    desk: Desk

    EVENTS: ClassVar = (
        "tokens_revoked",
        "app_uninstalled",
        "channel_archive",
        "group_archive",
        "channel_left",
        "group_left",
        "channel_unarchive",
        "group_unarchive",
        "member_joined_channel",
    )

    async def heard(self, body: dict[str, Any]) -> None:
        team, event = body["team_id"], body["event"]
        place = event.get("channel")
        match event["type"]:
            case "tokens_revoked":
                if event.get("tokens", {}).get("bot"):
                    await self._off(team, "token_revoked")
            case "app_uninstalled":
                await self._off(team, "account_inactive")
            case "channel_archive" | "group_archive":
                await self._off(team, "is_archived", place)
            case "channel_left" | "group_left":
                await self._off(team, "not_in_channel", place)
            case "channel_unarchive" | "group_unarchive":
                await self._on(team, "is_archived", place)
            case "member_joined_channel":
                if any(event["user"] == settings_of(each).bot_user_id for each in await self.desk.channels(team)):
                    await self._on(team, "not_in_channel", place)
                    await self._on(team, "channel_not_found", place)

    async def _off(self, team: str, code: str, place: str | None = None) -> None:
        """Tickets wait, and admins are told."""
        for channel in await self._concerned(team, place):
            if channel.disabled_at is None:
                async with self.helpdesk.db.write(channel.organization_id) as scope:
                    await self.helpdesk.channels.switch_off(scope, channel.id, REMEDIES[code])
                    text = f"The channel {channel.name!r} was switched off: {REMEDIES[code]}"
                    await alerts.raise_alert(scope, alerts.about(channel.id), text)

    async def _on(self, team: str, code: str, place: str | None) -> None:
        """What was switched off for this reason alone goes on by itself."""
        for channel in await self._concerned(team, place):
            if channel.disabled_reason == REMEDIES[code]:
                async with self.helpdesk.db.write(channel.organization_id) as scope:
                    await self.helpdesk.channels.switch_on(scope, channel.id)

    async def _concerned(self, team: str, place: str | None) -> list[Channel]:
        connected = await self.desk.channels(team)
        return [channel for channel in connected if place is None or place in settings_of(channel).places]
