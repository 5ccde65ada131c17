"""When a reply is due, in time that only passes while the shop is open."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.service import Opening, Service

WEEK = [Opening(day=day, opens=time(9), closes=time(17)) for day in range(5)]
BERLIN = Service(timezone="Europe/Berlin", opening_hours=WEEK)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def test_always_open_time_simply_passes() -> None:
    assert Service().due_at("urgent", MONDAY) == MONDAY + timedelta(hours=1)


@pytest.mark.parametrize(
    ("since", "due"),
    [
        (datetime(2026, 11, 23, 9, 0, tzinfo=UTC), datetime(2026, 11, 23, 13, 0, tzinfo=UTC)),  # 10:00 in Berlin
        (datetime(2026, 11, 23, 15, 0, tzinfo=UTC), datetime(2026, 11, 24, 11, 0, tzinfo=UTC)),  # an hour left
        (datetime(2026, 11, 23, 3, 0, tzinfo=UTC), datetime(2026, 11, 23, 12, 0, tzinfo=UTC)),  # before it opens
        (datetime(2026, 11, 27, 20, 0, tzinfo=UTC), datetime(2026, 11, 30, 12, 0, tzinfo=UTC)),  # the weekend
        (datetime(2026, 10, 23, 14, 0, tzinfo=UTC), datetime(2026, 10, 26, 11, 0, tzinfo=UTC)),  # the clocks go back
    ],
)
def test_four_hours_of_high_priority_pass_while_it_is_open(since: datetime, due: datetime) -> None:
    assert BERLIN.due_at("high", since) == due


def test_without_a_promise_nothing_is_due() -> None:
    assert Service(reply_within={"low": None}).due_at("low", MONDAY) is None
    assert Service(reply_within={"urgent": 5}).due_at("low", MONDAY) is None


def test_a_shop_that_never_opens_still_has_an_end() -> None:
    never = Service(opening_hours=[Opening(day=0, opens=time(9), closes=time(9))])
    assert never.due_at("urgent", MONDAY) == MONDAY + timedelta(hours=1)


@given(st.integers(0, 20_000), st.integers(1, 2_000), st.integers(1, 2_000))
def test_who_writes_earlier_or_is_promised_less_is_due_earlier(minute: int, one: int, two: int) -> None:
    since = MONDAY + timedelta(minutes=minute)
    due = BERLIN.after_open(since, timedelta(minutes=one))
    assert due > since
    assert due <= BERLIN.after_open(since + timedelta(minutes=two), timedelta(minutes=one))
    assert due <= BERLIN.after_open(since, timedelta(minutes=one + two))
    local = due.astimezone(BERLIN.zone)
    assert local.weekday() < 5
    assert time(9) <= local.time() <= time(17)


def test_a_time_zone_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValidationError, match="time zone"):
        Service(timezone="Mars/Olympus")
