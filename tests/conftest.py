"""The cast, and the helpdesk they meet in.

`acme` is a shop with a few articles, `dana` its customer, `sam` its agent. `globex` is the neighbour who must
never see anything of acme's.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.engine import make_url

from core.db import Database
from core.helpdesk import Helpdesk, Parts
from core.migrate import migrate
from core.nlp.encoder import Encoder
from core.nlp.sentiment import SentimentModel
from core.outbox import Connected
from core.settings import Settings
from tests import cast, mailservers, postgres
from tests.mailservers import MailServers
from web.app import create_app
from web.connecting import connect

pytest_plugins = ["tests.telegram_fixtures"]


@pytest.fixture(scope="session")
def encoder() -> Iterator[Encoder]:
    """The shipped encoder, loaded once."""
    encoder = Encoder(1)
    yield encoder
    encoder.close()


@pytest.fixture(scope="session")
def sentiment() -> SentimentModel:
    return SentimentModel()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of our own, on a free port."""
    with postgres.running() as url:
        yield url


@pytest.fixture(scope="session")
def running_mail_servers() -> Iterator[MailServers]:
    with mailservers.running() as servers:
        yield servers


@pytest.fixture
def mail_servers(running_mail_servers: MailServers) -> MailServers:
    """dovecot and postfix, with empty mailboxes."""
    running_mail_servers.empty()
    return running_mail_servers


def _beside(work: Coroutine[Any, Any, Any]) -> Any:
    """Runs it in a thread: a test's event loop may be waiting for the fixture."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def _migrate(url: str) -> None:
    db = Database(make_url(url))
    await migrate(db)
    await db.close()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with the schema as the migrations make it, once; each test gets a copy."""
    path = tmp_path_factory.mktemp("migrated") / "deskhand.db"
    _beside(_migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_template(postgres_url: str) -> str:
    """The same on PostgreSQL: the name of a database to copy."""
    url = _beside(postgres.create(postgres_url, "migrated"))
    _beside(_migrate(url.replace("postgresql:", "postgresql+asyncpg:")))
    return "migrated"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path, secret_key="a test's key", encoder_sessions=1)  # type: ignore[call-arg]


@pytest.fixture
def migrated_settings(settings: Settings, migrated_file: Path) -> Settings:
    shutil.copy(migrated_file, settings.data_dir / "deskhand.db")
    return settings


@pytest_asyncio.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def any_settings(request: pytest.FixtureRequest, migrated_settings: Settings) -> AsyncIterator[Settings]:
    """The same test on both databases."""
    if request.param == "sqlite":
        yield migrated_settings
        return
    server = request.getfixturevalue("postgres_url")
    async with postgres.database(server, request.getfixturevalue("migrated_template")) as url:
        yield migrated_settings.model_copy(update={"database_url": url})


@pytest_asyncio.fixture
async def postgres_settings(settings: Settings, postgres_url: str, migrated_template: str) -> AsyncIterator[Settings]:
    """For what only happens between processes."""
    async with postgres.database(postgres_url, migrated_template) as url:
        yield settings.model_copy(update={"database_url": url})


@asynccontextmanager
async def running(
    settings: Settings,
    connecting: Callable[[Parts], Connected] = connect,
    *,
    work: bool = True,
    **overrides: Any,
) -> AsyncIterator[Helpdesk]:
    """A helpdesk on a migrated database, its worker at work; with the shipped channels if not told others."""
    helpdesk = Helpdesk.build(settings, connecting, **overrides)
    await migrate(helpdesk.db)
    async with helpdesk.running(work=work):
        yield helpdesk


@pytest_asyncio.fixture
async def helpdesk(migrated_settings: Settings, encoder: Encoder, sentiment: SentimentModel) -> AsyncIterator[Helpdesk]:
    async with running(migrated_settings, encoder=encoder, sentiment=sentiment) as helpdesk:
        yield helpdesk


@pytest_asyncio.fixture
async def any_helpdesk(any_settings: Settings, encoder: Encoder, sentiment: SentimentModel) -> AsyncIterator[Helpdesk]:
    async with running(any_settings, encoder=encoder, sentiment=sentiment) as helpdesk:
        yield helpdesk


@pytest_asyncio.fixture
async def acme(helpdesk: Helpdesk) -> cast.Shop:
    return await cast.acme(helpdesk)


@pytest_asyncio.fixture
async def globex(helpdesk: Helpdesk) -> cast.Shop:
    return await cast.globex(helpdesk)


@pytest_asyncio.fixture
async def http(helpdesk: Helpdesk, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The web application around `helpdesk`, without a socket in between."""
    app = create_app(settings, helpdesk=helpdesk)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://desk") as client,
    ):
        yield client
