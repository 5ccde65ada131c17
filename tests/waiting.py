"""Waiting for something to become true, no longer than it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

PATIENCE_S = 10.0


async def until(condition: Callable[[], Awaitable[Any]], patience: float = PATIENCE_S) -> Any:
    """What `condition` returns once it is true. Raises `TimeoutError` if it never is."""
    async with asyncio.timeout(patience):
        while not (found := await condition()):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.005)
    return found
