"""The bot grows more careful where its answers prove wrong."""

from __future__ import annotations

import httpx
import pytest

from core.calibration import hardly_changed
from core.helpdesk import Helpdesk
from core.knowledge.recalibrate import FEWEST_OUTCOMES
from core.models import Draft, Message, new_id
from tests import cast
from tests.rows import rows
from tests.web.clients import as_sam, ask, client_of

QUESTION = "How long does delivery take?"


async def decided(helpdesk: Helpdesk, shop: cast.Shop, wrong: int, right: int, confidence: float) -> None:
    """So many drafts of one conversation, decided by agents."""
    question = (await rows(helpdesk.db, shop.id, Message, author="customer"))[0]
    like = (await rows(helpdesk.db, shop.id, Draft))[0]
    async with helpdesk.db.write(shop.id) as scope:
        for number in range(wrong + right):
            is_wrong = number < wrong
            scope.add(
                Draft(
                    id=new_id(),
                    ticket_id=like.ticket_id,
                    conversation_id=like.conversation_id,
                    message_id=question.id,
                    text=question.text,
                    confidence=confidence,
                    state="rejected" if is_wrong else "sent",
                    reject_reason="wrong" if is_wrong else None,
                    sent_message_id=None if is_wrong else question.id,
                )
            )


async def reject_one(helpdesk: Helpdesk, shop: cast.Shop) -> None:
    draft = (await rows(helpdesk.db, shop.id, Draft, state="pending"))[0]
    async with client_of(helpdesk) as browser:
        sam = await as_sam(browser, shop)
        body = {"version": draft.version, "reason": "wrong"}
        assert (await sam.post(f"/api/v1/drafts/{draft.id}/reject", json=body)).status_code == 204


async def sent_by_itself(api: httpx.AsyncClient, customer: str) -> bool:
    """Whether an answer went out, rather than a question back or a hand-over."""
    outcome = await ask(api, QUESTION, customer=customer)
    return outcome["outcome"] == "answered" and bool(outcome["reply"]["citations"])


async def a_draft(api: httpx.AsyncClient) -> None:
    asked = await ask(api, f"{QUESTION} Let me talk to a person.", customer="erin")
    assert asked["outcome"] == "escalated"


@pytest.mark.parametrize(
    ("wrong", "right", "sends"),
    [(FEWEST_OUTCOMES // 2, 0, True), (60, 60, False), (4, 116, True)],
    ids=["too few to tell", "half of them wrong", "nearly all right"],
)
async def test_what_agents_decide_changes_what_is_sent(
    api: httpx.AsyncClient, helpdesk: Helpdesk, acme: cast.Shop, wrong: int, right: int, sends: bool
) -> None:
    assert await sent_by_itself(api, "dana")
    await a_draft(api)
    await decided(helpdesk, acme, wrong, right, confidence=0.95)
    await reject_one(helpdesk, acme)
    assert await sent_by_itself(api, "finn") == sends
    shown = (await api.get("/api/v1/organization/calibration")).json()
    assert shown["outcomes"] == wrong + right + 1
    assert (shown["wanted"], shown["outcomes_needed"]) == (0.85, FEWEST_OUTCOMES)
    meaning = {one["given"]: one["means"] for one in shown["promises"]}
    assert (meaning[0.95] == 0.95) == (wrong + right < FEWEST_OUTCOMES)
    assert (shown["confidence_needed"] > 0.95) == (not sends)
    assert (meaning[0.95] < 0.85) == (not sends)


async def test_nothing_is_promised_differently_before_anything_is_known(api: httpx.AsyncClient) -> None:
    shown = (await api.get("/api/v1/organization/calibration")).json()
    assert (shown["outcomes"], shown["confidence_needed"]) == (0, 0.85)
    assert all(one["given"] == one["means"] for one in shown["promises"])


@pytest.mark.parametrize(
    ("sent", "same"),
    [
        ("Delivery takes two to three days in Germany.", True),
        ("Hi Dana! Delivery takes two to three days in Germany.", True),
        ("Delivery takes ten days.", False),
        ("We do not deliver to you, sorry, as you live on an island.", False),
    ],
)
def test_what_was_rewritten_says_nothing(sent: str, same: bool) -> None:
    assert hardly_changed("Delivery takes two to three days in Germany.", sent) == same
