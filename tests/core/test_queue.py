from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import queue
from core.helpdesk import Helpdesk
from core.models import Delivery, Message, new_id, now
from tests.cast import Shop, from_dana
from tests.hands import Hands
from tests.rows import an_hour_passes, change, row, rows


async def _queue(helpdesk: Helpdesk, shop: Shop, conversations: int, messages: int) -> dict[UUID, list[UUID]]:
    """Message ids by conversation, in the order in which they came: one of each conversation in turn."""
    names = [uuid4() for _ in range(conversations)]
    ids: dict[UUID, list[UUID]] = {name: [] for name in names}
    for n in range(messages):
        for name in names:
            ids[name].append((await helpdesk.inbox.receive(from_dana(shop, f"number {n}", name))).message_id)
    return ids


async def test_the_oldest_of_each_conversation_is_claimed_and_no_second_one(idle: Helpdesk, idle_acme: Shop) -> None:
    ids = await _queue(idle, idle_acme, conversations=3, messages=2)
    firsts = [messages[0] for messages in ids.values()]
    assert await Hands(idle).claim(most=2) == firsts[:2]
    assert await Hands(idle).claim() == firsts[2:]
    assert await Hands(idle).claim() == []
    claimed = await row(idle.db, idle_acme.id, Message, id=firsts[0])
    assert (claimed.state, claimed.lease_owner, claimed.attempts) == ("working", "hands", 1)
    assert timedelta(seconds=50) < claimed.lease_until - now() <= queue.LEASE


async def test_a_message_that_waits_for_its_next_try_holds_back_those_behind_it(
    idle: Helpdesk, idle_acme: Shop
) -> None:
    (conversation,) = (await _queue(idle, idle_acme, conversations=1, messages=2)).values()
    await change(idle.db, idle_acme.id, Message, conversation[0], available_at=now() + timedelta(minutes=1))
    assert await Hands(idle).claim() == []
    async with idle.db.system() as scope:
        due = await queue.next_due(scope, Message, now())
    assert due is not None
    assert timedelta(seconds=50) < due - now() <= timedelta(minutes=1)
    await an_hour_passes(idle.db)
    assert await Hands(idle).claim() == conversation[:1]


async def test_claims_at_once_never_share_a_row_or_a_conversation(idle: Helpdesk, idle_acme: Shop) -> None:
    ids = await _queue(idle, idle_acme, conversations=12, messages=2)
    workers = [Hands(idle, f"worker {n}") for n in range(6)]
    claims = await asyncio.gather(*(worker.claim(most=3) for worker in workers))
    taken = [message for claim in claims for message in claim]
    assert len(taken) == len(set(taken))
    assert set(taken) <= {messages[0] for messages in ids.values()}
    for worker, claim in zip(workers, claims, strict=True):
        owned = await rows(idle.db, idle_acme.id, Message, lease_owner=worker.owner)
        assert [message.id for message in owned] == claim
    for worker in workers:
        taken += await worker.claim()
    assert sorted(taken) == sorted(messages[0] for messages in ids.values())


async def test_only_ended_leases_are_released(idle: Helpdesk, idle_acme: Shop) -> None:
    ids = await _queue(idle, idle_acme, conversations=2, messages=1)
    (dead,), (alive,) = ids.values()
    await Hands(idle, "dead").claim(most=1)
    await an_hour_passes(idle.db)
    assert await Hands(idle, "alive").claim() == [alive]

    async with idle.db.system(write=True) as scope:
        assert await queue.release_expired(scope, Message) == 1
    assert (await row(idle.db, idle_acme.id, Message, id=alive)).lease_owner == "alive"
    again = Hands(idle, "next")
    assert await again.claim() == [dead]
    assert (await row(idle.db, idle_acme.id, Message, id=dead)).attempts == 2
    async with idle.db.system(write=True) as scope:
        assert await queue.release_expired(scope, Message, all_leases=True) == 2


async def test_renewing_lengthens_only_the_owners_leases(idle: Helpdesk, idle_acme: Shop) -> None:
    ids = await _queue(idle, idle_acme, conversations=2, messages=1)
    (ours,), (theirs,) = ids.values()
    await Hands(idle, "ours").claim(most=1)
    await Hands(idle, "theirs").claim()
    await an_hour_passes(idle.db)
    async with idle.db.system(write=True) as scope:
        await queue.renew(scope, Message, "ours", [ours, theirs])
        assert await queue.release_expired(scope, Message) == 1
    assert (await row(idle.db, idle_acme.id, Message, id=ours)).state == "working"
    assert (await row(idle.db, idle_acme.id, Message, id=theirs)).state == "queued"


@given(st.integers(min_value=0, max_value=10_000))
def test_the_pause_doubles_with_each_try_up_to_a_quarter_of_an_hour(attempts: int) -> None:
    longest = timedelta(seconds=min(2 ** min(attempts, 20), 900))
    assert longest / 2 <= queue.backoff(attempts) <= longest


def test_ids_made_later_sort_later() -> None:
    ids = [new_id() for _ in range(20_000)]
    assert ids == sorted(ids)
    assert [str(name) for name in ids] == sorted(map(str, ids))


@pytest.mark.parametrize("table", [Message, Delivery])
async def test_claiming_reads_only_what_is_pending(helpdesk: Helpdesk, table: queue.Table) -> None:
    """With a million messages done, a claim must not look at them."""
    async with helpdesk.db.system() as scope:
        connection = await scope.session.connection()
        compiled = queue._claim(table, "sqlite").compile(dialect=connection.dialect)
        parameters = tuple(str(compiled.params[name]) for name in compiled.positiontup)
        plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", parameters)
        steps = [step[-1] for step in plan]
    name = table.__tablename__
    assert any(f"USING INDEX ix_{name}_pending" in step for step in steps), steps
    assert not any(step.startswith(f"SCAN {name}") and "INDEX" not in step for step in steps), steps
