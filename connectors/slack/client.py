"""Slack's Web API: the one file that imports its SDK. Answers are parsed here, refusals become `SlackError`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from core.outbox import DeliveryError

Json = dict[str, Any]
TIMEOUT_S = 10
FILE_TIMEOUT_S = 60

REMEDIES = {
    "invalid_auth": "Slack does not accept the token. Reconnect the workspace under Channels.",
    "not_authed": "Slack does not accept the token. Reconnect the workspace under Channels.",
    "token_revoked": "The token was revoked in Slack. Reconnect the workspace under Channels.",
    "token_expired": "The token has expired. Reconnect the workspace under Channels.",
    "account_inactive": "The app was removed from the workspace. Reconnect it under Channels.",
    "missing_scope": "The app lacks a permission. Install it again with the manifest of docs/slack.md.",
    "channel_not_found": "The Slack channel does not exist, or the app is not in it. Invite it with /invite @Deskhand.",
    "not_in_channel": "The app is not in the Slack channel. Invite it there with /invite @Deskhand.",
    "is_archived": "The Slack channel is archived. Unarchive it, or choose another under Channels.",
    "restricted_action": "The workspace's rules forbid the app to post there. Ask a Slack admin.",
}
"""What only an admin can put right. Until then the channel is off and its tickets wait."""
WORDS = {
    "expired_trigger_id": "It took too long to open the form. Press the button again.",
    "exchanged_trigger_id": "The form was opened already. Press the button again.",
}
"""What the person who pressed a button reads."""
PASSING = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
"""Slack's own trouble, which it tells with HTTP 200."""
GONE = {"message_not_found", "thread_not_found", "cant_update_message", "cant_delete_message", "invalid_thread_ts"}
"""The message was deleted in Slack: it has to be posted again."""
REMOVED = {"message_not_found", "thread_not_found", "file_not_found", "file_deleted"}
"""There is nothing left to delete."""


class SlackError(DeliveryError):
    """A call that Slack refused, or that did not reach it. `code` is Slack's own word for it."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        permanent: bool = False,
        retry_after: float | None = None,
        channel_broken: bool = False,
    ) -> None:
        super().__init__(detail, permanent=permanent, retry_after=retry_after, channel_broken=channel_broken)
        self.code = code

    @property
    def for_admin(self) -> bool:
        return self.code in REMEDIES

    @property
    def message_gone(self) -> bool:
        return self.code in GONE

    @property
    def removed(self) -> bool:
        return self.code in REMOVED


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a bot token is good for."""

    team_id: str
    team: str
    bot_user_id: str
    scopes: frozenset[str]
    url: str

    def as_settings(self) -> dict[str, str]:
        """What a channel notes of it."""
        return {"team": self.team, "bot_user_id": self.bot_user_id, "url": self.url}


@dataclass(frozen=True, slots=True)
class SlackUser:
    id: str
    team_id: str
    name: str
    email: str | None
    full_member: bool
    """No guest, no bot, not deactivated."""
    zone: str | None = None
    """Of the IANA time zone database."""


@dataclass(frozen=True, slots=True)
class SlackChannel:
    id: str
    name: str
    archived: bool
    joined: bool
    shared: bool


@dataclass(frozen=True, slots=True)
class SlackFile:
    name: str
    content_type: str
    size: int
    url: str


