"""The helpdesk of these tests has a slow encoder to stop turns at, and a channel kind whose vendor is a fake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
import structlog
from structlog.processors import KeyValueRenderer

from core.helpdesk import Helpdesk, Parts
from core.models import Channel, new_id
from core.nlp.encoder import Encoder, Vector
from core.nlp.sentiment import SentimentModel
from core.outbox import Connected
from core.settings import Settings
from tests import cast
from tests.conftest import running
from tests.fakes import FakeDesk, FakeSender, SlowEncoder

Connecting = Callable[[Parts], Connected]


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """structlog's own default draws each traceback with all its locals, which takes seconds."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.format_exc_info, KeyValueRenderer()]
    )


@pytest.fixture(scope="session")
def known_vectors() -> dict[str, Vector]:
    return {}


@pytest.fixture
def slow(encoder: Encoder, known_vectors: dict[str, Vector]) -> SlowEncoder:
    """As quick as the real one until its gate is closed."""
    return SlowEncoder(encoder, known_vectors)


@pytest.fixture
def sender() -> FakeSender:
    """Who flies for channels of the kind `pigeon`."""
    return FakeSender()


@pytest.fixture
def board() -> FakeDesk:
    """What the agents see, for channels of the kind `board`."""
    return FakeDesk()


@pytest.fixture
def connecting(sender: FakeSender, board: FakeDesk) -> Connecting:
    return lambda _: Connected({"pigeon": sender}, {"board": board})


@pytest_asyncio.fixture
async def helpdesk(
    migrated_settings: Settings, slow: SlowEncoder, sentiment: SentimentModel, connecting: Connecting
) -> AsyncIterator[Helpdesk]:
    async with running(migrated_settings, connecting, encoder=slow, sentiment=sentiment) as helpdesk:
        yield helpdesk


@pytest_asyncio.fixture
async def any_helpdesk(
    any_settings: Settings, slow: SlowEncoder, sentiment: SentimentModel, connecting: Connecting
) -> AsyncIterator[Helpdesk]:
    async with running(any_settings, connecting, encoder=slow, sentiment=sentiment) as helpdesk:
        yield helpdesk


@pytest_asyncio.fixture
async def idle(
    any_settings: Settings, slow: SlowEncoder, sentiment: SentimentModel, connecting: Connecting
) -> AsyncIterator[Helpdesk]:
    """On both databases, without a worker: nothing happens until a test's own hands do it."""
    async with running(any_settings, connecting, work=False, encoder=slow, sentiment=sentiment) as helpdesk:
        yield helpdesk


@pytest_asyncio.fixture
async def any_acme(any_helpdesk: Helpdesk) -> cast.Shop:
    return await cast.acme(any_helpdesk)


@pytest_asyncio.fixture
async def idle_acme(idle: Helpdesk) -> cast.Shop:
    return await cast.acme(idle)


@pytest_asyncio.fixture
async def pigeon(idle: Helpdesk, idle_acme: cast.Shop) -> Channel:
    """acme's channel of the fake kind."""
    async with idle.db.write(idle_acme.id) as scope:
        return scope.add(Channel(id=new_id(), kind="pigeon", name="Pigeon post", public_key="pigeon-key"))
