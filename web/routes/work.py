"""What agents do with tickets and drafts, over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, StringConstraints

from core import desk as verbs
from core.errors import Forbidden
from web.auth import Caller, Desk

router = APIRouter(prefix="/api/v1", tags=["desk"])
Text = Annotated[str, StringConstraints(max_length=verbs.LONGEST_REPLY)]


async def acting_member(caller: Caller) -> verbs.Agent:
    if caller.member_id is None:
        raise Forbidden("Only a member can do this, so that the customer knows who wrote. Sign in instead of "
                        "using an API key.")  # fmt: skip
    return verbs.Agent(caller.member_id, caller.name)


Agent = Annotated[verbs.Agent, Depends(acting_member)]


class ReplyBody(BaseModel):
    text: Text
    resolve: bool = False


class ApproveBody(BaseModel):
    version: int
    """The draft's version as you saw it."""
    text: Text | None = None
    """Your edited text; the draft's own if absent."""
    resolve: bool = False


class RejectBody(BaseModel):
    version: int
    reason: verbs.RejectReason


class Sent(BaseModel):
    message_id: UUID


@router.post("/tickets/{number}/claim", status_code=204)
async def claim(number: int, agent: Agent, caller: Caller, desk: Desk) -> None:
    """Take the ticket. 409 if another agent has it."""
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.claim(scope, agent, number)


@router.post("/tickets/{number}/reply")
async def reply(number: int, body: ReplyBody, agent: Agent, caller: Caller, desk: Desk) -> Sent:
    """Write to the customer. The bot falls silent in this conversation."""
    async with desk.db.write(caller.organization_id) as scope:
        message_id = await verbs.reply(scope, desk.outbox, agent, number, body.text, resolve=body.resolve)
    return Sent(message_id=message_id)


@router.post("/tickets/{number}/resolve", status_code=204)
async def resolve(number: int, agent: Agent, caller: Caller, desk: Desk) -> None:
    """Close the ticket. The bot answers again when the customer next writes."""
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.resolve(scope, agent, number)


@router.post("/tickets/{number}/hand-back", status_code=204)
async def hand_back(number: int, agent: Agent, caller: Caller, desk: Desk) -> None:
    """Let the bot answer again in this conversation."""
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.hand_back(scope, agent, number)


@router.post("/drafts/{draft_id}/approve")
async def approve(draft_id: UUID, body: ApproveBody, agent: Agent, caller: Caller, desk: Desk) -> Sent:
    """Send the draft, exactly once. 409 if it was sent, rejected or outdated since you saw it."""
    async with desk.db.write(caller.organization_id) as scope:
        message_id = await verbs.approve(
            scope, desk.outbox, agent, draft_id, body.version, text=body.text, resolve=body.resolve
        )
    return Sent(message_id=message_id)


@router.post("/drafts/{draft_id}/reject", status_code=204)
async def reject(draft_id: UUID, body: RejectBody, agent: Agent, caller: Caller, desk: Desk) -> None:
    """Put the draft aside, with the reason."""
    async with desk.db.write(caller.organization_id) as scope:
        await verbs.reject(scope, agent, draft_id, body.version, body.reason)
