"""What a person at the desk can do with a ticket or a draft. Slack, the console and the API all call these.

Each verb is part of its caller's transaction, changes state by one conditional UPDATE, and leaves a line in the
audit. Whoever comes second gets a `Conflict` that says who was first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from core import tickets
from core.errors import BadInput, Conflict, NotFound
from core.messages import Citation
from core.models import AuditEntry, Channel, Conversation, Draft, Member, Ticket, now
from core.outbox import NewMessage, Outbox, Place
from core.tenancy import Scope

LONGEST_REPLY = 100_000
RejectReason = Literal["wrong", "tone", "outdated", "should_not_answer"]


@dataclass(frozen=True, slots=True)
class Agent:
    """The member who acts."""

    id: UUID
    name: str


async def claim(scope: Scope, agent: Agent, number: int) -> Ticket:
    """Takes the ticket; the bot falls silent in its conversation. Raises `Conflict` if another agent has it."""
    ticket = await ticket_of(scope, number)
    taken: Any = await scope.session.execute(
        scope.update(Ticket)
        .where(Ticket.id == ticket.id, Ticket.status != "resolved")
        .where((Ticket.assignee_id.is_(None)) | (Ticket.assignee_id == agent.id))
        .values(assignee_id=agent.id, updated_at=now())
    )
    if not taken.rowcount:
        raise Conflict(await _why_not(scope, ticket))
    await _hand_to(scope, ticket.conversation_id, "person")
    _note(scope, agent, "ticket.claimed", ticket.id)
    return await ticket_of(scope, number)


async def reply(scope: Scope, outbox: Outbox, agent: Agent, number: int, text: str, *, resolve: bool = False) -> UUID:
    """Sends the agent's words to the customer; the bot falls silent. Returns the message's id."""
    text = _sendable(text)
    ticket = await ticket_of(scope, number)
    await _hand_to(scope, ticket.conversation_id, "person")
    await tickets.outdate_drafts(scope, ticket.conversation_id)
    message_id = await _send(scope, outbox, agent, ticket, text, ())
    await _answered(scope, agent, ticket, resolve=resolve)
    _note(scope, agent, "ticket.replied", ticket.id, message=str(message_id))
    return message_id


async def approve(
    scope: Scope,
    outbox: Outbox,
    agent: Agent,
    draft_id: UUID,
    version: int,
    *,
    text: str | None = None,
    resolve: bool = False,
) -> UUID:
    """Sends the draft, as it is or as edited into `text`. Returns the message's id.

    Of any number of approvals exactly one sends. `version` is the one the agent saw: raises `Conflict` when the
    draft was sent, rejected or outdated since.
    """
    draft = await _decide(scope, agent, draft_id, version, "sent")
    ticket = await scope.get(Ticket, draft.ticket_id)
    citations = tuple(Citation(**citation) for citation in draft.citations)
    await _hand_to(scope, ticket.conversation_id, "person")
    sent = _sendable(draft.text if text is None else text)
    message_id = await _send(scope, outbox, agent, ticket, sent, citations)
    await _answered(scope, agent, ticket, resolve=resolve)
    edited = text is not None and text.strip() != draft.text.strip()
    _note(scope, agent, "draft.sent", draft.id, message=str(message_id), edited=edited)
    return message_id


async def reject(scope: Scope, agent: Agent, draft_id: UUID, version: int, reason: RejectReason) -> None:
    """Raises `Conflict` like `approve`."""
    draft = await _decide(scope, agent, draft_id, version, "rejected")
    _note(scope, agent, "draft.rejected", draft.id, reason=reason)


async def resolve(scope: Scope, agent: Agent, number: int) -> None:
    """Closes the ticket. The bot answers again when the customer next writes."""
    ticket = await ticket_of(scope, number)
    await _resolve(scope, ticket)
    _note(scope, agent, "ticket.resolved", ticket.id)


async def hand_back(scope: Scope, agent: Agent, number: int) -> None:
    """The bot answers again in the ticket's conversation; the ticket stays as it is."""
    ticket = await ticket_of(scope, number)
    await _hand_to(scope, ticket.conversation_id, "bot")
    _note(scope, agent, "ticket.handed_back", ticket.id)


