"""What agents do with tickets and drafts, over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from core import desk as verbs
from core.errors import Forbidden
from web.auth import Caller, Desk

router = APIRouter(prefix="/api/v1", tags=["desk"])
Text = Annotated[str, StringConstraints(max_length=verbs.LONGEST_REPLY)]
HoldSeconds = Annotated[int, Field(0, ge=0, le=60)]
"""How long the message waits before it is sent, so that it can be undone."""


async def acting_member(caller: Caller) -> verbs.Agent:
    if caller.member_id is None:
        raise Forbidden("Only a member can do this, so that the customer knows who wrote. Sign in instead of "
                        "using an API key.")  # fmt: skip
    return verbs.Agent(caller.member_id, caller.name)


Agent = Annotated[verbs.Agent, Depends(acting_member)]


class ReplyBody(BaseModel):
    text: Text
    resolve: bool = False
    hold: HoldSeconds


class ApproveBody(BaseModel):
    version: int
    """The draft's version as you saw it."""
    text: Text | None = None
    """Your edited text; the draft's own if absent."""
    resolve: bool = False
    hold: HoldSeconds


class RejectBody(BaseModel):
    version: int
    reason: verbs.RejectReason


class RegenerateBody(BaseModel):
    version: int


class AssignBody(BaseModel):
    member_id: UUID


class SnoozeBody(BaseModel):
    until: AwareDatetime


class PriorityBody(BaseModel):
    priority: str


class CategoryBody(BaseModel):
    category: Annotated[str, StringConstraints(max_length=64)] | None


class MergeBody(BaseModel):
    into: int


class TextBody(BaseModel):
    text: Text


class Sent(BaseModel):
    message_id: UUID
    can_undo: bool
    """It is held back for the time you asked for; where customers read what is stored here, they have it at once."""


class Noted(BaseModel):
    note_id: UUID | None


class Redrafted(BaseModel):
    draft_id: UUID


@router.post("/tickets/{number}/claim", status_code=204)
async def claim(number: int, agent: Agent, caller: Caller, desk: Desk) -> None:
    """Take the ticket. 409 if another agent has it."""
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.claim(scope, desk.outbox, agent, number)


@router.post("/tickets/{number}/assign", status_code=204)
async def assign(number: int, body: AssignBody, agent: Agent, caller: Caller, desk: Desk) -> None:
    """Give the ticket to a colleague."""
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.assign(scope, desk.outbox, agent, number, body.member_id)


@router.post("/tickets/{number}/snooze", status_code=204)
async def snooze(number: int, body: SnoozeBody, agent: Agent, caller: Caller, desk: Desk) -> None:
    """Out of sight until then, or until the customer writes."""
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.snooze(scope, desk.outbox, agent, number, body.until)


@router.post("/tickets/{number}/priority", status_code=204)
async def priority(number: int, body: PriorityBody, agent: Agent, caller: Caller, desk: Desk) -> None:
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.set_priority(scope, desk.outbox, agent, number, body.priority)


@router.post("/tickets/{number}/category", status_code=204)
async def category(number: int, body: CategoryBody, agent: Agent, caller: Caller, desk: Desk) -> None:
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.set_category(scope, desk.outbox, agent, number, body.category)


@router.post("/tickets/{number}/merge", status_code=204)
async def merge(number: int, body: MergeBody, agent: Agent, caller: Caller, desk: Desk) -> None:
    """Close a duplicate in favour of another ticket of the same customer."""
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.merge(scope, desk.outbox, agent, number, body.into)


@router.post("/tickets/{number}/spam", status_code=204)
async def spam(number: int, agent: Agent, caller: Caller, desk: Desk) -> None:
    """Close the ticket as spam."""
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.mark_spam(scope, desk.outbox, agent, number)


@router.post("/tickets/{number}/block", status_code=204)
async def block(number: int, agent: Agent, caller: Caller, desk: Desk) -> None:
    """Close the ticket as spam, and give its sender neither an answer nor a ticket from now on."""
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.block(scope, desk.outbox, agent, number)


@router.post("/tickets/{number}/unblock", status_code=204)
async def unblock(number: int, agent: Agent, caller: Caller, desk: Desk) -> None:
    """Answer the ticket's sender again when they next write."""
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.unblock(scope, desk.outbox, agent, number)


