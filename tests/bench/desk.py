"""The desk in Slack, under the load of a hundred chats: how soon a ticket is there, and a button acknowledged."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from tests.bench.load import Measured, ask, crowd, visitor
from tests.bench.rows import HUMAN_PAUSE, Row, quantile
from tests.bench.server import Server, serving
from tests.slack_people import ByHttp, People
from tests.standins.slack_server import SIGNING_SECRET, SlackServer
from tests.standins.slack_state import Channel, Message, User
from web.demo.load import ADMIN_EMAIL, LOGIN_FILE

WISH = "I want to talk to a human"


async def desk_under_load(questions: Sequence[str], seconds: float) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        async with SlackServer() as slack:
            settings = {"SLACK_API_URL": slack.url, "DESKHAND_SLACK_SIGNING_SECRET": SIGNING_SECRET}
            path = Path(folder)
            with serving(path, "demo", **settings) as server:
                return await _measured(slack, server, (path / LOGIN_FILE).read_text().strip(), questions, seconds)


async def _measured(
    slack: SlackServer, server: Server, password: str, questions: Sequence[str], seconds: float
) -> list[Row]:
    async with httpx.AsyncClient(base_url=server.base, verify=False, timeout=30) as http:
        admin, desk = await _connected(slack, http, password)
        load = asyncio.create_task(crowd(server.base, questions, 100, seconds, HUMAN_PAUSE))
        people, shown, acks = People(slack, ByHttp(http)), [], []
        while not load.done():
            asked, message = time.perf_counter(), await _ticket(server, desk)
            shown.append((time.perf_counter() - asked) * 1000)
            clicked = time.perf_counter()
            (await people.click(admin, message, "take")).raise_for_status()
            acks.append((time.perf_counter() - clicked) * 1000)
            await asyncio.sleep(0.2)
        measured = await load
    note = f"{len(acks)} tickets and clicks beside {len(measured.replies)} answers"
    return [
        Row("Slack button acknowledged beside 100 chats, p99", quantile(acks, 0.99), "ms", 300, note=note),
        Row("… customer's message to ticket in Slack, p95", quantile(shown, 0.95), "ms", 1000),
    ]


async def _connected(slack: SlackServer, http: httpx.AsyncClient, password: str) -> tuple[User, Channel]:
    team = slack.team("T1")
    admin = slack.person(team, "Ada", ADMIN_EMAIL)
    desk = slack.channel(team, "desk", admin)
    token = slack.install(team, desk)
    (await http.post("/api/v1/session", json={"email": ADMIN_EMAIL, "password": password})).raise_for_status()
    channel = {"kind": "slack", "name": "Slack", "settings": {"channel": desk.id}, "secrets": {"bot_token": token}}
    (await http.post("/api/v1/channels", json=channel)).raise_for_status()
    return admin, desk


async def _ticket(server: Server, desk: Channel) -> Message:
    """A new one, as soon as it is there."""
    known = {message.ts for message in desk.parents}
    async with visitor(server.base) as socket:
        await ask(socket, WISH, Measured())
    while True:
        found = [message for message in desk.parents if message.ts not in known]
        if found:
            return found[0]
        await asyncio.sleep(0.002)
