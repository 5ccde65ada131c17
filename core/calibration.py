"""What an organization's confidence is worth, from what became of its answers.

A draft sent as it was, or hardly changed, was right; one rejected as wrong was not; and customers say whether an
answer helped. Recomputed with every decision, and read with the organization, so that a turn pays nothing for it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from core.accounts import organization
from core.knowledge.recalibrate import Recalibration, refit
from core.messages import JsonObject
from core.models import Draft, Message
from core.tenancy import Scope

NEWEST = 500
"""Older outcomes are of a knowledge that has changed since."""
HARDLY_CHANGED = 0.8
"""Share of the draft's words that the sent text must have kept, and of the sent text's that were the draft's."""
Outcome = tuple[float, bool]


async def outcomes(scope: Scope) -> list[Outcome]:
    """(confidence as first given, whether the answer was right), of the newest drafts and of the newest answers."""
    return [*await _of_drafts(scope), *await _of_answers(scope)]


async def recompute(scope: Scope) -> None:
    await scope.session.flush()  # the decision just made counts
    known = await outcomes(scope)
    ours = await organization(scope)
    ours.calibration = {**asdict(refit(known)), "outcomes": len(known)}


def recalibration_of(stored: JsonObject | None) -> Recalibration:
    """From `Organization.calibration`."""
    return Recalibration(stored["offset"], stored["slope"]) if stored else Recalibration()


async def _of_drafts(scope: Scope) -> list[Outcome]:
    decided = scope.select(Draft, Draft.confidence, Draft.state, Draft.text, Message.text).outerjoin(
        Message, Message.id == Draft.sent_message_id
    )
    rejected_as_wrong = (Draft.state == "rejected") & (Draft.reject_reason == "wrong")
    rows = await scope.session.execute(
        decided.where(rejected_as_wrong | (Draft.state == "sent")).order_by(Draft.id.desc()).limit(NEWEST)
    )
    found = []
    for confidence, state, text, sent_text in rows:
        if state == "rejected":
            found.append((confidence, False))
        elif sent_text is not None and hardly_changed(text, sent_text):
            found.append((confidence, True))
    return found


def hardly_changed(draft: str, sent: str) -> bool:
    """What was rewritten says nothing: the draft may have been wrong, or only clumsy."""
    ours, theirs = Counter(draft.lower().split()), Counter(sent.lower().split())
    same = (ours & theirs).total()
    return same >= HARDLY_CHANGED * max(ours.total(), theirs.total())


async def _of_answers(scope: Scope) -> list[Outcome]:
    """A greeting promises nothing: only what cites documents is an answer."""
    rows = await scope.session.execute(
        scope.select(Message, Message.confidence, Message.helpful, Message.citations)
        .where(Message.author == "ai", Message.helpful.is_not(None), Message.confidence.is_not(None))
        .order_by(Message.id.desc())
        .limit(NEWEST)
    )
    return [(confidence, helpful) for confidence, helpful, citations in rows if citations]