class SlackApi:
    """The connection to one Slack; `with_token` gives what calls it on behalf of one workspace."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session: aiohttp.ClientSession | None = None

    def with_token(self, token: str) -> SlackClient:
        return SlackClient(self.sdk(token), self)

    def sdk(self, token: str | None = None) -> AsyncWebClient:
        """The SDK's own client, for Bolt. It never repeats a call by itself: the outbox decides."""
        client = AsyncWebClient(token=token, base_url=self.url, timeout=TIMEOUT_S, retry_handlers=[])
        client.session = self.session
        return client

    @property
    def session(self) -> aiohttp.ClientSession:
        """Opened at its first use, inside the event loop."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=FILE_TIMEOUT_S))
        return self._session

    async def install(self, client_id: str, client_secret: str, code: str, redirect_uri: str) -> str:
        """Exchanges what the redirect brought for a token: https://docs.slack.dev/reference/methods/oauth.v2.access"""
        app = {"client_id": client_id, "client_secret": client_secret}
        answer = await _call(
            # Not `oauth_v2_access()`, which uses what aiohttp has deprecated.
            self.sdk().api_call("oauth.v2.access", data={**app, "code": code, "redirect_uri": redirect_uri})
        )
        return str(answer["access_token"])

    async def respond(self, url: str, text: str, blocks: Sequence[Json]) -> None:
        """Answers privately through an interaction's response URL. One that no longer works is not tried again."""
        try:
            async with self.session.post(
                url, json={"text": text, "blocks": list(blocks), "response_type": "ephemeral"}
            ):
                pass
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(error) from error

    async def aclose(self) -> None:
        if self._session:
            await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class SlackClient:
    """One workspace, by its bot token. Everything here raises `SlackError`."""

    def __init__(self, sdk: AsyncWebClient, api: SlackApi) -> None:
        self._sdk = sdk
        self._api = api

    async def workspace(self) -> Workspace:
        answer = await _call(self._sdk.auth_test())
        scopes = frozenset(answer.headers.get("x-oauth-scopes", "").replace(" ", "").split(","))
        return Workspace(answer["team_id"], answer["team"], answer["user_id"], scopes - {""}, answer["url"])

    async def post(self, channel: str, text: str, blocks: Sequence[Json], thread_ts: str | None = None) -> str:
        """The new message's `ts`. Links are not unfurled: a ticket is no place for previews."""
        answer = await _call(
            self._sdk.chat_postMessage(
                channel=channel,
                text=text,
                blocks=list(blocks),
                thread_ts=thread_ts,
                unfurl_links=False,
                unfurl_media=False,
            )
        )
        return str(answer["ts"])

    async def update(self, channel: str, ts: str, text: str, blocks: Sequence[Json]) -> None:
        await _call(self._sdk.chat_update(channel=channel, ts=ts, text=text, blocks=list(blocks)))

    async def delete(self, channel: str, ts: str) -> None:
        await _call(self._sdk.chat_delete(channel=channel, ts=ts))

    async def delete_file(self, file_id: str) -> None:
        """Takes it out of every message that shows it."""
        await _call(self._sdk.files_delete(file=file_id))

    async def whisper(
        self, channel: str, user: str, text: str, blocks: Sequence[Json], thread_ts: str | None = None
    ) -> None:
        """Shown to `user` only."""
        await _call(
            self._sdk.chat_postEphemeral(
                channel=channel, user=user, text=text, blocks=list(blocks), thread_ts=thread_ts
            )
        )

    async def open_view(self, trigger_id: str, view: Json) -> None:
        await _call(self._sdk.views_open(trigger_id=trigger_id, view=view))

    async def publish_home(self, user: str, view: Json) -> None:
        await _call(self._sdk.views_publish(user_id=user, view=view))

    async def user(self, user: str) -> SlackUser:
        found = (await _call(self._sdk.users_info(user=user)))["user"]
        guest = found.get("is_restricted") or found.get("is_ultra_restricted") or found.get("is_stranger")
        profile = found.get("profile") or {}
        return SlackUser(
            id=found["id"],
            team_id=found.get("team_id") or "",
            name=found.get("real_name") or found.get("name") or "",
            email=(profile.get("email") or "").lower() or None,
            full_member=not (guest or found.get("deleted") or found.get("is_bot")),
            zone=found.get("tz"),
        )

    async def user_id(self, email: str) -> str | None:
        """Whose e-mail address it is in this workspace."""
        try:
            return str((await _call(self._sdk.users_lookupByEmail(email=email)))["user"]["id"])
        except SlackError as error:
            if error.code == "users_not_found":
                return None
            raise

    async def channel(self, channel: str) -> SlackChannel:
        found = (await _call(self._sdk.conversations_info(channel=channel)))["channel"]
        shared = found.get("is_ext_shared") or found.get("is_org_shared")
        joined, archived = bool(found.get("is_member")), bool(found.get("is_archived"))
        return SlackChannel(found["id"], found.get("name") or "", archived, joined, bool(shared))

    async def upload(self, channel: str, thread_ts: str | None, name: str, content: bytes) -> str:
        """The new file's id. https://docs.slack.dev/messaging/working-with-files#uploading_files"""
        place = await _call(self._sdk.files_getUploadURLExternal(filename=name, length=len(content)))
        try:
            async with self._api.session.post(place["upload_url"], data=content) as answer:
                if answer.status != 200:
                    raise SlackError("upload_failed", f"Slack did not take the file {name!r} (HTTP {answer.status}).")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(error) from error
        await _call(
            self._sdk.files_completeUploadExternal(
                files=[{"id": place["file_id"], "title": name}],
                channel_id=channel,
                thread_ts=thread_ts,
            )
        )
        return str(place["file_id"])

    async def file(self, file_id: str) -> SlackFile:
        found = (await _call(self._sdk.files_info(file=file_id)))["file"]
        kind = found.get("mimetype") or "application/octet-stream"
        return SlackFile(found["name"], kind, int(found["size"]), found["url_private_download"])

    async def download(self, url: str, most: int) -> bytes:
        """A file that a person shared. Raises `SlackError` if it is larger than `most` bytes."""
        if not _of_slack(url, self._api.url):
            raise SlackError(
                "file_elsewhere", "The file is not kept by Slack, so it cannot be sent on.", permanent=True
            )
        headers = {"Authorization": f"Bearer {self._sdk.token}"}
        try:
            async with self._api.session.get(url, headers=headers) as answer:
                # Slack shows its sign-in page, with 200, to a token that may not read files.
                if answer.status != 200 or answer.content_type == "text/html":
                    raise SlackError("file_unreadable", "Slack did not hand over the file: the app lacks files:read.")
                content = await answer.content.read(most + 1)
                while len(content) <= most and (more := await answer.content.read(most + 1 - len(content))):
                    content += more
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(error) from error
        if len(content) > most:
            raise SlackError("file_too_large", f"The file is larger than {most // 2**20} MB.", permanent=True)
        return content


