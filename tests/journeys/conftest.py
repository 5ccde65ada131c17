from collections.abc import AsyncIterator

import pytest_asyncio

from core.helpdesk import Helpdesk
from tests import servers


@pytest_asyncio.fixture
async def base(helpdesk: Helpdesk) -> AsyncIterator[str]:
    """The helpdesk's address on a real port."""
    async with servers.in_process(helpdesk) as base:
        yield base
