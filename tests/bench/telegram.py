"""A hundred people on Telegram at once, against the stand-in with Telegram's limits switched on."""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tests.bench.rows import Row
from tests.bench.server import serving
from tests.connectors.telegram.test_crash import connect_demo
from tests.standins.telegram_server import TelegramServer
from tests.standins.telegram_world import Bot, Json, Phone
from tests.waiting import until

PEOPLE = 100
PATIENCE_S = 30.0
PAUSES_S = ((8.0, 12.0), (4.0, 6.0))
"""Together 10 and 20 questions a second: a third and two thirds of the messages that Telegram lets a bot write. At the
second, questions that come in bursts wait for Telegram's second to pass."""


def hundred_people(questions: Sequence[str], seconds: float) -> Iterator[Row]:
    for pause in PAUSES_S:
        yield asyncio.run(_measure(questions, seconds, pause))


async def _measure(questions: Sequence[str], seconds: float, pause: tuple[float, float]) -> Row:
    telegram = TelegramServer()
    await telegram.up()
    bot = telegram.world.bot("demo_bot")
    asked: dict[int, list[float]] = defaultdict(list)
    took: list[float] = []

    def arrived(message: Json) -> None:
        if begun := asked[message["chat"]["id"]]:  # in order, as answers are
            took.append((time.perf_counter() - begun.pop(0)) * 1000)

    async def talk(phone: Phone, end: float) -> int:
        await asyncio.sleep(random.uniform(0, pause[1]))
        number = 0
        while time.perf_counter() < end:
            asked[phone.chat.id].append(time.perf_counter())
            phone.say(random.choice(questions))
            number += 1
            await asyncio.sleep(random.uniform(*pause))
        return number

    telegram.world.on_sent = arrived
    with tempfile.TemporaryDirectory() as folder:
        manager = serving(Path(folder), TELEGRAM_API_URL=telegram.url)
        server = await asyncio.to_thread(manager.__enter__)
        try:
            await connect_demo(server.base, Path(folder), bot.token, "polling")
            people = [telegram.world.phone(telegram.world.person(f"Person {n}"), bot) for n in range(PEOPLE)]
            await until(lambda: _listens(bot))
            end, cpu = time.perf_counter() + seconds, server.cpu_seconds()
            said = sum(await asyncio.gather(*(talk(phone, end) for phone in people)))
            with suppress(TimeoutError):
                await until(lambda: _all_answered(took, said), PATIENCE_S)
            cpu_ms = (server.cpu_seconds() - cpu) / max(len(took), 1) * 1000
        finally:
            await asyncio.to_thread(manager.__exit__, None, None, None)
    refused = telegram.world.refused_for_pace
    await telegram.down()
    p95, p50 = statistics.quantiles(took, n=20)[-1], statistics.median(took)
    note = (
        f"p50 {p50:.0f} ms, {said} asked, {said - len(took)} unanswered, {refused} times 429, {cpu_ms:.0f} ms CPU each"
    )
    name = f"100 people on Telegram, each every {pause[0]:.0f} to {pause[1]:.0f} s, p95"
    return Row(name, p95, "ms", 200, note=note)


async def _all_answered(took: list[float], said: int) -> bool:
    return len(took) >= said


async def _listens(bot: Bot) -> bool:
    return bot.pollers > 1
