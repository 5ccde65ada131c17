"""Fixtures for whoever tests against Telegram's stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest
import pytest_asyncio
from pydantic import HttpUrl

from connectors.registry import connect
from core.helpdesk import Helpdesk, Parts
from core.nlp.encoder import Encoder
from core.nlp.sentiment import SentimentModel
from core.outbox import Connected
from core.settings import Settings
from tests import cast, phones
from tests.conftest import running
from tests.fakes import FakeMailer
from tests.standins.telegram_server import TelegramServer

QUESTIONS = ["How long does delivery take?", "Can I pay with PayPal?"]


@pytest_asyncio.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    server = TelegramServer()
    await server.up()
    yield server
    await server.down()


@pytest.fixture
def mailer() -> FakeMailer:
    return FakeMailer()


Running = Callable[[Settings], AbstractAsyncContextManager[Helpdesk]]


@pytest.fixture
def at_telegram(telegram: TelegramServer, encoder: Encoder, sentiment: SentimentModel, mailer: FakeMailer) -> Running:
    """Runs a helpdesk whose Telegram is the stand-in."""

    def connecting(parts: Parts) -> Connected:
        return replace(connect(parts), mailer=mailer)

    def run(settings: Settings) -> AbstractAsyncContextManager[Helpdesk]:
        settings = settings.model_copy(update={"telegram_api_url": HttpUrl(telegram.url)})
        return running(settings, connecting, encoder=encoder, sentiment=sentiment)

    return run


@pytest_asyncio.fixture
async def telegram_helpdesk(migrated_settings: Settings, at_telegram: Running) -> AsyncIterator[Helpdesk]:
    async with at_telegram(migrated_settings) as helpdesk:
        yield helpdesk


async def _acme(helpdesk: Helpdesk) -> cast.Shop:
    greeting = {"assistant_name": "Robin", "greeting": "Welcome to Acme!", "suggestions": QUESTIONS}
    return await cast.acme(helpdesk, settings=greeting)


@pytest_asyncio.fixture
async def telegram_acme(telegram_helpdesk: Helpdesk) -> cast.Shop:
    return await _acme(telegram_helpdesk)


@pytest_asyncio.fixture
async def line(
    telegram_helpdesk: Helpdesk, telegram_acme: cast.Shop, telegram: TelegramServer
) -> AsyncIterator[phones.Line]:
    """acme's bot, by polling."""
    async with phones.connected(telegram_helpdesk, telegram_acme, telegram) as line:
        yield line


@pytest_asyncio.fixture(params=["polling", "webhook"])
async def any_line(
    request: pytest.FixtureRequest, any_settings: Settings, at_telegram: Running, telegram: TelegramServer
) -> AsyncIterator[phones.Line]:
    """The same in both modes, on each database."""
    async with at_telegram(any_settings) as helpdesk:
        shop = await _acme(helpdesk)
        async with phones.connected(helpdesk, shop, telegram, request.param) as line:
            yield line


@pytest_asyncio.fixture
async def group_line(
    telegram_helpdesk: Helpdesk, telegram_acme: cast.Shop, telegram: TelegramServer
) -> AsyncIterator[phones.Line]:
    """acme's bot, in groups too."""
    async with phones.connected(telegram_helpdesk, telegram_acme, telegram, groups=True) as line:
        yield line
