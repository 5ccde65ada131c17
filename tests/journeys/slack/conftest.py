from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from core.helpdesk import Helpdesk
from core.nlp.encoder import Encoder
from core.nlp.sentiment import SentimentModel
from core.settings import Settings
from tests import cast
from tests.conftest import running
from tests.journeys.slack.scene import Scene, open_desk
from tests.standins.slack_server import CLIENT_ID, CLIENT_SECRET, SIGNING_SECRET, SlackServer
from tests.web.clients import client_of


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as server:
        yield server


@pytest.fixture
def slack_settings(migrated_settings: Settings, slack: SlackServer) -> Settings:
    return migrated_settings.model_copy(
        update={
            "slack_api_url": slack.url,
            "slack_signing_secret": SecretStr(SIGNING_SECRET),
            "slack_client_id": CLIENT_ID,
            "slack_client_secret": SecretStr(CLIENT_SECRET),
        }
    )


@pytest_asyncio.fixture
async def helpdesk(slack_settings: Settings, encoder: Encoder, sentiment: SentimentModel) -> AsyncIterator[Helpdesk]:
    async with running(slack_settings, encoder=encoder, sentiment=sentiment) as helpdesk:
        yield helpdesk


@pytest_asyncio.fixture
async def http(helpdesk: Helpdesk) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(helpdesk) as client:
        yield client


@pytest_asyncio.fixture
async def scene(helpdesk: Helpdesk, acme: cast.Shop, slack: SlackServer, http: httpx.AsyncClient) -> Scene:
    return await open_desk(helpdesk, acme, slack, http)
