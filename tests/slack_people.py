"""People in Slack: what they click, type and submit reaches Deskhand as Slack sends it, signed.

Payloads: https://docs.slack.dev/reference/interaction-payloads and …/reference/events; the signature:
https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
from slack_sdk.signature import SignatureVerifier

from tests.standins.slack_server import SIGNING_SECRET, SlackServer
from tests.standins.slack_state import Channel, Json, Message, User, View

Carry = Callable[[str, Json], Awaitable[Any]]


def signed(body: str, *, secret: str = SIGNING_SECRET, timestamp: float | None = None) -> dict[str, str]:
    """The headers that Slack would send with `body`."""
    moment = str(int(time.time() if timestamp is None else timestamp))
    signature = SignatureVerifier(secret).generate_signature(timestamp=moment, body=body)
    return {"X-Slack-Request-Timestamp": moment, "X-Slack-Signature": str(signature)}


@dataclass(frozen=True)
class ByHttp:
    """Slack calling our endpoints."""

    client: httpx.AsyncClient

    async def __call__(self, kind: str, payload: Json, **headers: str) -> httpx.Response:
        path, body, content_type = encoded(kind, payload)
        return await self.client.post(
            path, content=body, headers={"Content-Type": content_type, **signed(body), **headers}
        )


def encoded(kind: str, payload: Json) -> tuple[str, str, str]:
    form = "application/x-www-form-urlencoded"
    if kind == "events_api":
        return "/slack/events", json.dumps(payload), "application/json"
    if kind == "slash_commands":
        return "/slack/commands", urlencode(payload), form
    return "/slack/interactive", urlencode({"payload": json.dumps(payload)}), form


@dataclass(frozen=True)
class People:
    slack: SlackServer
    carry: Carry
    """How Slack reaches us: `ByHttp`, or the server's `envelope` in Socket Mode."""

    async def click(self, user: User, message: Message, action_id: str, value: str | None = None) -> Any:
        """A button; or, with `value`, an option of a menu."""
        return await self.carry("interactive", self.clicked(user, message, action_id, value))

    def clicked(self, user: User, message: Message, action_id: str, value: str | None = None) -> Json:
        element = message.action(action_id)
        action = {"action_id": action_id, "block_id": element["block_id"], "type": element["type"],
                  "action_ts": self.slack.state.ts()}  # fmt: skip
        if element["type"] == "button":
            action["value"] = element.get("value", "")
        elif element["type"] in ("overflow", "static_select"):
            action["selected_option"] = next(each for each in element["options"] if each["value"] == value)
        channel = self.slack.state.channels[message.channel]
        return {
            "type": "block_actions",
            **self._who(user, channel.team_id),
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": channel.id,
                "is_ephemeral": message.only_for is not None,
                **({"thread_ts": message.thread_ts} if message.thread_ts else {}),
            },
            "channel": {"id": channel.id, "name": channel.name},
            "message": message.as_json(),
            "response_url": self.slack.response_url(channel.id, user.id, message.ts, message.thread_ts),
            "actions": [action],
        }

    async def click_home(self, user: User, action_id: str, value: str) -> Any:
        payload = {
            "type": "block_actions",
            **self._who(user, user.team_id),
            "container": {"type": "view", "view_id": "V0"},
            "view": {"type": "home", "id": "V0", **(user.home or {})},
            "actions": [{"action_id": action_id, "block_id": "b", "type": "button", "value": value, "action_ts": "1"}],
        }
        return await self.carry("interactive", payload)

    async def submit(self, user: User, view: View, **values: Any) -> Any:
        """Submits the modal with what was typed; inputs not named keep what they showed."""
        state: dict[str, Json] = {}
        for block in view.view["blocks"]:
            if block["type"] == "input":
                element = block["element"]
                typed = values.pop(block["block_id"], None)
                state[block["block_id"]] = {element["action_id"]: _typed(element, typed)}
        assert not values, f"the modal has no {sorted(values)}"
        payload = {
            "type": "view_submission",
            **self._who(user, view.team_id),
            "view": {**view.view, "id": view.id, "hash": view.hash, "state": {"values": state}},
            "response_urls": [],
        }
        return await self.carry("interactive", payload)

    def modal(self, user: User) -> View:
        """The modal that the user looks at."""
        return [view for view in self.slack.state.views.values() if view.user == user.id][-1]

    async def shortcut(self, user: User, message: Message, callback_id: str) -> Any:
        channel = self.slack.state.channels[message.channel]
        payload = {
            "type": "message_action",
            "callback_id": callback_id,
            **self._who(user, channel.team_id),
            "channel": {"id": channel.id, "name": channel.name},
            "message": message.as_json(),
            "message_ts": message.ts,
            "response_url": self.slack.response_url(channel.id, user.id, message.ts, message.thread_ts),
        }
        return await self.carry("interactive", payload)

    async def say(
        self, user: User, channel: Channel, text: str, thread_ts: str | None = None, files: tuple[Json, ...] = ()
    ) -> Message:
        """Types in the channel or thread."""
        message = Message(self.slack.state.ts(), channel.id, user.id, text, [], thread_ts, files=list(files))
        channel.messages[message.ts] = message
        event = {**message.as_json(), **self._where(channel, message.ts)}
        if files:
            event["subtype"] = "file_share"
        await self.event(channel.team_id, event)
        return message

    async def edit(self, message: Message, text: str) -> None:
        channel = self.slack.state.channels[message.channel]
        before = message.as_json()
        message.text, message.edited = text, True
        edited = {"edited": {"user": message.user, "ts": self.slack.state.ts()}}
        event = {"type": "message", "subtype": "message_changed", "hidden": True, "previous_message": before,
                 "message": {**message.as_json(), **edited}, **self._where(channel, self.slack.state.ts())}  # fmt: skip
        await self.event(channel.team_id, event)

    async def delete(self, message: Message) -> None:
        channel = self.slack.state.channels[message.channel]
        del channel.messages[message.ts]
        event = {"type": "message", "subtype": "message_deleted", "hidden": True, "deleted_ts": message.ts,
                 "previous_message": message.as_json(), **self._where(channel, self.slack.state.ts())}  # fmt: skip
        await self.event(channel.team_id, event)

    async def react(self, user: User, message: Message, name: str, *, kind: str = "reaction_added") -> None:
        event = {
            "type": kind,
            "user": user.id,
            "reaction": name,
            "item_user": message.user,
            "item": {"type": "message", "channel": message.channel, "ts": message.ts},
            "event_ts": self.slack.state.ts(),
        }
        await self.event(self.slack.state.channels[message.channel].team_id, event)

    async def opens_home(self, user: User) -> None:
        event = {"type": "app_home_opened", "user": user.id, "channel": f"D{user.id}", "tab": "home",
                 "event_ts": self.slack.state.ts()}  # fmt: skip
        await self.event(user.team_id, event)

    async def echo(self, message: Message) -> Any:
        """Slack tells of a message as it tells of every one, the app's own included."""
        channel = self.slack.state.channels[message.channel]
        return await self.event(channel.team_id, {**message.as_json(), **self._where(channel, message.ts)})

    async def command(self, user: User, channel: Channel, text: str, *, command: str = "/desk") -> Any:
        payload = {
            "team_id": user.team_id,
            "team_domain": user.team_id.lower(),
            "channel_id": channel.id,
            "channel_name": channel.name,
            "user_id": user.id,
            "user_name": user.name,
            "command": command,
            "text": text,
            "api_app_id": "A1",
            "response_url": self.slack.response_url(channel.id, user.id, None, None),
            "trigger_id": self.slack.state.trigger(user.id),
        }
        return await self.carry("slash_commands", payload)

    async def event(self, team_id: str, event: Json, event_id: str | None = None) -> Any:
        return await self.carry("events_api", self.envelope(team_id, event, event_id))

    def envelope(self, team_id: str, event: Json, event_id: str | None = None) -> Json:
        bots = [user.id for user in self.slack.state.teams[team_id].users.values() if user.is_bot]
        authorizations = [{"team_id": team_id, "user_id": bot, "is_bot": True} for bot in bots]
        return {
            "token": "unused",
            "team_id": team_id,
            "api_app_id": "A1",
            "event": event,
            "type": "event_callback",
            "event_id": event_id or self.slack.state.fresh("Ev"),
            "event_time": int(time.time()),
            "authorizations": authorizations,
            "is_ext_shared_channel": False,
        }

    def _who(self, user: User, team_id: str) -> Json:
        team = self.slack.state.teams[team_id]
        return {
            "team": {"id": team.id, "domain": team.domain},
            "user": {"id": user.id, "username": user.name.lower(), "name": user.name.lower(), "team_id": user.team_id},
            "api_app_id": "A1",
            "trigger_id": self.slack.state.trigger(user.id),
        }

    def _where(self, channel: Channel, ts: str) -> Json:
        kind = "im" if channel.id.startswith("D") else "group" if channel.is_private else "channel"
        return {"channel": channel.id, "channel_type": kind, "event_ts": ts, "ts": ts}


def _typed(element: Json, value: Any) -> Json:
    kind = element["type"]
    if kind in ("static_select", "radio_buttons"):
        options = {option["value"]: option for option in element["options"]}
        return {"type": kind, "selected_option": options[value] if value else element.get("initial_option")}
    if kind == "checkboxes":
        options = {option["value"]: option for option in element["options"]}
        chosen = element.get("initial_options", []) if value is None else [options[each] for each in value]
        return {"type": kind, "selected_options": chosen}
    if kind == "users_select":
        return {"type": kind, "selected_user": value}
    if kind == "datetimepicker":
        return {"type": kind, "selected_date_time": value}
    return {"type": kind, "value": element.get("initial_value") if value is None else value}
