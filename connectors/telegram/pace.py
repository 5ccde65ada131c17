"""How fast a bot may write: to everybody, to one group, to one person.

core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this: 30 messages a second over all, 20 a minute in
a group, one a second in a chat with short bursts. The windows here move (a leaky bucket lets twice its size through
in its first second), and are a little tighter: a message that is on its way for longer than the one before it must
not arrive in the same second as the one after it.
"""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from core.outbox import DeliveryError

OVER_ALL = RateLimitItemPerSecond(26)
IN_A_CHAT = RateLimitItemPerSecond(4, 5)
IN_A_GROUP = RateLimitItemPerMinute(18)
PATIENCE_S = 10.0
"""Whoever would have to wait longer comes back later, and leaves the worker to others."""


class Pace:
    """Waiting here is cheaper than being refused."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._not_before: dict[UUID, float] = {}
        """By channel, when Telegram told us to go on."""

    async def wait(self, channel_id: UUID, chat_id: int) -> None:
        """Groups have negative ids. Raises `DeliveryError` when it would take long."""
        give_up = time.monotonic() + PATIENCE_S
        own = IN_A_CHAT if chat_id > 0 else IN_A_GROUP
        for item, name in ((own, f"{channel_id}:{chat_id}"), (OVER_ALL, str(channel_id))):
            while (pause := await self._take(channel_id, item, name)) > 0:
                if time.monotonic() + pause > give_up:
                    raise DeliveryError("Telegram lets us write again in a moment.", permanent=False, retry_after=pause)
                await asyncio.sleep(pause)

    def told(self, channel_id: UUID, seconds: float) -> None:
        """Another program may use the same bot, or Telegram be stricter: what follows waits as well."""
        self._not_before[channel_id] = max(self._not_before.get(channel_id, 0.0), time.monotonic() + seconds)

    async def _take(self, channel_id: UUID, item: RateLimitItem, name: str) -> float:
        """Zero if it may go now, else the seconds until that is worth another try."""
        if (told := self._not_before.get(channel_id, 0.0) - time.monotonic()) > 0:
            return told
        if await self._limiter.hit(item, name):
            return 0.0
        stats = await self._limiter.get_window_stats(item, name)
        return max(stats.reset_time - time.time(), 0.02)
