"""What agents do with tickets and drafts, over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from core import desk as verbs
from core.errors import Forbidden
from core.helpdesk import Helpdesk
from core.outbox import Outbox
from core.tenancy import Scope
from web.auth import Caller, Desk

router = APIRouter(prefix="/api/v1", tags=["desk"])
P = ParamSpec("P")
T = TypeVar("T")
Text = Annotated[str, StringConstraints(max_length=verbs.LONGEST_REPLY)]
HoldSeconds = Annotated[int, Field(0, ge=0, le=60)]
"""How long the message waits before it is sent, so that it can be undone."""


@dataclass(frozen=True, slots=True)
class AtWork:
    """A member at the desk. What they do is one transaction each."""

    desk: Helpdesk
    organization_id: UUID
    agent: verbs.Agent

    async def do(
        self, verb: Callable[Concatenate[Scope, Outbox, verbs.Agent, P], Awaitable[T]], *args: P.args, **named: P.kwargs
    ) -> T:
        async with self.desk.db.write(self.organization_id) as scope:
            return await verb(scope, self.desk.outbox, self.agent, *args, **named)

    async def send(self, verb: Callable[..., Awaitable[UUID]], *args: Any, hold: int, **named: Any) -> Sent:
        """Like `do`, for verbs that write to the customer: can it still be called back?"""
        async with self.desk.db.write(self.organization_id) as scope:
            held_for = timedelta(seconds=hold)
            message_id = await verb(scope, self.desk.outbox, self.agent, *args, hold=held_for, **named)
            held = await self.desk.outbox.is_waiting(scope, message_id)
        return Sent(message_id=message_id, can_undo=held and hold > 0)


async def member_at_work(caller: Caller, desk: Desk) -> AtWork:
    if caller.member_id is None:
        raise Forbidden("Only a member can do this, so that the customer knows who wrote. Sign in instead of "
                        "using an API key.")  # fmt: skip
    return AtWork(desk, caller.organization_id, verbs.Agent(caller.member_id, caller.name))


Member = Annotated[AtWork, Depends(member_at_work)]


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
async def claim(number: int, member: Member) -> None:
    """Take the ticket. 409 if another agent has it."""
    await member.do(verbs.claim, number)


@router.post("/tickets/{number}/assign", status_code=204)
async def assign(number: int, body: AssignBody, member: Member) -> None:
    """Give the ticket to a colleague."""
    await member.do(verbs.assign, number, body.member_id)


@router.post("/tickets/{number}/snooze", status_code=204)
async def snooze(number: int, body: SnoozeBody, member: Member) -> None:
    """Out of sight until then, or until the customer writes."""
    await member.do(verbs.snooze, number, body.until)


@router.post("/tickets/{number}/priority", status_code=204)
async def priority(number: int, body: PriorityBody, member: Member) -> None:
    await member.do(verbs.set_priority, number, body.priority)


@router.post("/tickets/{number}/category", status_code=204)
async def category(number: int, body: CategoryBody, member: Member) -> None:
    await member.do(verbs.set_category, number, body.category)


@router.post("/tickets/{number}/merge", status_code=204)
async def merge(number: int, body: MergeBody, member: Member) -> None:
    """Close a duplicate in favour of another ticket of the same customer."""
    await member.do(verbs.merge, number, body.into)


@router.post("/tickets/{number}/spam", status_code=204)
async def spam(number: int, member: Member) -> None:
    """Close the ticket as spam."""
    await member.do(verbs.mark_spam, number)


@router.post("/tickets/{number}/block", status_code=204)
async def block(number: int, member: Member) -> None:
    """Close the ticket as spam, and give its sender neither an answer nor a ticket from now on."""
    await member.do(verbs.block, number)


@router.post("/tickets/{number}/unblock", status_code=204)
async def unblock(number: int, member: Member) -> None:
    """Answer the ticket's sender again when they next write."""
    await member.do(verbs.unblock, number)


@router.post("/tickets/{number}/drafts", status_code=201)
async def draft(number: int, member: Member) -> Redrafted:
    """Draft an answer to the customer's newest message. 409 if the documents say nothing about it."""
    return Redrafted(draft_id=await member.desk.redrafts.draft(member.organization_id, member.agent, number))


@router.post("/tickets/{number}/notes", status_code=201)
async def note(number: int, body: TextBody, member: Member) -> Noted:
    """A note among colleagues; the customer never sees it."""
    return Noted(note_id=await member.do(verbs.note, number, body.text))


@router.post("/tickets/{number}/reply")
async def reply(number: int, body: ReplyBody, member: Member) -> Sent:
    """Write to the customer. The bot falls silent in this conversation."""
    return await member.send(verbs.reply, number, body.text, resolve=body.resolve, hold=body.hold)


@router.post("/messages/{message_id}/undo", status_code=204)
async def undo(message_id: UUID, member: Member) -> None:
    """Call your reply back before it is sent. 409 if it is too late."""
    await member.do(verbs.undo, message_id)


@router.put("/messages/{message_id}", status_code=204)
async def edit_reply(message_id: UUID, body: TextBody, member: Member) -> None:
    """Correct your reply, also where it was sent."""
    await member.do(verbs.edit_reply, message_id, body.text)


@router.delete("/messages/{message_id}", status_code=204)
async def retract(message_id: UUID, member: Member) -> None:
    """Take your reply back, also where it was sent."""
    await member.do(verbs.retract, message_id)


@router.post("/tickets/{number}/resolve", status_code=204)
async def resolve(number: int, member: Member) -> None:
    """Close the ticket. The bot answers again when the customer next writes."""
    await member.do(verbs.resolve, number)


@router.post("/tickets/{number}/reopen", status_code=204)
async def reopen(number: int, member: Member) -> None:
    await member.do(verbs.reopen, number)


@router.post("/tickets/{number}/hand-back", status_code=204)
async def hand_back(number: int, member: Member) -> None:
    """Let the bot answer again in this conversation."""
    await member.do(verbs.hand_back, number)


@router.post("/drafts/{draft_id}/approve")
async def approve(draft_id: UUID, body: ApproveBody, member: Member) -> Sent:
    """Send the draft, exactly once. 409 if it was sent, rejected or outdated since you saw it."""
    text, resolve = body.text, body.resolve
    return await member.send(verbs.approve, draft_id, body.version, text=text, resolve=resolve, hold=body.hold)


@router.post("/drafts/{draft_id}/reject", status_code=204)
async def reject(draft_id: UUID, body: RejectBody, member: Member) -> None:
    """Put the draft aside, with the reason."""
    await member.do(verbs.reject, draft_id, body.version, body.reason)


@router.post("/drafts/{draft_id}/regenerate")
async def regenerate(draft_id: UUID, body: RegenerateBody, member: Member) -> Redrafted:
    """Offer another draft instead. 409 if it was decided since you saw it, or there is nothing else to say."""
    redrafts = member.desk.redrafts
    return Redrafted(draft_id=await redrafts.regenerate(member.organization_id, member.agent, draft_id, body.version))
