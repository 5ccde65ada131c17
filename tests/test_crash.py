"""Laws 1 and 2 for real: a serving process is killed without warning, and nothing is lost or said twice."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
import websockets

from tests import servers
from tests.visitors import Chat, Frame, session, tab
from web.demo.load import SITE_KEY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
VISITORS = 50
ENDED = (0, -signal.SIGTERM)
QUESTIONS = (
    "How long does delivery take?",
    "Who pays for return postage?",
    "Which jacket size should I take?",
    "Do you sell helicopters for the moon?",
    "I want to talk to a human",
)


@dataclass(slots=True)
class Asked:
    """What one visitor sent, and what they know of it."""

    token: str
    text: str
    progress: asyncio.Event
    """Set whenever something here has changed."""
    id: str = field(default_factory=lambda: str(uuid4()))
    acknowledged: bool = False
    replied: bool = False

    async def ask(self, base: str) -> None:
        """Asks, and listens until the line is cut."""
        with suppress(websockets.ConnectionClosed, OSError):
            async with tab(base, self.token) as chat:
                await chat.say(self.text, self.id)
                await self._listen(chat)

    async def _listen(self, chat: Chat) -> None:
        await chat.until("ack", lambda frame: frame["id"] == self.id)
        self.acknowledged = True
        self.progress.set()
        await chat.reply()
        self.replied = True
        self.progress.set()
        await chat.socket.wait_closed()


@dataclass(frozen=True, slots=True)
class Moment:
    """When the process dies."""

    name: str
    reached: Callable[[list[Asked]], bool]


def _some(count: int, of: Callable[[Asked], bool]) -> Callable[[list[Asked]], bool]:
    return lambda crowd: sum(map(of, crowd)) >= count


MOMENTS = (
    Moment("as the first message is stored", _some(1, lambda asked: asked.acknowledged)),
    Moment("while all are stored", _some(random.randint(20, 45), lambda asked: asked.acknowledged)),
    Moment("while all are answered", _some(random.randint(5, 30), lambda asked: asked.replied)),
)


async def crowd_asks(base: str, moment: Moment, process: servers.Process) -> list[Asked]:
    sessions = await asyncio.gather(*(session(base, SITE_KEY) for _ in range(VISITORS)))
    progress = asyncio.Event()
    crowd = [Asked(found["token"], QUESTIONS[i % len(QUESTIONS)], progress) for i, found in enumerate(sessions)]
    asking = [asyncio.create_task(asked.ask(base)) for asked in crowd]
    async with asyncio.timeout(20):
        while not moment.reached(crowd):
            await progress.wait()
            progress.clear()
    process.kill()
    await asyncio.gather(*asking)
    return crowd


async def come_back(base: str, asked: Asked) -> None:
    """As a browser does after the line was cut: what was not acknowledged is sent again under its id."""
    async with tab(base, asked.token) as chat:
        if not asked.acknowledged:
            await chat.say(asked.text, asked.id)
            await chat.until("ack", lambda frame: frame["id"] == asked.id)

        if len(await messages(chat)) < 2:
            await chat.reply()
        shown = await messages(chat)
    assert [message["id"] for message in shown][:1] == [asked.id]
    assert [message["author"] for message in shown] == ["customer", "ai"], asked.text


async def messages(chat: Chat) -> list[Frame]:
    return [frame["message"] for frame in await chat.history() if frame["type"] == "message"]


def replies(data_dir: Path) -> dict[str, tuple[str, int, int]]:
    """By the id that the visitor gave: the message's state, how many replies and how many open tickets it has."""
    with closing(sqlite3.connect(data_dir / "deskhand.db")) as database:
        found = database.execute(
            "SELECT q.external_id, q.state, (SELECT count(*) FROM messages r WHERE r.reply_to_id = q.id),"
            " (SELECT count(*) FROM tickets t WHERE t.conversation_id = q.conversation_id)"
            " FROM messages q WHERE q.author = 'customer'"
        )
        return {external_id.rpartition(":")[2]: (state, sent, opened) for external_id, state, sent, opened in found}


async def test_whoever_was_acknowledged_gets_one_answer_or_ticket_however_often_we_are_killed(tmp_path: Path) -> None:
    everybody: list[Asked] = []
    waiting: list[Asked] = []
    for start, moment in zip(("demo", "serve", "serve"), MOMENTS, strict=True):
        with servers.started(tmp_path, start) as process:
            await asyncio.gather(*(come_back(process.base, asked) for asked in waiting))
            everybody += waiting
            waiting = await crowd_asks(process.base, moment, process)
        stored = replies(tmp_path)
        lost = [asked for asked in waiting if asked.acknowledged and asked.id not in stored]
        assert not lost, moment.name
        assert any(stored[asked.id][0] != "done" for asked in waiting if asked.id in stored), moment.name
    with servers.started(tmp_path, "serve") as process:
        await asyncio.gather(*(come_back(process.base, asked) for asked in waiting))
        everybody += waiting
        assert process.stop() in ENDED
    stored = replies(tmp_path)
    assert len(everybody) == len(stored) == VISITORS * len(MOMENTS)
    wrong = {asked.text: stored[asked.id] for asked in everybody if stored[asked.id][:2] != ("done", 1)}
    assert not wrong
    people = [stored[asked.id][2] for asked in everybody if asked.text == QUESTIONS[4]]
    assert people == [1] * len(people)
    assert b"Traceback" not in (tmp_path / "server.log").read_bytes()
