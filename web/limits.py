"""How fast one caller may go: counted in memory, since each process sees its own share of a caller's traffic."""

from __future__ import annotations

import time
from typing import Literal

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from core.errors import RateLimited

Kind = Literal["sessions", "sign_in", "sign_ins"]
FRAMES_A_SECOND = 200
TOO_FAST = "That is too fast. Wait a moment and try again."


class Limits:
    """Far above what a person does, and low enough that one caller cannot take a server for themselves."""

    RATES = {  # noqa: RUF012
        "sessions": RateLimitItemPerMinute(1200),
        "sign_in": RateLimitItemPerMinute(10),
        "sign_ins": RateLimitItemPerMinute(60),
    }

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def check(self, kind: Kind, who: str) -> None:
        """Raises `RateLimited`."""
        if not self._limiter.hit(self.RATES[kind], kind, who):
            raise RateLimited(TOO_FAST)


class Pace:
    """How fast one socket may go. Counted here, since the library's store starts a thread for each count."""

    def __init__(self) -> None:
        self._second = 0
        self._frames = 0

    def check(self) -> None:
        """Raises `RateLimited`."""
        second = int(time.monotonic())
        self._frames = self._frames + 1 if second == self._second else 1
        self._second = second
        if self._frames > FRAMES_A_SECOND:
            raise RateLimited(TOO_FAST)