async def ticket_of(scope: Scope, number: int) -> Ticket:
    ticket: Ticket | None = await scope.session.scalar(
        scope.select(Ticket).where(Ticket.number == number).execution_options(populate_existing=True)
    )
    if ticket is None:
        raise NotFound(f"There is no ticket #{number}.")
    return ticket


async def _decide(scope: Scope, agent: Agent, draft_id: UUID, version: int, state: str) -> Draft:
    """Moves the draft out of `pending`: the one conditional update that makes a send happen once."""
    decided: Any = await scope.session.execute(
        scope.update(Draft)
        .where(Draft.id == draft_id, Draft.state == "pending", Draft.version == version)
        .values(state=state, version=Draft.version + 1, decided_by_id=agent.id, decided_at=now())
    )
    draft = await scope.get(Draft, draft_id)
    if not decided.rowcount:
        raise Conflict(await _who_was_first(scope, draft))
    return draft


async def _who_was_first(scope: Scope, draft: Draft) -> str:
    if draft.state == "stale":
        return "The customer has written again, so this draft is outdated. Look at the newer one."
    if draft.state == "pending":
        return "This draft has changed since you saw it. Look at it again."
    name = await scope.session.scalar(scope.select(Member, Member.name).where(Member.id == draft.decided_by_id))
    ago = int((now() - draft.decided_at).total_seconds()) if draft.decided_at else 0
    return f"Already {draft.state} {ago} s ago by {name or 'a former member'}."


async def _why_not(scope: Scope, ticket: Ticket) -> str:
    if ticket.status == "resolved":
        return f"Ticket #{ticket.number} is resolved already."
    name = await scope.session.scalar(scope.select(Member, Member.name).where(Member.id == ticket.assignee_id))
    return f"Ticket #{ticket.number} is with {name or 'another agent'} already."


async def _send(
    scope: Scope, outbox: Outbox, agent: Agent, ticket: Ticket, text: str, citations: tuple[Citation, ...]
) -> UUID:
    row = (
        await scope.session.execute(
            scope.select(Conversation, Conversation.channel_id, Channel.kind)
            .join(Channel, Channel.id == Conversation.channel_id)
            .where(Conversation.id == ticket.conversation_id)
        )
    ).one()
    place = Place(ticket.conversation_id, row.channel_id, row.kind)
    message = NewMessage(author="agent", speaker=agent.name, text=text, citations=citations, member_id=agent.id)
    return await outbox.post(scope, place, message)


async def _answered(scope: Scope, agent: Agent, ticket: Ticket, *, resolve: bool) -> None:
    values = {"status": "pending", "assignee_id": ticket.assignee_id or agent.id, "updated_at": now()}
    await scope.session.execute(scope.update(Ticket).where(Ticket.id == ticket.id).values(**values))
    await scope.session.execute(
        scope.update(Conversation).where(Conversation.id == ticket.conversation_id).values(last_message_at=now())
    )
    if resolve:
        await _resolve(scope, ticket)


async def _resolve(scope: Scope, ticket: Ticket) -> None:
    await scope.session.execute(
        scope.update(Ticket)
        .where(Ticket.id == ticket.id)
        .values(status="resolved", resolved_at=now(), updated_at=now())
    )
    await tickets.outdate_drafts(scope, ticket.conversation_id)
    await _hand_to(scope, ticket.conversation_id, "bot")


async def _hand_to(scope: Scope, conversation_id: UUID, handler: str) -> None:
    """The new version makes a reply that the bot is computing just now worthless."""
    await scope.session.execute(
        scope.update(Conversation)
        .where(Conversation.id == conversation_id)
        .values(handler=handler, version=Conversation.version + 1)
    )


def _sendable(text: str) -> str:
    text = text.strip()
    if not text:
        raise BadInput("The reply is empty. Write what the customer should read.")
    if len(text) > LONGEST_REPLY:
        raise BadInput(f"The reply has {len(text):,} characters; the most is {LONGEST_REPLY:,}.")
    return text


def _note(scope: Scope, agent: Agent, action: str, subject_id: UUID, **details: Any) -> None:
    scope.add(AuditEntry(actor_id=agent.id, action=action, subject_id=subject_id, details=details))
