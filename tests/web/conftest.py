from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from core.helpdesk import Helpdesk
from core.nlp.encoder import Encoder
from core.nlp.sentiment import SentimentModel
from core.settings import Settings
from tests import cast
from tests.conftest import running
from tests.web.clients import as_sam, client_of


@pytest_asyncio.fixture
async def api(http: httpx.AsyncClient, acme: cast.Shop) -> httpx.AsyncClient:
    """acme's program."""
    http.headers["authorization"] = f"Bearer {acme.api_key}"
    return http


@pytest_asyncio.fixture
async def sam(http: httpx.AsyncClient, acme: cast.Shop) -> httpx.AsyncClient:
    """acme's agent, signed in to the console in a browser."""
    return await as_sam(http, acme)


@pytest_asyncio.fixture
async def postgres_helpdesks(
    postgres_settings: Settings, encoder: Encoder, sentiment: SentimentModel
) -> AsyncIterator[tuple[Helpdesk, Helpdesk]]:
    """Two processes' helpdesks on one database."""
    async with (
        running(postgres_settings, encoder=encoder, sentiment=sentiment) as one,
        running(postgres_settings, encoder=encoder, sentiment=sentiment) as two,
    ):
        yield one, two


@pytest_asyncio.fixture
async def any_http(any_helpdesk: Helpdesk) -> AsyncIterator[httpx.AsyncClient]:
    """The web application on each database."""
    async with client_of(any_helpdesk) as client:
        yield client
