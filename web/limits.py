"""How fast one caller may go: counted in memory, since each process sees its own share of a caller's traffic."""

from __future__ import annotations

from typing import Literal

from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from core.errors import RateLimited

Kind = Literal["sessions", "frames", "sign_in", "sign_ins"]


class Limits:
    """Far above what a person does, and low enough that one caller cannot take a server for themselves."""

    RATES = {  # noqa: RUF012
        "sessions": RateLimitItemPerMinute(1200),
        "frames": RateLimitItemPerSecond(200),
        "sign_in": RateLimitItemPerMinute(10),
        "sign_ins": RateLimitItemPerMinute(60),
    }

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def check(self, kind: Kind, who: str) -> None:
        """Raises `RateLimited`."""
        if not self._limiter.hit(self.RATES[kind], kind, who):
            raise RateLimited("That is too fast. Wait a moment and try again.")
