"""What agents say among themselves."""

from __future__ import annotations

from uuid import UUID

from core.desk.acting import Agent, ticket_of
from core.desk.replies import sendable
from core.errors import NotFound
from core.models import Note, Ticket, new_id, now
from core.outbox import Outbox
from core.tenancy import Scope


async def note(
    scope: Scope, outbox: Outbox, agent: Agent, number: int, text: str, *, external_id: str | None = None
) -> UUID | None:
    """Adds a note to the ticket; None if the note of this `external_id` is there already."""
    ticket = await ticket_of(scope, number)
    note_id = new_id()
    added = await scope.insert_if_absent(
        Note, id=note_id, ticket_id=ticket.id, member_id=agent.id, text=sendable(text), external_id=external_id
    )
    if not added:
        return None
    await outbox.tell_desks(scope, ticket)
    return note_id


async def edit_note(scope: Scope, outbox: Outbox, external_id: str, text: str) -> None:
    """Raises `NotFound` when there is no such note."""
    found = await _by_external_id(scope, external_id)
    found.text, found.edited_at = sendable(text), now()
    await outbox.tell_desks(scope, await scope.get(Ticket, found.ticket_id))


async def retract_note(scope: Scope, outbox: Outbox, external_id: str) -> None:
    """Raises `NotFound` when there is no such note."""
    found = await _by_external_id(scope, external_id)
    found.retracted_at = now()
    await outbox.tell_desks(scope, await scope.get(Ticket, found.ticket_id))


async def _by_external_id(scope: Scope, external_id: str) -> Note:
    found: Note | None = await scope.session.scalar(scope.select(Note).where(Note.external_id == external_id))
    if found is None:
        raise NotFound("There is no such note.")
    return found
