"""A serving process is killed between Telegram's update and its acknowledgement, in both modes; nothing is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests import servers
from tests.phones import Mode
from tests.standins.telegram_server import TelegramServer
from tests.standins.telegram_world import Bot, Phone
from tests.waiting import until
from web.demo.load import ADMIN_EMAIL, LOGIN_FILE

PEOPLE = 30
AT_ONCE = 16
"""Deliveries that one worker has on their way at most: only those may be repeated by a kill."""
QUESTION = "How long does delivery take?"


async def connect_demo(base: str, data_dir: Path, token: str, mode: str) -> None:
    """As the admin does in the console."""
    async with httpx.AsyncClient(base_url=base) as http:
        password = (data_dir / LOGIN_FILE).read_text().strip()
        signed_in = await http.post("/api/v1/session", json={"email": ADMIN_EMAIL, "password": password})
        assert signed_in.status_code == 200, signed_in.text
        channel = {"kind": "telegram", "name": "Bot", "settings": {"mode": mode}, "secrets": {"token": token}}
        made = await http.post("/api/v1/channels", json=channel)
        assert made.status_code == 201, made.text


def stored(data_dir: Path) -> dict[str, int]:
    """How often each customer's question was answered, by the external id."""
    with closing(sqlite3.connect(data_dir / "deskhand.db", timeout=5)) as database:
        found = database.execute(
            "SELECT external_id, (SELECT count(*) FROM messages r WHERE r.reply_to_id = m.id) FROM messages m"
            " WHERE m.author = 'customer'"
        )
        return dict(found.fetchall())


@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_kill_9_between_receipt_and_acknowledgement_loses_nothing(
    telegram: TelegramServer, tmp_path: Path, mode: Mode
) -> None:
    bot = telegram.world.bot("demo_bot")
    port = servers.free_port()
    settings = {"TELEGRAM_API_URL": telegram.url, "DESKHAND_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    phones: list[Phone] = []

    async def some_stored() -> bool:
        return len(stored(tmp_path)) > len(phones) - PEOPLE

    async def some_answered() -> bool:
        return sum(bool(phone.received) for phone in phones) > len(phones) - PEOPLE + 5

    for start, moment in (("demo", some_stored), ("serve", some_answered)):
        async with _serving(tmp_path, start, port, settings) as process:
            if start == "demo":
                await connect_demo(process.base, tmp_path, bot.token, mode)
            await until(lambda: _connected(bot, mode), patience=20)
            await _everybody_asks(telegram, bot, phones)
            await until(moment, patience=30)
            process.kill()
    async with _serving(tmp_path, "serve", port, settings) as process:

        async def all_answered() -> bool:
            return all(phone.received for phone in phones) and not bot.updates

        await until(all_answered, patience=60)
        assert process.stop() in (0, -15)
    answers = stored(tmp_path)
    assert len(answers) == len(phones) == 2 * PEOPLE
    assert set(answers.values()) == {1}
    repeated = sum(len(phone.received) - 1 for phone in phones)
    assert repeated <= 2 * AT_ONCE
    assert telegram.world.refused_for_pace <= 2 * AT_ONCE, "only a new process forgets what the killed one had sent"
    assert b"Traceback" not in (tmp_path / "server.log").read_bytes()


class _serving:  # noqa: N801  # reads as what it does
    """`servers.started`, whose waiting must not hold up the stand-in's event loop."""

    def __init__(self, data_dir: Path, word: str, port: int, settings: dict[str, str]) -> None:
        self._manager = servers.started(data_dir, word, port=port, **settings)

    async def __aenter__(self) -> servers.Process:
        return await asyncio.to_thread(self._manager.__enter__)

    async def __aexit__(self, *error: object) -> None:
        await asyncio.to_thread(self._manager.__exit__, None, None, None)


async def _connected(bot: Bot, mode: Mode) -> bool:
    return bool(bot.webhook["url"]) if mode == "webhook" else bot.pollers > 0


async def _everybody_asks(telegram: TelegramServer, bot: Bot, phones: list[Phone]) -> None:
    begun = len(phones)
    for number in range(begun, begun + PEOPLE):
        phone = telegram.world.phone(telegram.world.person(f"Person {number}"), bot)
        phones.append(phone)
        phone.say(QUESTION)
