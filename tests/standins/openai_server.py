"""A local server that speaks OpenAI's chat completions, refuses what the vendor refuses, and fails on demand.

    async with OpenAIServer() as server:
        server.replies(answer(("We deliver in two days.", [1])), Reply(status=500))

Replies are given in order, the last one again and again. `python -m tests.standins.openai_server` serves one answer
for trying things by hand. https://developers.openai.com/api/reference/resources/chat
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

MODEL = "stand-in-1"
KEY = "sk-a-test-key"
KNOWN = {
    "frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "messages", "metadata",
    "model", "n", "parallel_tool_calls", "presence_penalty", "response_format", "seed", "stop", "store", "stream",
    "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user",
}  # fmt: skip
ROLES = {"system", "developer", "user", "assistant", "tool", "function"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server does with one request; by default it says `content` in small pieces."""

    content: str = ""
    status: int = 200
    code: str | None = None
    message: str = "The server had an error while processing your request."
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    before_s: float = 0.0
    """Silence before the first byte."""
    between_s: float = 0.0
    """Silence between two pieces; with `keepalive`, comments are sent meanwhile."""
    keepalive: bool = False
    piece: int = 12
    """Characters an event."""
    drop_after: int | None = None
    """Pieces after which the connection is cut."""
    finish_reason: str = "stop"
    raw: bytes | None = None
    """Sent as the stream's body instead."""


def answer(*sentences: tuple[str, list[int]], enough: bool = True, **fields: Any) -> Reply:
    """The JSON that a well-behaved model writes."""
    said = [{"text": text, "citations": citations} for text, citations in sentences]
    return Reply(json.dumps({"enough_information": enough, "sentences": said}), **fields)


class Refusal(Exception):
    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code


