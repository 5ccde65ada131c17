"""A stateful stand-in for Slack that the official SDK and Bolt use unchanged, through `base_url`.

    async with SlackServer() as slack:
        team = slack.team("T1"); desk = slack.channel(team, "desk"); token = slack.install(team, desk)

It refuses what Slack refuses, in Slack's words, and remembers what was posted. `tests/slack_people.py` plays the
people who click and type. https://docs.slack.dev/reference/methods
"""

from __future__ import annotations

import asyncio
import json
import secrets
from base64 import b64decode
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Self

from aiohttp import WSMsgType, web

from tests.standins import slack_blocks
from tests.standins.slack_state import SCOPES, Channel, Json, Message, Refused, State, Team, Token, User, View

CLIENT_ID, CLIENT_SECRET, SIGNING_SECRET, APP_TOKEN = "111.222", "client-secret", "signing-secret", "xapp-1-A1-test"
NEEDS = {
    "chat.postMessage": ("chat:write",), "chat.update": ("chat:write",), "chat.delete": ("chat:write",),
    "chat.postEphemeral": ("chat:write",), "users.info": ("users:read",),
    "users.lookupByEmail": ("users:read.email",), "conversations.info": ("channels:read", "groups:read"),
    "conversations.members": ("channels:read", "groups:read"), "conversations.open": ("im:write",),
    "files.getUploadURLExternal": ("files:write",), "files.completeUploadExternal": ("files:write",),
    "files.info": ("files:read",), "files.delete": ("files:write",),
    "reactions.add": ("reactions:write",), "reactions.remove": ("reactions:write",),
    "conversations.history": ("channels:history", "groups:history"),
    "conversations.replies": ("channels:history", "groups:history"),
}  # fmt: skip
"""One of these scopes is needed."""


