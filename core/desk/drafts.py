"""Drafts: each is decided once, whoever presses the button, however often."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from core import calibration
from core.desk.acting import Agent, changed, hand_to, name_of
from core.desk.replies import answered, send, sendable
from core.errors import Conflict
from core.messages import Citation
from core.models import Draft, Ticket, now
from core.outbox import Outbox
from core.tenancy import Scope

RejectReason = Literal["wrong", "tone", "outdated", "should_not_answer"]


async def approve(
    scope: Scope,
    outbox: Outbox,
    agent: Agent,
    draft_id: UUID,
    version: int,
    *,
    text: str | None = None,
    resolve: bool = False,
    hold: timedelta = timedelta(),
) -> UUID:
    """Sends the draft, as it is or as edited into `text`. Returns the message's id.

    Of any number of approvals exactly one sends. `version` is the one the agent saw: raises `Conflict` when the
    draft was sent, rejected or outdated since. For `hold` the sending can be undone.
    """
    draft = await decide(scope, agent, draft_id, version, "sent")
    ticket = await scope.get(Ticket, draft.ticket_id)
    citations = tuple(Citation(**citation) for citation in draft.citations)
    await hand_to(scope, ticket.conversation_id, "person")
    words = sendable(draft.text if text is None else text)
    message_id = await send(scope, outbox, agent, ticket, words, citations, hold=hold)
    await scope.session.execute(scope.update(Draft).where(Draft.id == draft.id).values(sent_message_id=message_id))
    await answered(scope, outbox, agent, ticket, resolve=resolve)
    await calibration.recompute(scope)
    edited = text is not None and text.strip() != draft.text.strip()
    await changed(
        scope, outbox, agent, "draft.sent", ticket, draft=str(draft.id), message=str(message_id), edited=edited
    )
    return message_id


async def reject(
    scope: Scope, outbox: Outbox, agent: Agent, draft_id: UUID, version: int, reason: RejectReason
) -> None:
    """Raises `Conflict` like `approve`."""
    draft = await decide(scope, agent, draft_id, version, "rejected", reject_reason=reason)
    await calibration.recompute(scope)
    ticket = await scope.get(Ticket, draft.ticket_id)
    await changed(scope, outbox, agent, "draft.rejected", ticket, draft=str(draft.id), reason=reason)


async def decide(scope: Scope, agent: Agent, draft_id: UUID, version: int, state: str, **values: Any) -> Draft:
    """Moves the draft out of `pending`: the one conditional update that makes a send happen once."""
    decided: Any = await scope.session.execute(
        scope.update(Draft)
        .where(Draft.id == draft_id, Draft.state == "pending", Draft.version == version)
        .values(state=state, version=Draft.version + 1, decided_by_id=agent.id, decided_at=now(), **values)
    )
    draft = await scope.get(Draft, draft_id)
    if not decided.rowcount:
        raise Conflict(await _who_was_first(scope, draft))
    return draft


async def _who_was_first(scope: Scope, draft: Draft) -> str:
    if draft.state == "stale":
        return "This draft is outdated: the customer has written again, or there is a newer one. Look at that."
    if draft.state == "pending":
        return "This draft has changed since you saw it. Look at it again."
    name = await name_of(scope, draft.decided_by_id, "a former member")
    ago = int((now() - draft.decided_at).total_seconds()) if draft.decided_at else 0
    return f"Already {draft.state} {ago} s ago by {name}."
