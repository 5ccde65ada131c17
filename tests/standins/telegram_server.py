"""A stand-in for Telegram's Bot API: it keeps chats, and refuses what Telegram refuses, in Telegram's words.

It speaks as a Bot API server of one's own does (core.telegram.org/bots/api#using-a-local-bot-api-server), so webhooks
may be plain HTTP. `python -m tests.standins.telegram_server PORT` runs it as a program; see `control()`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import nullcontext, suppress
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins import telegram_methods as methods
from tests.standins.telegram_world import Bot, Refusal, Upload, World

ONE_AT_A_TIME = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
HOOKED = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
CONNECTIONS = 40


class TelegramServer:
    """The world behind the API is in `world`; webhooks are called while the server is up."""

    def __init__(self, **world: Any) -> None:
        self.world = World(**world)
        self.retry_s = 0.2
        """The first pause before a refused webhook call is repeated; Telegram's is longer."""
        self.hold: asyncio.Event = asyncio.Event()
        """While it is clear, no webhook is called."""
        self.hold.set()
        self._server: uvicorn.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._http = httpx.AsyncClient(timeout=10, limits=httpx.Limits(max_connections=CONNECTIONS))
        self._calling: set[tuple[int, int]] = set()

    async def up(self, port: int = 0) -> None:
        routes = [
            Route("/bot{token}/{method}", self._call, methods=["GET", "POST"]),
            Route("/file/bot{token}/{path:path}", self._file),
            Route("/control", self._control, methods=["POST"]),
        ]
        config = uvicorn.Config(Starlette(routes=routes), port=port, log_config=None, access_log=False, lifespan="off")
        self._server = uvicorn.Server(config)
        self._server.capture_signals = nullcontext  # type: ignore[method-assign]  # the test runner's stay
        self._spawn(self._server.serve())
        while not self._server.started:  # noqa: ASYNC110  # uvicorn has no event to wait for
            await asyncio.sleep(0.005)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        self._spawn(self._hooks())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def down(self) -> None:
        assert self._server
        self._server.should_exit = True
        self._server.force_exit = True
        for task in self._tasks:
            if task.get_name() != "serve":
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    def _spawn(self, work: Any) -> None:
        name = "serve" if getattr(work, "__name__", "") == "serve" else "other"
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _call(self, request: Request) -> Response:
        with suppress(ClientDisconnect):
            return await self._answer(request)
        return Response(status_code=499)

    async def _answer(self, request: Request) -> Response:
        try:
            bot = self._bot(request.path_params["token"])
            parameters = _parameters(request, await request.body())
            method = request.path_params["method"].lower()
            self.world.stumble(method)
            if method == "getupdates":
                result = await self._get_updates(bot, parameters)
            else:
                result = methods.METHODS.get(method, methods.unknown)(self.world, bot, parameters)
        except Refusal as refusal:
            body: dict[str, Any] = {"ok": False, "error_code": refusal.code, "description": refusal.description}
            if refusal.parameters:
                body["parameters"] = refusal.parameters
            return JSONResponse(body, refusal.code)
        return JSONResponse({"ok": True, "result": result})

    def _bot(self, token: str) -> Bot:
        number, _, secret = token.partition(":")
        if not number.isdigit() or not secret:
            raise Refusal(404, "Not Found")
        if token not in self.world.bots:
            raise Refusal(401, "Unauthorized")
        return self.world.bots[token]

    async def _file(self, request: Request) -> Response:
        try:
            self._bot(request.path_params["token"])
        except Refusal as refusal:
            return Response(status_code=refusal.code)
        content = self.world.paths.get(request.path_params["path"])
        return Response(content) if content is not None else Response(status_code=404)

    async def _get_updates(self, bot: Bot, given: dict[str, Any]) -> list[Any]:
        """core.telegram.org/bots/api#getupdates: an offset forgets what came before it; the newest poller wins."""
        if bot.webhook["url"]:
            raise Refusal(409, HOOKED)
        if "allowed_updates" in given:
            bot.allowed = given["allowed_updates"]
        bot.pollers += 1
        me = bot.pollers
        self.world.changed()
        offset = int(given.get("offset", 0))
        if offset > 0:
            while bot.updates and bot.updates[0]["update_id"] < offset:
                bot.updates.popleft()
        deadline = asyncio.get_running_loop().time() + float(given.get("timeout", 0))
        while not bot.updates and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await self.world.change(min(left, 0.5))
            if bot.webhook["url"] or bot.pollers != me:
                raise Refusal(409, HOOKED if bot.webhook["url"] else ONE_AT_A_TIME)
            if self._server and self._server.should_exit:
                break
        return list(bot.updates)[: int(given.get("limit", 100))]

    async def _hooks(self) -> None:
        """Calls webhooks: chats side by side, the updates of one chat in order."""
        while True:
            await self.hold.wait()
            for bot in self.world.bots.values():
                if not bot.webhook["url"]:
                    continue
                for update in list(bot.updates):
                    key = (bot.id, _chat_of(update))
                    if key not in self._calling:
                        self._calling.add(key)
                        self._spawn(self._deliver(bot, update, key))
            await self.world.change(0.1)

    async def _deliver(self, bot: Bot, update: dict[str, Any], key: tuple[int, int]) -> None:
        pause = self.retry_s
        try:
            while update in bot.updates and bot.webhook["url"]:
                if await self._post(bot, update):
                    with suppress(ValueError):
                        bot.updates.remove(update)
                    return
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5)
        finally:
            self._calling.discard(key)
            self.world.changed()

    async def _post(self, bot: Bot, update: dict[str, Any]) -> bool:
        headers = {"X-Telegram-Bot-Api-Secret-Token": bot.secret_token} if bot.secret_token else {}
        try:
            answer = await self._http.post(bot.webhook["url"], json=update, headers=headers)
        except httpx.TransportError as error:
            problem = f"Connection failed: {type(error).__name__}"
        else:
            if answer.is_success:
                return True
            problem = f"Wrong response from the webhook: {answer.status_code} {answer.reason_phrase}"
        bot.webhook |= {"last_error_date": self.world.now(), "last_error_message": problem}
        return False

    async def _control(self, request: Request) -> Response:
        """What a person at a phone does, for the program: `{"as": "Dana", "say": "…"}` answers with the chat."""
        wish = await request.json()
        bot = next(iter(self.world.bots.values()))
        person = self.world.person(wish["as"])
        phone = self.world.phone(person, bot)
        if "say" in wish:
            phone.say(wish["say"])
        if "press" in wish:
            phone.press(wish["press"])
        await asyncio.sleep(float(wish.get("wait", 0)))
        return JSONResponse(phone.messages)


