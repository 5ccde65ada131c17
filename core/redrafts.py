"""Drafts that an agent asks for: one where there is none, or another in place of one that they did not like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core import tickets
from core.agent.state import Answer
from core.db import Database
from core.desk.acting import Agent, change_open, changed, ticket_of
from core.desk.drafts import decide
from core.errors import Conflict
from core.models import Draft, Message, Ticket
from core.outbox import Outbox
from core.tenancy import Scope
from core.turns import Turns


@dataclass(frozen=True, slots=True)
class Redrafts:
    db: Database
    turns: Turns
    outbox: Outbox

    async def draft(self, organization_id: UUID, agent: Agent, number: int) -> UUID:
        """Thinks about the customer's newest message, and offers what comes of it in place of what was offered.

        Returns the draft's id. Raises `Conflict` when the ticket is resolved, or the documents say nothing about it.
        """
        async with self.db.read(organization_id) as scope:
            ticket = await ticket_of(scope, number)
            newest = await _newest_question(scope, ticket)
        outcome = await self.turns.think_again(organization_id, newest.id, frozenset()) if newest else None
        if newest is None or outcome is None or outcome.answer is None:
            raise Conflict("The documents say nothing about this. Write a reply.")
        async with self.db.write(organization_id) as scope:
            await change_open(scope, ticket)
            await tickets.outdate_drafts(scope, ticket.conversation_id)
            new = tickets.offer_draft(scope, ticket, newest.id, outcome.answer)
            await changed(scope, self.outbox, agent, "draft.asked_for", ticket, new=str(new.id))
            return new.id

    async def regenerate(self, organization_id: UUID, agent: Agent, draft_id: UUID, version: int) -> UUID:
        """Thinks again about the draft's question and offers what comes of it. Returns the new draft's id.

        With a model the answer is written anew. Without one the documents say what they said, so the next best
        articles are asked. Raises `Conflict` when the draft was decided since `version`, or nothing else is found.
        """
        async with self.db.read(organization_id) as scope:
            draft = await scope.get(Draft, draft_id)
        answer = await self._another(organization_id, draft)
        async with self.db.write(organization_id) as scope:
            old = await decide(scope, agent, draft_id, version, "stale")
            if answer is None:
                raise Conflict("The documents say nothing else about this. Edit the draft, or write a reply.")
            return await self._offer(scope, agent, old, answer)

    async def _another(self, organization_id: UUID, draft: Draft) -> Answer | None:
        for without in (frozenset[str](), frozenset(_cited(draft))):
            outcome = await self.turns.think_again(organization_id, draft.message_id, without)
            if outcome.answer and outcome.answer.text.strip() != draft.text.strip():
                return outcome.answer
        return None

    async def _offer(self, scope: Scope, agent: Agent, old: Draft, answer: Answer) -> UUID:
        ticket = await scope.get(Ticket, old.ticket_id)
        new = tickets.offer_draft(scope, ticket, old.message_id, answer)
        await changed(scope, self.outbox, agent, "draft.regenerated", ticket, draft=str(old.id), new=str(new.id))
        return new.id


async def _newest_question(scope: Scope, ticket: Ticket) -> Message | None:
    found: Message | None = await scope.session.scalar(
        scope.select(Message)
        .where(Message.conversation_id == ticket.conversation_id, Message.author == "customer")
        .where(Message.retracted_at.is_(None))
        .order_by(Message.id.desc())
        .limit(1)
    )
    return found


def _cited(draft: Draft) -> list[Any]:
    return [citation["article"] for citation in draft.citations]
