"""How often one sender is answered: two programs that answer each other stop here, whatever they are."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from uuid import UUID

A_WHILE_S = 3600.0
MOST = 20
REMEMBERED = 10_000


class Pace:
    """At most twenty mails of one sender in an hour are worked; the rest is kept, and a person can look at it.

    Counted here, since the library's store starts a thread for each count.
    """

    def __init__(self) -> None:
        self._times: OrderedDict[tuple[UUID, str], deque[float]] = OrderedDict()

    def too_fast(self, channel_id: UUID, sender: str) -> str:
        """Why it is not to be answered; empty if it may be. While a sender goes on, so does the silence."""
        times = self._times.setdefault((channel_id, sender), deque(maxlen=MOST + 1))
        self._times.move_to_end((channel_id, sender))
        if len(self._times) > REMEMBERED:
            self._times.popitem(last=False)
        moment = time.monotonic()
        times.append(moment)
        while times[0] < moment - A_WHILE_S:
            times.popleft()
        return f"more than {MOST} mails from this sender within an hour" if len(times) > MOST else ""
