from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from core.helpdesk import Helpdesk, Parts
from core.models import Channel, new_id
from core.nlp.encoder import Encoder
from core.nlp.sentiment import SentimentModel
from core.outbox import Connected
from core.settings import Settings
from tests import cast
from tests.conftest import running
from tests.fakes import FakeSender
from tests.journeys.slack.scene import Scene, open_desk
from tests.standins.slack_server import CLIENT_ID, CLIENT_SECRET, SIGNING_SECRET, SlackServer
from tests.web.clients import client_of
from web.connecting import connect


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as server:
        yield server


@pytest.fixture
def database(migrated_settings: Settings) -> Settings:
    """The embedded one; a file of tests may ask for both."""
    return migrated_settings


@pytest.fixture
def slack_settings(database: Settings, slack: SlackServer) -> Settings:
    return database.model_copy(
        update={
            "slack_api_url": slack.url,
            "slack_signing_secret": SecretStr(SIGNING_SECRET),
            "slack_client_id": CLIENT_ID,
            "slack_client_secret": SecretStr(CLIENT_SECRET),
        }
    )


@pytest.fixture
def pigeons() -> FakeSender:
    """Who flies to customers that do not use the chat."""
    return FakeSender()


@pytest.fixture
def connecting(pigeons: FakeSender) -> Callable[[Parts], Connected]:
    def connect_all(parts: Parts) -> Connected:
        connected = connect(parts)
        return Connected({**connected.senders, "pigeon": pigeons}, connected.desks)

    return connect_all


@pytest_asyncio.fixture
async def helpdesk(
    slack_settings: Settings,
    encoder: Encoder,
    sentiment: SentimentModel,
    connecting: Callable[[Parts], Connected],
) -> AsyncIterator[Helpdesk]:
    async with running(slack_settings, connecting, encoder=encoder, sentiment=sentiment) as helpdesk:
        yield helpdesk


@pytest_asyncio.fixture
async def pigeon_post(helpdesk: Helpdesk, acme: cast.Shop) -> Channel:
    """acme's channel whose messages have to be sent."""
    async with helpdesk.db.write(acme.id) as scope:
        return scope.add(Channel(id=new_id(), kind="pigeon", name="Pigeon post", public_key="pigeon-key"))


@pytest_asyncio.fixture
async def http(helpdesk: Helpdesk) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(helpdesk) as client:
        yield client


@pytest_asyncio.fixture
async def scene(helpdesk: Helpdesk, acme: cast.Shop, slack: SlackServer, http: httpx.AsyncClient) -> Scene:
    return await open_desk(helpdesk, acme, slack, http)
