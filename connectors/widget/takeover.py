"""A visitor signs in: what they wrote before belongs to them from now on, and to no anonymous token."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, exists, func

from connectors.widget.tokens import Visitor
from core.models import AuditEntry, Conversation, Customer, CustomerIdentity, Message, new_id
from core.tenancy import Scope

TAKEN_OVER = "taken_over"
"""The event that tells a conversation's sockets whose it was."""


async def wrote(scope: Scope, visitor: Visitor) -> bool:
    """Whether there is anything to take over."""
    query = scope.select(CustomerIdentity, CustomerIdentity.id).where(*_is(visitor))
    return await scope.session.scalar(query) is not None


async def take_over(scope: Scope, anonymous: Visitor, known: Visitor) -> list[UUID]:
    """Makes the conversations of `anonymous` those of `known`, a user whose identity the shop has signed.

    Returns them. Afterwards `anonymous` is nobody: who still holds its token (a shared computer's last user,
    say) reads nothing of what the known user writes.
    """
    left = await _customer(scope, anonymous)
    if left is None:
        return []
    first = await scope.insert_if_absent(
        CustomerIdentity,
        id=new_id(),
        customer_id=left,
        channel_id=known.channel_id,
        external_id=str(known.visitor_id),
        verified=True,
    )
    owner = left if first else await _customer(scope, known)
    assert owner is not None
    statement = (
        scope.update(Conversation)
        .where(Conversation.customer_id == left, Conversation.channel_id == known.channel_id)
        .values(customer_id=owner)
        .returning(Conversation.id)
    )
    moved = list(await scope.session.scalars(statement))
    for conversation_id in moved:
        await _hand_on(scope, conversation_id, anonymous, known)
    await scope.session.execute(scope.delete(CustomerIdentity).where(*_is(anonymous)))
    if first:
        await scope.session.execute(
            scope.update(Customer).where(Customer.id == owner).values(name=known.name, email=known.email)
        )
    else:
        await _forget(scope, left)
    return moved


async def _hand_on(scope: Scope, conversation_id: UUID, anonymous: Visitor, known: Visitor) -> None:
    # What the browser has sent and not seen acknowledged, it sends again as the known user.
    before, after = f"{anonymous.visitor_id}:", f"{known.visitor_id}:"
    await scope.session.execute(
        scope.update(Message)
        .where(Message.conversation_id == conversation_id, Message.external_id.startswith(before))
        .values(external_id=func.replace(Message.external_id, before, after))
        .execution_options(synchronize_session=False)
    )
    details = {"from": str(anonymous.visitor_id), "to": str(known.visitor_id)}
    scope.add(AuditEntry(action="conversation.taken_over", subject_id=conversation_id, details=details))


async def _customer(scope: Scope, visitor: Visitor) -> UUID | None:
    found: UUID | None = await scope.session.scalar(
        scope.select(CustomerIdentity, CustomerIdentity.customer_id).where(*_is(visitor)).with_for_update()
    )
    return found


def _is(visitor: Visitor) -> tuple[ColumnElement[bool], ...]:
    return (
        CustomerIdentity.channel_id == visitor.channel_id,
        CustomerIdentity.external_id == str(visitor.visitor_id),
    )


async def _forget(scope: Scope, customer_id: UUID) -> None:
    """Removes a customer of whom nothing is left."""
    await scope.session.execute(
        scope.delete(Customer).where(
            Customer.id == customer_id,
            ~exists().where(CustomerIdentity.customer_id == customer_id),
            ~exists().where(Conversation.customer_id == customer_id),
        )
    )
