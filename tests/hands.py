"""A worker's hands without its loop: they claim and work when a test says so."""

from __future__ import annotations

from uuid import UUID

from core import queue
from core.helpdesk import Helpdesk
from core.models import Delivery, Message


class Hands:
    def __init__(self, helpdesk: Helpdesk, owner: str = "hands") -> None:
        self._helpdesk = helpdesk
        self.owner = owner
        self.turns = helpdesk.turns

    async def claim(self, table: queue.Table = Message, most: int = 100) -> list[UUID]:
        """The ids of what was claimed, oldest first."""
        async with self._helpdesk.db.system(write=True) as scope:
            return [row.id for row in await queue.claim(scope, table, self.owner, most)]

    async def turn(self, organization_id: UUID, message_id: UUID) -> None:
        await self.turns.run(organization_id, message_id, self.owner)

    async def work(self, table: queue.Table = Message) -> int:
        """Works everything that may be worked now; how many rows that was."""
        worked = 0
        while True:
            async with self._helpdesk.db.system(write=True) as scope:
                claimed = await queue.claim(scope, table, self.owner, 100)
            if not claimed:
                return worked
            for row in claimed:
                if table is Delivery:
                    await self._helpdesk.outbox.deliver(row.organization_id, row.id, self.owner)
                else:
                    await self.turns.run(row.organization_id, row.id, self.owner)
                worked += 1
