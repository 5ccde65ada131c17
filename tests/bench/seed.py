"""Databases with something in them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from sqlalchemy import insert

from core.accounts import create_api_key
from core.db import Database
from core.migrate import migrate
from core.models import Channel, Conversation, Customer, Organization, Ticket, new_id, now
from core.settings import Settings

THINGS = ("kettle", "lamp", "jacket", "tent", "bicycle", "printer", "sofa", "camera", "drill", "blender")
ASPECTS = ("cleaning", "repair", "delivery", "returning", "warranty", "price", "colour", "size", "assembly", "storage")
PLACES = ("Leipzig", "Porto", "Gdansk", "Lyon", "Turin", "Ghent", "Malmo", "Graz", "Cork", "Split")


def thousand_articles() -> str:
    """A FAQ of 1,000 entries of about 40 words, as JSON lines."""
    lines = []
    for number in range(1000):
        thing, aspect, place = THINGS[number % 10], ASPECTS[number // 10 % 10], PLACES[number // 100]
        lines.append(
            json.dumps(
                {
                    "id": f"{aspect}-{thing}-{place}".lower(),
                    "question": f"What should I know about {aspect} of the {thing} from our shop in {place}?",
                    "answer": f"For {aspect} of a {thing} bought in {place}, bring the receipt number {number} and the "
                    f"{thing} itself to the counter. Our staff in {place} looks after {aspect} within "
                    f"{number % 14 + 1} working days and sends you a message when everything is done.",
                }
            )
        )
    return "\n".join(lines)


def organization(data_dir: Path) -> None:
    asyncio.run(_seed(data_dir, 0))


def tickets(data_dir: Path, number: int) -> str:
    """Returns an API key of the organization that has them."""
    return asyncio.run(_seed(data_dir, number))


async def _seed(data_dir: Path, number: int) -> str:
    db = Database(Settings(data_dir=data_dir, database_url="").url)
    await migrate(db)
    acme = Organization(id=new_id(), slug="acme", name="Acme", settings={})
    async with db.write(acme.id) as scope:
        scope.session.add(acme)
        await scope.session.flush()  # the rows below refer to it
        channel = scope.add(Channel(id=new_id(), kind="widget", name="Website", public_key="bench"))
        await scope.session.flush()
        key = create_api_key(scope, "bench")
        common = {"organization_id": acme.id, "created_at": now()}
        customers = [{"id": new_id(), "name": f"Customer {n}", **common} for n in range(number)]
        conversations = [
            {
                "id": new_id(),
                "customer_id": customer["id"],
                "channel_id": channel.id,
                "last_message_at": now(),
                **common,
            }
            for customer in customers
        ]
        rows = [
            {
                "id": new_id(),
                "number": 1001 + n,
                "conversation_id": conversation["id"],
                "subject": f"Where is parcel {n}?",
                "reason": "no_knowledge",
                **common,
            }
            for n, conversation in enumerate(conversations)
        ]
        for table, values in ((Customer, customers), (Conversation, conversations), (Ticket, rows)):
            if values:
                await scope.session.execute(insert(table), values)
    await db.close()
    return key