@router.post("/tickets/{number}/drafts", status_code=201)
async def draft(number: int, agent: Agent, caller: Caller, desk: Desk) -> Redrafted:
    """Draft an answer to the customer's newest message. 409 if the documents say nothing about it."""
    return Redrafted(draft_id=await desk.redrafts.draft(caller.organization_id, agent, number))


@router.post("/tickets/{number}/notes", status_code=201)
async def note(number: int, body: TextBody, agent: Agent, caller: Caller, desk: Desk) -> Noted:
    """A note among colleagues; the customer never sees it."""
    async with desk.db.write(caller.organization_id) as scope:
        return Noted(note_id=await verbs.note(scope, desk.outbox, agent, number, body.text))


@router.post("/tickets/{number}/reply")
async def reply(number: int, body: ReplyBody, agent: Agent, caller: Caller, desk: Desk) -> Sent:
    """Write to the customer. The bot falls silent in this conversation."""
    hold = timedelta(seconds=body.hold)
    async with desk.db.write(caller.organization_id) as scope:
        message_id = await verbs.reply(scope, desk.outbox, agent, number, body.text, resolve=body.resolve, hold=hold)
        held = await desk.outbox.is_waiting(scope, message_id)
    return Sent(message_id=message_id, can_undo=held and bool(hold))


@router.post("/messages/{message_id}/undo", status_code=204)
async def undo(message_id: UUID, agent: Agent, caller: Caller, desk: Desk) -> None:
    """Call your reply back before it is sent. 409 if it is too late."""
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.undo(scope, desk.outbox, agent, message_id)


@router.put("/messages/{message_id}", status_code=204)
async def edit_reply(message_id: UUID, body: TextBody, agent: Agent, caller: Caller, desk: Desk) -> None:
    """Correct your reply, also where it was sent."""
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.edit_reply(scope, desk.outbox, agent, message_id, body.text)


@router.delete("/messages/{message_id}", status_code=204)
async def retract(message_id: UUID, agent: Agent, caller: Caller, desk: Desk) -> None:
    """Take your reply back, also where it was sent."""
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.retract(scope, desk.outbox, agent, message_id)


@router.post("/tickets/{number}/resolve", status_code=204)
async def resolve(number: int, agent: Agent, caller: Caller, desk: Desk) -> None:
    """Close the ticket. The bot answers again when the customer next writes."""
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.resolve(scope, desk.outbox, agent, number)


@router.post("/tickets/{number}/reopen", status_code=204)
async def reopen(number: int, agent: Agent, caller: Caller, desk: Desk) -> None:
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.reopen(scope, desk.outbox, agent, number)


@router.post("/tickets/{number}/hand-back", status_code=204)
async def hand_back(number: int, agent: Agent, caller: Caller, desk: Desk) -> None:
    """Let the bot answer again in this conversation."""
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.hand_back(scope, desk.outbox, agent, number)


@router.post("/drafts/{draft_id}/approve")
async def approve(draft_id: UUID, body: ApproveBody, agent: Agent, caller: Caller, desk: Desk) -> Sent:
    """Send the draft, exactly once. 409 if it was sent, rejected or outdated since you saw it."""
    hold = timedelta(seconds=body.hold)
    async with desk.db.write(caller.organization_id) as scope:
        message_id = await verbs.approve(
            scope, desk.outbox, agent, draft_id, body.version, text=body.text, resolve=body.resolve, hold=hold
        )
        held = await desk.outbox.is_waiting(scope, message_id)
    return Sent(message_id=message_id, can_undo=held and bool(hold))


@router.post("/drafts/{draft_id}/reject", status_code=204)
async def reject(draft_id: UUID, body: RejectBody, agent: Agent, caller: Caller, desk: Desk) -> None:
    """Put the draft aside, with the reason."""
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.reject(scope, desk.outbox, agent, draft_id, body.version, body.reason)


@router.post("/drafts/{draft_id}/regenerate")
async def regenerate(draft_id: UUID, body: RegenerateBody, agent: Agent, caller: Caller, desk: Desk) -> Redrafted:
    """Offer another draft instead. 409 if it was decided since you saw it, or there is nothing else to say."""
    draft_id = await desk.redrafts.regenerate(caller.organization_id, agent, draft_id, body.version)
    return Redrafted(draft_id=draft_id)