def signed(secret: str, body: bytes, timestamp: str, signature: str) -> bool:
    """Whether Slack signed `body`, no longer than five minutes ago.

    https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    well_formed = timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 20 and signature.isascii()
    if not secret or not well_formed:
        return False
    return bool(SignatureVerifier(secret).is_valid(body, timestamp, signature))


def _of_slack(url: str, api_url: str) -> bool:
    """The token must go to nobody else. Files are on hosts of Slack's own, and never on plain HTTP."""
    host, api = urlsplit(url), urlsplit(api_url)
    own = host.scheme == "https" and (host.hostname or "").endswith(".slack.com")
    return own or (host.scheme, host.netloc) == (api.scheme, api.netloc)


async def open_socket(api: SlackApi, app_token: str) -> str:
    """The address of a new Socket Mode connection. Raises `SlackError` when the app-level token is wrong."""
    return str((await _call(api.sdk().apps_connections_open(app_token=app_token)))["url"])


async def _call(call: Any) -> AsyncSlackResponse:
    try:
        answer: AsyncSlackResponse = await call
    except SlackApiError as error:
        raise _refused(error) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _unreachable(error) from error
    return answer


def _refused(error: SlackApiError) -> SlackError:
    response = error.response
    status = getattr(response, "status_code", None) or getattr(response, "status", 0)
    data = getattr(response, "data", None)
    code = str(data.get("error", "")) if isinstance(data, dict) else ""
    if status == 429 or code == "ratelimited":
        seconds = float(response.headers.get("Retry-After", 1))
        return SlackError("ratelimited", "Slack asks for a pause.", retry_after=seconds)
    if status >= 500 or not code:
        return SlackError("unavailable", f"Slack is not available (HTTP {status}).")
    if code in REMEDIES:
        return SlackError(code, REMEDIES[code], channel_broken=True)
    problems = (data.get("response_metadata") or {}).get("messages") if isinstance(data, dict) else None
    refused = f"Slack refused the call: {code}{' (' + '; '.join(problems) + ')' if problems else ''}."
    return SlackError(code, WORDS.get(code, refused), permanent=code not in GONE | PASSING)


def _unreachable(error: Exception) -> SlackError:
    return SlackError("unreachable", f"Slack does not answer ({type(error).__name__}).")
