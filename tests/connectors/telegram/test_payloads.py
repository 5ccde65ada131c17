"""Updates as core.telegram.org/bots/api describes them, through the real webhook address: what is stored of each.

Each file has the `update`, the texts that are `stored`, and the name under which it is counted if it is `ignored`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from connectors.telegram.client import secret_token
from core.models import Attachment, Message
from tests import phones
from tests.phones import Line
from tests.rows import rows
from tests.standins.telegram_server import TelegramServer

UPDATES = sorted(Path(__file__).with_name("updates").glob("*.json"))


@pytest_asyncio.fixture
async def called(telegram_helpdesk: Any, telegram_acme: Any, telegram: TelegramServer) -> AsyncIterator[Line]:
    """acme's bot, which Telegram calls, in groups too."""
    async with phones.connected(telegram_helpdesk, telegram_acme, telegram, "webhook", groups=True) as line:
        yield line


async def call(line: Line, update: Any, secret: str | None = None) -> int:
    secret = secret_token(line.helpdesk.settings, line.channel) if secret is None else secret
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
    async with httpx.AsyncClient(base_url=line.base) as http:
        answer = await http.post(f"/telegram/{line.channel.public_key}", json=update, headers=headers)
    return answer.status_code


def case_of(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def ignored(kind: str) -> float:
    return REGISTRY.get_sample_value("deskhand_telegram_ignored_updates_total", {"kind": kind}) or 0.0


@pytest.mark.parametrize("file", UPDATES, ids=lambda file: file.stem)
async def test_what_is_stored_of_an_update(called: Line, file: Path) -> None:
    case = case_of(file)
    counted = case.get("ignored", "nothing")
    before = ignored(counted)
    for _ in range(2):
        assert await call(called, case["update"]) == 200
    stored = await rows(called.helpdesk.db, called.shop.id, Message, author="customer")
    assert [message.text for message in stored] == case["stored"]
    assert ignored(counted) - before == (2 if "ignored" in case else 0)
    assert await rows(called.helpdesk.db, called.shop.id, Attachment) == []


async def test_a_call_without_the_secret_or_of_garbage_changes_nothing(called: Line) -> None:
    update = case_of(UPDATES[0])["update"]
    assert await call(called, update, "") == 401
    assert await call(called, update, "wrong") == 401
    for garbage in ([], 7, "text", None, {"message": 7}, {"update_id": "x", "message": {"chat": []}}):
        assert await call(called, garbage) == 400, garbage
    assert await call(called, {"update_id": 7, "message": {"chat": []}}) == 200, "or it would come again for ever"
    assert await rows(called.helpdesk.db, called.shop.id, Message) == []