def _chat_of(update: dict[str, Any]) -> int:
    for value in update.values():
        if isinstance(value, dict):
            chat = value.get("chat") or value.get("message", {}).get("chat") or {}
            return int(chat.get("id", 0))
    return 0


def _parameters(request: Request, body: bytes) -> dict[str, Any]:
    """Whichever way they come; values that are JSON are decoded, uploads are `Upload`s."""
    found: dict[str, Any] = dict(request.query_params)
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        found |= json.loads(body or b"{}")
    elif kind.startswith("multipart/form-data"):
        found |= _multipart(kind, body)
    else:
        found |= dict(parse_qsl(body.decode(), keep_blank_values=True))
    return {name: _decoded(name, value) for name, value in found.items()}


def _decoded(name: str, value: Any) -> Any:
    if isinstance(value, str) and name not in ("text", "caption", "callback_query_id", "url", "secret_token"):
        with suppress(ValueError):
            return json.loads(value)
    return value


def _multipart(kind: str, body: bytes) -> dict[str, Any]:
    parsed = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    found: dict[str, Any] = {}
    for part in parsed.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        filename = part.get_filename()
        found[str(name)] = Upload(filename, content) if filename else content.decode()
    return found


async def main(port: int) -> None:
    server = TelegramServer()
    bot = server.world.bot("acme_help_bot")
    await server.up(port)
    sys.stdout.write(f"TELEGRAM_API_URL={server.url} token: {bot.token}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
