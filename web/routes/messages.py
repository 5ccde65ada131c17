"""The `api` channel: a program brings a customer's message, and may wait for what becomes of it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from connectors.api.inbound import ApiMessage, to_inbound
from core.accounts import Identity
from core.errors import NotFound
from core.events import message_topic
from core.helpdesk import Helpdesk
from core.models import Channel, Conversation, Message, Ticket, new_id
from core.tenancy import Scope
from web.auth import Caller, Desk

router = APIRouter(prefix="/api/v1/messages", tags=["messages"])
LONGEST_WAIT_S = 60


class Reply(BaseModel):
    id: UUID
    author: str
    name: str
    text: str
    citations: list[dict[str, Any]]
    confidence: float | None
    created_at: datetime


class TicketRef(BaseModel):
    number: int
    status: str
    reason: str


class MessageStatus(BaseModel):
    id: UUID
    conversation_id: UUID
    state: Literal["queued", "done"]
    outcome: Literal["answered", "escalated", "silent"] | None = None
    """`silent`: a person has the conversation, and will reply."""
    reply: Reply | None = None
    ticket: TicketRef | None = None


@router.post("", status_code=202, responses={200: {"model": MessageStatus}}, response_model=MessageStatus)
async def receive(
    body: ApiMessage,
    response: Response,
    caller: Caller,
    desk: Desk,
    wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT_S, description="Seconds to wait for the outcome.")] = 0,
) -> MessageStatus:
    """Accepts a customer's message. With `wait`, answers 200 with the outcome if it comes in time."""
    channel_id = await _channel(desk, caller)
    if body.conversation_id:
        async with desk.db.read(caller.organization_id) as scope:
            await scope.get(Conversation, body.conversation_id)
    receipt = await desk.inbox.receive(to_inbound(body, caller.organization_id, channel_id))
    status = await _outcome(desk, caller.organization_id, receipt.message_id, wait)
    response.status_code = 200 if wait and status.state == "done" else 202
    return status


@router.get("/{message_id}")
async def show(message_id: UUID, caller: Caller, desk: Desk) -> MessageStatus:
    """What has become of a message."""
    return await _outcome(desk, caller.organization_id, message_id, wait=0)


async def _outcome(desk: Helpdesk, organization_id: UUID, message_id: UUID, wait: float) -> MessageStatus:
    with desk.events.subscribe(message_topic(message_id)) as subscription:
        try:
            async with asyncio.timeout(wait or None):
                while True:
                    # Read after subscribing: what ends in between is seen by one or the other.
                    async with desk.db.read(organization_id) as scope:
                        status = await message_status(scope, message_id)
                    if status.state == "done" or not wait:
                        return status
                    await subscription.get()
        except TimeoutError:
            return status


async def message_status(scope: Scope, message_id: UUID) -> MessageStatus:
    message = await scope.get(Message, message_id)
    if message.author != "customer":
        raise NotFound(f"There is no customer's message {message_id}.")
    if message.state != "done":
        return MessageStatus(id=message.id, conversation_id=message.conversation_id, state="queued")
    row = (
        await scope.session.execute(
            scope.select(Message, Message, Ticket)
            .outerjoin(Ticket, Ticket.id == Message.ticket_id)
            .where(Message.reply_to_id == message.id, Message.author == "ai")
            .limit(1)
        )
    ).one_or_none()
    reply, ticket = row or (None, None)
    return MessageStatus(
        id=message.id,
        conversation_id=message.conversation_id,
        state="done",
        outcome=message.outcome,  # type: ignore[arg-type]
        reply=reply and Reply(name=reply.speaker or "", **_columns(reply, Reply, "name")),
        ticket=ticket and TicketRef(**_columns(ticket, TicketRef)),
    )


def _columns(row: Any, model: type[BaseModel], *but: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in model.model_fields if name not in but}


async def _channel(desk: Helpdesk, caller: Identity) -> UUID:
    """The organization's API channel, made at its first use."""
    query = (Channel.kind == "api", Channel.disabled_at.is_(None))
    async with desk.db.read(caller.organization_id) as scope:
        found = await scope.session.scalar(scope.select(Channel, Channel.id).where(*query).limit(1))
    if found:
        return UUID(str(found))
    async with desk.db.write(caller.organization_id) as scope:
        # One for each organization: its key is the organization's id.
        await scope.insert_if_absent(
            Channel,
            id=(channel_id := new_id()),
            kind="api",
            name="API",
            public_key=f"api-{caller.organization_id}",
        )
        found = await scope.session.scalar(scope.select(Channel, Channel.id).where(*query).limit(1))
    return UUID(str(found or channel_id))