class OpenAIServer:
    def __init__(self, *replies: Reply, unsupported: Sequence[str] = ()) -> None:
        self._replies = list(replies)
        self._unsupported = unsupported
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.requests: list[dict[str, Any]] = []
        """The bodies of accepted requests."""
        self.refused: list[Refusal] = []
        self.url = ""

    def replies(self, *replies: Reply) -> None:
        self._replies = list(replies)

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.down()

    async def up(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def down(self) -> None:
        """From now on connections are refused; open ones are cut."""
        if self._server:
            self._server.close()
            for task in tuple(self._connections):
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            await self._server.wait_closed()
        self._server = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; says whether the connection stays open."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, path, _ = head.split(" ", 2)
        lines = (line.partition(":") for line in head.split("\r\n")[1:])
        headers = {name.lower(): value.strip() for name, _, value in lines}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        try:
            request = self._accepted(method, path, headers, body)
        except Refusal as refusal:
            self.refused.append(refusal)
            await _send_error(writer, refusal, {})
            return True
        self.requests.append(request)
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        await asyncio.sleep(reply.before_s)
        if reply.status != 200:
            refusal = Refusal(reply.status, reply.message, reply.param, reply.code)
            await _send_error(writer, refusal, reply.headers)
            return True
        if request.get("stream"):
            return await _stream(writer, request, reply)
        await _send(writer, 200, _completion(request, reply), {})
        return True

    def _accepted(self, method: str, path: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        if (method, path) != ("POST", "/v1/chat/completions"):
            raise Refusal(404, f"Invalid URL ({method} {path})")
        if headers.get("authorization") != f"Bearer {KEY}":
            raise Refusal(401, "Incorrect API key provided.", code="invalid_api_key")
        try:
            request = json.loads(body)
        except ValueError:
            raise Refusal(400, "We could not parse the JSON body of your request.") from None
        _check(request, self._unsupported)
        return dict(request)


def _check(request: Any, unsupported: Sequence[str]) -> None:
    if not isinstance(request, dict) or not request.get("model"):
        raise Refusal(400, "you must provide a model parameter")
    if request["model"] != MODEL:
        raise Refusal(404, f"The model `{request['model']}` does not exist.", "model", "model_not_found")
    for name in request.keys() - KNOWN:
        raise Refusal(400, f"Unrecognized request argument supplied: {name}", name)
    for name in [name for name in unsupported if name in request]:
        message = f"Unsupported parameter: '{name}' is not supported with this model."
        raise Refusal(400, message, name, "unsupported_parameter")
    _check_messages(request.get("messages"))
    temperature = request.get("temperature", 1)
    if not isinstance(temperature, int | float) or not 0 <= temperature <= 2:
        raise Refusal(400, f"Invalid 'temperature': {temperature!r}.", "temperature")
    if "stream_options" in request and not request.get("stream"):
        raise Refusal(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
    _check_format(request.get("response_format", {"type": "text"}))


def _check_messages(messages: Any) -> None:
    if not isinstance(messages, list) or not messages:
        raise Refusal(400, "Invalid 'messages': empty array. Expected an array with minimum length 1.", "messages")
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise Refusal(400, f"Invalid value for 'messages[{number}].role'.", f"messages.[{number}].role")
        content = message.get("content")
        if not isinstance(content, str | list) and message["role"] != "assistant":
            raise Refusal(400, f"Invalid value for 'content': got {content!r}.", f"messages.[{number}].content")


def _check_format(wanted: Any) -> None:
    if not isinstance(wanted, dict) or wanted.get("type") not in ("text", "json_object", "json_schema"):
        raise Refusal(400, "Invalid value for 'response_format.type'.", "response_format")
    if wanted["type"] != "json_schema":
        return
    described = wanted.get("json_schema")
    if not isinstance(described, dict) or not described.get("name"):
        raise Refusal(400, "Missing required parameter: 'response_format.json_schema.name'.", "response_format")
    if described.get("strict"):
        _check_strict(described.get("schema", {}), described["name"])


def _check_strict(schema: Any, name: str) -> None:
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            raise Refusal(400, f"Invalid schema for response_format '{name}': 'additionalProperties' is required to be supplied and to be false.", "response_format")  # noqa: E501
        if set(schema.get("required", ())) != set(schema.get("properties", {})):
            raise Refusal(400, f"Invalid schema for response_format '{name}': 'required' is required to be supplied and to be an array including every key in properties.", "response_format")  # noqa: E501
        for part in schema["properties"].values():
            _check_strict(part, name)
    if schema.get("type") == "array":
        _check_strict(schema["items"], name)


async def _stream(writer: asyncio.StreamWriter, request: dict[str, Any], reply: Reply) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    if reply.raw is not None:
        await _piece(writer, reply.raw)
    else:
        await _event(writer, request, {"role": "assistant", "content": ""}, None)
        for number, start in enumerate(range(0, len(reply.content), reply.piece)):
            if number == reply.drop_after:
                return False
            await _wait(writer, reply)
            await _event(writer, request, {"content": reply.content[start : start + reply.piece]}, None)
        await _event(writer, request, {}, reply.finish_reason)
        await _piece(writer, b"data: [DONE]\n\n")
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


async def _wait(writer: asyncio.StreamWriter, reply: Reply) -> None:
    if not reply.keepalive:
        await asyncio.sleep(reply.between_s)
        return
    for _ in range(10):
        await asyncio.sleep(reply.between_s / 10)
        await _piece(writer, b": keepalive\n\n")


async def _event(writer: asyncio.StreamWriter, request: Any, delta: Any, finish: str | None) -> None:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    event = _envelope(request, "chat.completion.chunk") | {"choices": [choice]}
    await _piece(writer, b"data: " + json.dumps(event).encode() + b"\n\n")


async def _piece(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))
    await writer.drain()


def _completion(request: dict[str, Any], reply: Reply) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.content, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish_reason}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return _envelope(request, "chat.completion") | {"choices": [choice], "usage": usage}


def _envelope(request: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": request["model"]}


async def _send_error(writer: asyncio.StreamWriter, refusal: Refusal, headers: dict[str, str]) -> None:
    kind = "server_error" if refusal.status >= 500 else "invalid_request_error"
    error = {"message": refusal.message, "type": kind, "param": refusal.param, "code": refusal.code}
    await _send(writer, refusal.status, {"error": error}, headers)


async def _send(writer: asyncio.StreamWriter, status: int, body: dict[str, Any], headers: dict[str, str]) -> None:
    data = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} .", "Content-Type: application/json", f"Content-Length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + data)
    await writer.drain()


async def main(port: int) -> None:
    server = OpenAIServer(answer(("This sentence is made up.", [1])))
    await server.up(port)
    sys.stdout.write(f"OPENAI_BASE_URL={server.url} OPENAI_API_KEY={KEY} DESKHAND_LLM_MODEL={MODEL}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
