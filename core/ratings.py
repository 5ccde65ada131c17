"""How it was, in the customer's own words: asked once after a ticket is solved, 1 (bad) to 5 (good)."""

from __future__ import annotations

from typing import Any

from core.accounts import OrganizationSettings, organization
from core.agent import wording
from core.errors import BadInput, NotFound
from core.models import AuditEntry, Channel, Conversation, Customer, Ticket, now, storable
from core.outbox import NewMessage, Outbox, Place
from core.tenancy import Scope

SCORES = range(1, 6)
LONGEST_COMMENT = 2000


async def ask(scope: Scope, outbox: Outbox, ticket: Ticket) -> None:
    """Posts the question, where the organization wants it asked and the channel can show how to answer it."""
    shop = await organization(scope)
    settings = OrganizationSettings.model_validate(shop.settings)
    row = (
        await scope.session.execute(
            scope.select(Conversation, Conversation.channel_id, Channel.kind, Customer.language)
            .join(Channel, Channel.id == Conversation.channel_id)
            .join(Customer, Customer.id == Conversation.customer_id)
            .where(Conversation.id == ticket.conversation_id)
        )
    ).one()
    if not settings.ask_rating or ticket.rating is not None or not outbox.sends(row.kind):
        return
    question = NewMessage(
        author="system",
        speaker=settings.assistant_name,
        kind="rating",
        text=wording.in_language(wording.HOW_WAS_IT, row.language or settings.language),
        ticket_id=ticket.id,
        ticket_number=ticket.number,
    )
    await outbox.post(scope, Place(ticket.conversation_id, row.channel_id, row.kind), question)


async def rate(scope: Scope, outbox: Outbox, number: int, score: int, comment: str | None = None) -> Ticket:
    """Keeps the customer's rating of a ticket; a later one replaces it. Raises `NotFound` or `BadInput`."""
    if score not in SCORES:
        raise BadInput("A rating is a number from 1 to 5.")
    values: dict[str, Any] = {"rating": score, "rated_at": now()}
    if comment is not None:
        values["rating_comment"] = storable(comment)[:LONGEST_COMMENT]
    rated: Any = await scope.session.execute(scope.update(Ticket).where(Ticket.number == number).values(**values))
    if not rated.rowcount:
        raise NotFound(f"There is no ticket #{number}.")
    ticket: Ticket = (await scope.session.scalars(scope.select(Ticket).where(Ticket.number == number))).one()
    scope.add(AuditEntry(action="ticket.rated", subject_id=ticket.id, details={"score": score}))
    await outbox.tell_desks(scope, ticket)
    return ticket
