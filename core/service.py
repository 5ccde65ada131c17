"""How an organization wants its tickets served: how soon, when it is open, and by whom."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, Field, field_validator

Priority = Literal["low", "normal", "high", "urgent"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
"""From what can wait to what cannot."""
Minutes = Annotated[int, Field(gt=0, le=60 * 24 * 60)]
LONGEST_SEARCH = 366  # days


class Opening(BaseModel):
    """One stretch of a weekday, from `opens` to `closes`, local time."""

    day: Annotated[int, Field(ge=0, le=6)]
    """0 is Monday."""
    opens: time
    closes: time


class Service(BaseModel):
    timezone: str = "UTC"
    opening_hours: list[Opening] = Field(default_factory=list, max_length=50)
    """Empty is always open. Time in which a reply is due only passes while it is open."""
    reply_within: dict[Priority, Minutes | None] = {"urgent": 60, "high": 240, "normal": 480, "low": 1440}
    """Minutes until a person should have replied; None or absent is no promise."""
    assignment: Literal["manual", "round_robin", "least_loaded"] = "manual"
    reassign_after: Minutes | None = None
    """Minutes after which a ticket whose agent has not replied goes to another one."""
    digest_at: time | None = time(8, 0)
    """Local time of the daily list of overdue tickets, on days with opening hours; None for none."""

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("is no time zone. Try Europe/Berlin.") from None
        return name

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.timezone)

    def due_at(self, priority: str, since: datetime) -> datetime | None:
        """When somebody who writes at `since` should have heard from a person; None without a promise."""
        minutes = next((value for name, value in self.reply_within.items() if name == priority), None)
        return None if minutes is None else self.after_open(since, timedelta(minutes=minutes))

    def after_open(self, since: datetime, left: timedelta) -> datetime:
        """The moment at which it has been open for `left` since then."""
        if not self.opening_hours:
            return since + left
        for opens, closes in self._stretches(since):
            start = max(opens, since)
            if start >= closes:
                continue
            if closes - start >= left:
                return start + left
            left -= closes - start
        return since + left

    def is_workday(self, moment: datetime) -> bool:
        local = moment.astimezone(self.zone)
        return not self.opening_hours or any(opening.day == local.weekday() for opening in self.opening_hours)

    def _stretches(self, since: datetime) -> list[tuple[datetime, datetime]]:
        """When it is open from the day of `since` on, for a year, in order, in UTC."""
        first = since.astimezone(self.zone).date()
        found = []
        for number in range(LONGEST_SEARCH):
            day = first + timedelta(days=number)
            for opening in self.opening_hours:
                if opening.day == day.weekday() and opening.opens < opening.closes:
                    opens = datetime.combine(day, opening.opens, self.zone).astimezone(UTC)
                    found.append((opens, datetime.combine(day, opening.closes, self.zone).astimezone(UTC)))
        return sorted(found)