class SlackServer:
    def __init__(self) -> None:
        self._ahead = 0.0
        self.state = State(lambda: self._ahead)
        self.calls: Counter[str] = Counter()
        self.refused: list[tuple[str, str]] = []
        """Method and error, of what was refused."""
        self.limits: dict[str, list[int]] = {}
        """Of a method, the Retry-After of its next calls."""
        self.swallowed: Counter[str] = Counter()
        """Of a method, how many of its next calls are done without the caller's learning of it."""
        self.failures: dict[str, list[str | int]] = {}
        """Of a method, what its next calls get: an error in Slack's words, or an HTTP status."""
        self._paused: dict[str, asyncio.Event] = {}
        self._waiting: Counter[str] = Counter()
        self.sockets: list[web.WebSocketResponse] = []
        self.acks: dict[str, Json] = {}
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.down()

    async def up(self, port: int = 0) -> None:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_post("/upload/{id}", self._upload)
        app.router.add_get("/files/{id}", self._download)
        app.router.add_post("/response/{id}", self._response)
        app.router.add_get("/link/", self._socket)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        assert site._server
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self.port}/api/"

    async def down(self) -> None:
        """From now on connections are refused. `up(port)` brings everything back as it was."""
        for socket in self.sockets:
            await socket.close()
        if self._runner:
            await self._runner.cleanup()
        self._runner = None

    def later(self, seconds: float) -> None:
        """Time passes for triggers, and only then: a busy machine must not make them expire."""
        self._ahead += seconds

    def limit(self, method: str, *retry_after: int) -> None:
        """The next calls are one too many."""
        self.limits[method] = list(retry_after)

    def swallow(self, method: str, times: int) -> None:
        """The next calls are done, and the connection breaks before the answer."""
        self.swallowed[method] = times

    def pause(self, method: str) -> None:
        """Its calls wait until `resume()`."""
        self._paused[method] = asyncio.Event()

    async def paused(self) -> bool:
        """Whether a call waits."""
        return bool(self._waiting.total())

    def resume(self) -> None:
        for event in self._paused.values():
            event.set()
        self._paused.clear()

    # -- setting the scene

    def team(self, team_id: str) -> Team:
        return self.state.teams.setdefault(team_id, Team(team_id, team_id.title(), team_id.lower()))

    def person(self, team: Team, name: str, email: str, **flags: Any) -> User:
        user = User(self.state.fresh("U"), team.id, name, email, **flags)
        team.users[user.id] = user
        return user

    def channel(self, team: Team, name: str, *members: User, **flags: Any) -> Channel:
        channel = Channel(self.state.fresh("C"), team.id, name, {user.id for user in members}, **flags)
        self.state.channels[channel.id] = channel
        return channel

    def install(self, team: Team, *channels: Channel, scopes: tuple[str, ...] = SCOPES) -> str:
        """The app's bot token in the team; the bot is a member of `channels`. Installing again keeps the bot."""
        bot = next((user for user in team.users.values() if user.is_bot), None)
        bot = bot or self.person(team, "Deskhand", "", is_bot=True)
        token = f"xoxb-{team.id}-{secrets.token_hex(8)}"
        self.state.tokens[token] = Token(team.id, bot.id, scopes)
        for channel in channels:
            channel.members.add(bot.id)
        return token

    def code(self, team: Team) -> str:
        """What Slack hands to the redirect URL once an admin of the team has agreed."""
        code = secrets.token_hex(8)
        self.state.codes[code] = team.id
        return code

    # -- the Web API

    async def _api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        self.calls[method] += 1
        if self.limits.get(method):
            seconds = self.limits[method].pop(0)
            self.refused.append((method, "ratelimited"))
            return web.json_response(
                {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": str(seconds)}
            )
        if self.failures.get(method):
            failure = self.failures[method].pop(0)
            self.refused.append((method, str(failure)))
            if isinstance(failure, int):
                return web.Response(status=failure, text="<html>upstream connect error</html>")
            return web.json_response({"ok": False, "error": failure})
        arguments, bearer = await _arguments(request)
        if paused := self._paused.get(method):
            self._waiting[method] += 1
            await paused.wait()
            self._waiting[method] -= 1
        headers = {}
        try:
            handler = METHODS.get(method, SlackServer.unknown)
            if method not in ("oauth.v2.access", "apps.connections.open"):
                token = self._authenticate(method, bearer)
                headers = {"x-oauth-scopes": ",".join(token.scopes)}
            else:
                token = Token("", "", ())
                arguments["bearer"] = bearer
            body = {"ok": True, **await handler(self, token, arguments)}
        except Refused as refused:
            self.refused.append((method, refused.error))
            body = {"ok": False, "error": refused.error}
            if refused.messages:
                body["response_metadata"] = {"messages": [f"[ERROR] {each}" for each in refused.messages]}
        if self.swallowed[method] > 0:
            self.swallowed[method] -= 1
            assert request.transport
            request.transport.abort()
        return web.json_response(body, headers=headers)

    def _authenticate(self, method: str, bearer: str) -> Token:
        if not bearer:
            raise Refused("not_authed")
        token = self.state.tokens.get(bearer)
        if token is None:
            raise Refused("invalid_auth")
        if token.revoked:
            raise Refused(token.revoked)
        needed = NEEDS.get(method, ())
        if needed and not set(needed) & set(token.scopes):
            raise Refused("missing_scope")
        return token

    def _channel(self, token: Token, channel_id: Any) -> Channel:
        channel = self.state.channels.get(str(channel_id))
        if channel is None or channel.team_id != token.team_id:
            raise Refused("channel_not_found")
        if channel.is_private and token.bot not in channel.members:
            raise Refused("channel_not_found")  # the bot may not even know that it exists
        return channel

    def _writable(self, token: Token, channel_id: Any) -> Channel:
        channel = self._channel(token, channel_id)
        if channel.archived:
            raise Refused("is_archived")
        if token.bot not in channel.members:
            raise Refused("not_in_channel")
        return channel

    def _mine(self, token: Token, arguments: Json, refusal: str) -> Message:
        channel = self._channel(token, arguments.get("channel"))
        message = channel.messages.get(str(arguments.get("ts")))
        if message is None or message.only_for:
            raise Refused("message_not_found")
        if message.user != token.bot:
            raise Refused(refusal)
        return message

    async def unknown(self, _token: Token, _arguments: Json) -> Json:
        raise Refused("unknown_method")

    async def auth_test(self, token: Token, _arguments: Json) -> Json:
        team = self.state.teams[token.team_id]
        url = f"https://{team.domain}.slack.test/"
        return {"url": url, "team": team.name, "team_id": team.id, "user": "deskhand", "user_id": token.bot,
                "bot_id": "B" + token.bot}  # fmt: skip

    async def post(self, token: Token, arguments: Json) -> Json:
        channel = self._writable(token, arguments.get("channel"))
        thread = arguments.get("thread_ts")
        if thread and thread not in channel.messages:
            raise Refused("thread_not_found")
        message = self._content(arguments, 40_000)
        stored = Message(self.state.ts(), channel.id, token.bot, message[0], message[1], thread, bot=True)
        channel.messages[stored.ts] = stored
        return {"channel": channel.id, "ts": stored.ts, "message": stored.as_json()}

    async def whisper(self, token: Token, arguments: Json) -> Json:
        channel = self._writable(token, arguments.get("channel"))
        if arguments.get("user") not in channel.members:
            raise Refused("user_not_in_channel")
        text, blocks = self._content(arguments, 40_000)
        stored = Message(self.state.ts(), channel.id, token.bot, text, blocks, arguments.get("thread_ts"), bot=True)
        stored.only_for = arguments["user"]
        channel.messages[stored.ts] = stored
        return {"message_ts": stored.ts}

    async def update(self, token: Token, arguments: Json) -> Json:
        message = self._mine(token, arguments, "cant_update_message")
        if self.state.channels[message.channel].archived:
            raise Refused("is_archived")
        message.text, message.blocks = self._content(arguments, 4_000)
        message.edited = True
        return {"channel": message.channel, "ts": message.ts, "text": message.text}

    async def delete(self, token: Token, arguments: Json) -> Json:
        message = self._mine(token, arguments, "cant_delete_message")
        del self.state.channels[message.channel].messages[message.ts]
        return {"channel": message.channel, "ts": message.ts}

    def _content(self, arguments: Json, longest: int) -> tuple[str, list[Json]]:
        text, blocks = arguments.get("text") or "", _parsed(arguments.get("blocks")) or []
        if not text and not blocks:
            raise Refused("no_text")
        if len(text) > longest:
            raise Refused("msg_too_long")
        if blocks and (problems := slack_blocks.problems_of_message(blocks)):
            raise Refused("invalid_blocks", *problems)
        if slack_blocks.characters(blocks) > slack_blocks.MESSAGE_CHARACTERS:
            raise Refused("msg_blocks_too_long")
        return text, blocks

    async def permalink(self, token: Token, arguments: Json) -> Json:
        channel = self._channel(token, arguments.get("channel"))
        ts = str(arguments.get("message_ts"))
        if ts not in channel.messages:
            raise Refused("message_not_found")
        team = self.state.teams[token.team_id]
        return {"permalink": f"https://{team.domain}.slack.test/archives/{channel.id}/p{ts.replace('.', '')}"}

    async def open_view(self, token: Token, arguments: Json) -> Json:
        view = self._view(arguments)
        user = self.state.exchange(str(arguments.get("trigger_id")))
        return self._shown(token, view, user, root=None)

    async def push_view(self, token: Token, arguments: Json) -> Json:
        return await self.open_view(token, arguments)

    async def update_view(self, token: Token, arguments: Json) -> Json:
        known = self.state.views.get(str(arguments.get("view_id")))
        if known is None:
            raise Refused("not_found")
        if arguments.get("hash") not in (None, known.hash):
            raise Refused("hash_conflict")
        known.view, known.hash = self._view(arguments), self.state.fresh("H")
        return {"view": {**known.view, "id": known.id, "hash": known.hash, "root_view_id": known.root}}

    async def publish_view(self, token: Token, arguments: Json) -> Json:
        user = self.state.user(str(arguments.get("user_id")))
        if user.team_id != token.team_id:
            raise Refused("user_not_found")
        view = self._view(arguments)
        if view["type"] != "home":
            raise Refused("invalid_arguments", "a home view is wanted")
        user.home = view
        return {"view": view}

    def _view(self, arguments: Json) -> Json:
        view: Json = _parsed(arguments.get("view"))
        if problems := slack_blocks.problems_of_view(view):
            raise Refused("invalid_arguments", *problems)
        if len(json.dumps(view)) > 250_000:
            raise Refused("view_too_large")
        return view

    def _shown(self, token: Token, view: Json, user: str, root: str | None) -> Json:
        view_id = self.state.fresh("V")
        self.state.views[view_id] = View(view_id, token.team_id, user, view, root or view_id, self.state.fresh("H"))
        return {"view": {**view, "id": view_id, "root_view_id": root or view_id}}

    async def user_info(self, token: Token, arguments: Json) -> Json:
        user = self.state.user(str(arguments.get("user")))
        return {"user": user.as_json(with_email="users:read.email" in token.scopes)}

    async def user_by_email(self, token: Token, arguments: Json) -> Json:
        for user in self.state.teams[token.team_id].users.values():
            if user.email and user.email.lower() == str(arguments.get("email")).lower() and not user.deleted:
                return {"user": user.as_json(with_email=True)}
        raise Refused("users_not_found")

    async def channel_info(self, token: Token, arguments: Json) -> Json:
        return {"channel": self._channel(token, arguments.get("channel")).as_json(token.bot)}

    async def channel_members(self, token: Token, arguments: Json) -> Json:
        members = sorted(self._channel(token, arguments.get("channel")).members)
        return {"members": members, "response_metadata": {"next_cursor": ""}}

    async def open_direct(self, token: Token, arguments: Json) -> Json:
        user = self.state.user(str(arguments.get("users")))
        if user.team_id != token.team_id:
            raise Refused("user_not_found")
        known = f"D{user.id}"
        if known not in self.state.channels:
            self.state.channels[known] = Channel(known, token.team_id, "", {user.id, token.bot})
        return {"channel": {"id": known}}

    async def history(self, token: Token, arguments: Json) -> Json:
        """An app outside the Marketplace may ask once a minute, for 15 messages."""
        channel = self._channel(token, arguments.get("channel"))
        self.limits[f"conversations.{'replies' if arguments.get('ts') else 'history'}"] = [60] * 1000
        return {"messages": [message.as_json() for message in list(channel.messages.values())[-15:]]}

    async def react(self, token: Token, arguments: Json) -> Json:
        channel = self._channel(token, arguments.get("channel"))
        message = channel.messages.get(str(arguments.get("timestamp")))
        if message is None:
            raise Refused("message_not_found")
        who = message.reactions.setdefault(str(arguments.get("name")), set())
        if token.bot in who:
            raise Refused("already_reacted")
        who.add(token.bot)
        return {}

    async def unreact(self, token: Token, arguments: Json) -> Json:
        channel = self._channel(token, arguments.get("channel"))
        message = channel.messages.get(str(arguments.get("timestamp")))
        if message is None or token.bot not in message.reactions.get(str(arguments.get("name")), set()):
            raise Refused("no_reaction")
        message.reactions[str(arguments["name"])].discard(token.bot)
        return {}

    # -- files

    async def upload_url(self, token: Token, arguments: Json) -> Json:
        name, size = arguments.get("filename"), int(arguments.get("length") or 0)
        if not name or size <= 0:
            raise Refused("invalid_arguments")
        file_id = self.state.fresh("F")
        self.state.files[file_id] = {"id": file_id, "name": name, "size": size, "title": name, "user": token.bot}
        return {"upload_url": f"http://127.0.0.1:{self.port}/upload/{file_id}", "file_id": file_id}

    async def _upload(self, request: web.Request) -> web.Response:
        file_id = request.match_info["id"]
        body = await request.read()
        if request.content_type.startswith("multipart/"):
            return web.Response(status=500, text="the stand-in takes raw bodies")
        if file_id not in self.state.files or len(body) != self.state.files[file_id]["size"]:
            return web.Response(status=400, text="length mismatch")
        self.state.contents[file_id] = body
        return web.Response(text=f"OK - {len(body)}")

    async def upload_done(self, token: Token, arguments: Json) -> Json:
        files = _parsed(arguments.get("files")) or []
        if any(each["id"] not in self.state.contents for each in files):
            raise Refused("file_not_found")
        done = [{**self.state.files[each["id"]], "title": each.get("title", "")} for each in files]
        if arguments.get("channel_id"):
            channel = self._writable(token, arguments["channel_id"])
            thread = arguments.get("thread_ts")
            if thread and thread not in channel.messages:
                raise Refused("invalid_thread_ts")
            text = arguments.get("initial_comment") or ""
            message = Message(self.state.ts(), channel.id, token.bot, text, [], thread, files=done, bot=True)
            channel.messages[message.ts] = message
        return {"files": done}

    def share(self, user: User, name: str, mimetype: str, content: bytes) -> Json:
        """A file that a person uploads, as events describe it."""
        file_id = self.state.fresh("F")
        self.state.contents[file_id] = content
        address = f"http://127.0.0.1:{self.port}/files/{file_id}"
        self.state.files[file_id] = {
            "id": file_id, "name": name, "title": name, "mimetype": mimetype, "filetype": name.rpartition(".")[2],
            "size": len(content), "user": user.id, "mode": "hosted", "url_private": address,
            "url_private_download": address, "team": user.team_id,
        }  # fmt: skip
        return self.state.files[file_id]

    async def file_info(self, token: Token, arguments: Json) -> Json:
        file = self.state.files.get(str(arguments.get("file")))
        if file is None or file.get("team") != token.team_id:
            raise Refused("file_not_found")
        return {"file": file}

    async def file_delete(self, token: Token, arguments: Json) -> Json:
        """A bot may delete what it shared itself."""
        file_id = str(arguments.get("file"))
        if self.state.files.get(file_id, {}).get("user") != token.bot:
            raise Refused("file_not_found" if file_id not in self.state.files else "cant_delete_file")
        del self.state.files[file_id]
        self.state.contents.pop(file_id, None)
        for channel in self.state.channels.values():
            for ts, message in list(channel.messages.items()):
                message.files = [file for file in message.files if file["id"] != file_id]
                if message.user == token.bot and not message.files and not message.said:
                    del channel.messages[ts]
        return {}

    async def _download(self, request: web.Request) -> web.Response:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        token = self.state.tokens.get(bearer)
        file = self.state.files.get(request.match_info["id"])
        if token is None or token.revoked or file is None or file.get("team") != token.team_id:
            # Slack answers a stranger with its sign-in page and 200.
            return web.Response(text="<!DOCTYPE html><title>Sign in</title>", content_type="text/html")
        return web.Response(body=self.state.contents[file["id"]], content_type=file["mimetype"])

    # -- installing, sockets, response addresses

    async def access(self, _token: Token, arguments: Json) -> Json:
        if (arguments.get("client_id"), arguments.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            raise Refused("bad_client_secret")
        team_id = self.state.codes.pop(str(arguments.get("code")), None)
        if team_id is None:
            raise Refused("invalid_code")
        team = self.state.teams[team_id]
        token = self.install(team)
        person = next((user.id for user in team.users.values() if not user.is_bot), "")
        return {
            "access_token": token, "token_type": "bot", "scope": ",".join(SCOPES), "app_id": "A1",
            "bot_user_id": self.state.tokens[token].bot, "team": {"id": team.id, "name": team.name},
            "enterprise": None, "authed_user": {"id": person}, "is_enterprise_install": False,
        }  # fmt: skip

    async def open_connection(self, _token: Token, arguments: Json) -> Json:
        if arguments["bearer"] != APP_TOKEN:
            raise Refused("invalid_auth")
        return {"url": f"ws://127.0.0.1:{self.port}/link/?ticket={secrets.token_hex(4)}"}

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        self.sockets.append(socket)
        await socket.send_json({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}})
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    answer = json.loads(message.data)
                    self.acks[answer["envelope_id"]] = answer
        finally:
            self.sockets.remove(socket)
        return socket

    async def envelope(self, kind: str, payload: Json) -> Json:
        """Sends one over the socket and waits for its acknowledgement."""
        envelope_id = self.state.fresh("E")
        message = {"envelope_id": envelope_id, "type": kind, "payload": payload, "accepts_response_payload": True}
        await self.sockets[-1].send_json(message)
        async with asyncio.timeout(3):
            while envelope_id not in self.acks:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
        return self.acks[envelope_id]

    def response_url(self, channel: str, user: str, ts: str | None, thread: str | None) -> str:
        name = self.state.fresh("R")
        self.state.response_urls[name] = (channel, user, ts, thread, 5)
        return f"http://127.0.0.1:{self.port}/response/{name}"

    async def _response(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if name not in self.state.response_urls or self.state.response_urls[name][4] == 0:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        channel_id, user, ts, thread, left = self.state.response_urls[name]
        self.state.response_urls[name] = (channel_id, user, ts, thread, left - 1)
        body = await request.json()
        channel = self.state.channels[channel_id]
        try:
            text, blocks = self._content(body, 40_000)
        except Refused as refused:
            self.refused.append(("response_url", refused.error))
            return web.json_response({"ok": False, "error": refused.error}, status=400)
        if body.get("replace_original") and ts in channel.messages:
            channel.messages[ts].text, channel.messages[ts].blocks = text, blocks
            return web.Response(text="ok")
        stored = Message(self.state.ts(), channel_id, "", text, blocks, body.get("thread_ts"), bot=True)
        stored.only_for = user if body.get("response_type", "ephemeral") == "ephemeral" else None
        channel.messages[stored.ts] = stored
        return web.Response(text="ok")


async def _arguments(request: web.Request) -> tuple[Json, str]:
    arguments: Json = dict(request.query)
    if request.content_type == "application/json":
        arguments |= await request.json()
    elif request.can_read_body:
        arguments |= dict(await request.post())
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Basic":
        client_id, _, client_secret = b64decode(credential).decode().partition(":")
        arguments |= {"client_id": client_id, "client_secret": client_secret}
    bearer = credential if scheme == "Bearer" else str(arguments.pop("token", ""))
    return arguments, bearer


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


METHODS: dict[str, Callable[[SlackServer, Token, Json], Awaitable[Json]]] = {
    "auth.test": SlackServer.auth_test,
    "chat.postMessage": SlackServer.post,
    "chat.postEphemeral": SlackServer.whisper,
    "chat.update": SlackServer.update,
    "chat.delete": SlackServer.delete,
    "chat.getPermalink": SlackServer.permalink,
    "views.open": SlackServer.open_view,
    "views.push": SlackServer.push_view,
    "views.update": SlackServer.update_view,
    "views.publish": SlackServer.publish_view,
    "users.info": SlackServer.user_info,
    "users.lookupByEmail": SlackServer.user_by_email,
    "conversations.info": SlackServer.channel_info,
    "conversations.members": SlackServer.channel_members,
    "conversations.open": SlackServer.open_direct,
    "conversations.history": SlackServer.history,
    "conversations.replies": SlackServer.history,
    "reactions.add": SlackServer.react,
    "reactions.remove": SlackServer.unreact,
    "files.info": SlackServer.file_info,
    "files.delete": SlackServer.file_delete,
    "files.getUploadURLExternal": SlackServer.upload_url,
    "files.completeUploadExternal": SlackServer.upload_done,
    "oauth.v2.access": SlackServer.access,
    "apps.connections.open": SlackServer.open_connection,
}
