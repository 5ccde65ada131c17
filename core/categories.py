"""An organization's own categories: what its admins define, what its agents teach, and what a turn asks.

Vectors are made when they are first needed, by whoever builds the categorizer, and kept. So defining a category
or correcting a ticket stays one short transaction.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import func, update

from core.accounts import Autonomy, organization
from core.db import Database
from core.errors import BadInput, Conflict
from core.models import Category, CategoryExample, Message, Organization, Ticket, new_id
from core.nlp import categorizer
from core.nlp.categorizer import Categorizer
from core.nlp.encoder import Embedder, Vector
from core.nlp.redact import redact
from core.tenancy import Scope

MOST_CATEGORIES = 50
MOST_EXAMPLES = 50
"""That admins write, for each category."""
MOST_LEARNED = 200
"""For each category; the oldest are forgotten."""
STORED = np.dtype("<f4")
Stored = Category | CategoryExample


@dataclass(frozen=True, slots=True)
class Described:
    """A category as its admins see it."""

    id: UUID
    name: str
    description: str
    examples: tuple[str, ...]
    learned: int
    """How many corrections by agents it has learned from."""
    autonomy: Autonomy | None
    """What the bot may do with its messages; None is what the organization's settings say."""


async def described(scope: Scope) -> list[Described]:
    """All of them, by name."""
    written: dict[UUID, list[str]] = defaultdict(list)
    learned: dict[UUID, int] = defaultdict(int)
    for example in await scope.session.scalars(scope.select(CategoryExample).order_by(CategoryExample.id)):
        if example.message_id:
            learned[example.category_id] += 1
        else:
            written[example.category_id].append(example.text)
    rows = await scope.session.scalars(scope.select(Category).order_by(Category.name))
    autonomy = (await organization(scope)).settings.get("category_autonomy", {})
    return [
        Described(row.id, row.name, row.description, tuple(written[row.id]), learned[row.id], autonomy.get(row.name))
        for row in rows
    ]


async def create(
    scope: Scope, name: str, description: str, examples: Sequence[str], autonomy: Autonomy | None = None
) -> UUID:
    """Returns the new category's id. Raises `Conflict` for a name that is taken, `BadInput` for too many."""
    await _count_change(scope)
    if await scope.session.scalar(scope.select(Category, func.count())) >= MOST_CATEGORIES:
        raise BadInput(f"There are {MOST_CATEGORIES} categories already, which is the most. Delete one first.")
    await _refuse_taken(scope, name)
    category = scope.add(Category(id=new_id(), name=name, description=description))
    await scope.session.flush()  # the examples refer to it
    _write_examples(scope, category.id, examples)
    await _set_autonomy(scope, {name: autonomy})
    return category.id


async def change(
    scope: Scope,
    category_id: UUID,
    *,
    name: str | None = None,
    description: str | None = None,
    examples: Sequence[str] | None = None,
    **autonomy: Autonomy | None,
) -> None:
    """Changes what is given. Tickets follow a new name; `examples` replace those that admins wrote, not the learned.

    Of `autonomy` there is one, if any: `autonomy=None` takes it away.
    """
    await _count_change(scope)
    category = await scope.get(Category, category_id)
    before = category.name
    if name is not None and name != before:
        await _refuse_taken(scope, name)
        await scope.session.execute(scope.update(Ticket).where(Ticket.category == before).values(category=name))
        await _set_autonomy(scope, {before: None, name: await _autonomy_of(scope, before)})
        category.name = name
    category.description = category.description if description is None else description
    category.vector = None
    if examples is not None:
        await scope.session.execute(
            scope.delete(CategoryExample).where(
                CategoryExample.category_id == category_id, CategoryExample.message_id.is_(None)
            )
        )
        _write_examples(scope, category_id, examples)
    if "autonomy" in autonomy:
        await _set_autonomy(scope, {category.name: autonomy["autonomy"]})


async def remove(scope: Scope, category_id: UUID) -> None:
    """Tickets keep its name, as what they were."""
    await _count_change(scope)
    category = await scope.get(Category, category_id)
    await _set_autonomy(scope, {category.name: None})
    await scope.session.delete(category)


async def learn(scope: Scope, ticket: Ticket, name: str | None) -> None:
    """An agent says that the ticket's message belongs to the category `name`, or with None to no category.

    From the next turn on its vector is an example of that, and of nothing else. A name that is no category of
    the organization's teaches nothing.
    """
    category = await scope.session.scalar(scope.select(Category).where(Category.name == name)) if name else None
    message = await _opening(scope, ticket)
    if message is None or (name and category is None):
        return
    await _count_change(scope)
    text = redact(message.text).text
    await scope.session.execute(
        scope.delete(CategoryExample).where((CategoryExample.message_id == message.id) | (CategoryExample.text == text))
    )
    await _forget_oldest(scope, category)
    scope.add(CategoryExample(category_id=category.id if category else None, message_id=message.id, text=text))


class Categorizers:
    """Every organization's categorizer, kept in memory until its categories change, in whatever process."""

    def __init__(self, db: Database, embedder: Embedder) -> None:
        self._db = db
        self._embedder = embedder
        self._kept: dict[UUID, tuple[int, Categorizer]] = {}
        self._locks: dict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, organization_id: UUID, version: int) -> Categorizer:
        """At `version` (`Organization.categories_version`) or newer."""
        if not version:  # never had any
            return Categorizer()
        async with self._locks[organization_id]:
            kept = self._kept.get(organization_id)
            if kept is None or kept[0] < version:
                kept = self._kept[organization_id] = (version, await self._load(organization_id))
            return kept[1]

    async def _load(self, organization_id: UUID) -> Categorizer:
        async with self._db.read(organization_id) as scope:
            categories = list(await scope.session.scalars(scope.select(Category).order_by(Category.name)))
            examples = list(await scope.session.scalars(scope.select(CategoryExample).order_by(CategoryExample.id)))
        await self._embed(organization_id, [*categories, *examples])
        return await asyncio.to_thread(_categorizer, categories, examples, self._embedder.dimension)

    async def _embed(self, organization_id: UUID, rows: Sequence[Stored]) -> None:
        """Gives the rows that lack a vector of this encoder one, and keeps it."""
        stale = [row for row in rows if row.vector is None or row.encoder != self._embedder.name]
        if not stale:
            return
        vectors = await self._embedder.embed_many([_meaning(row) for row in stale])
        made = {row.id: vector.astype(STORED).tobytes() for row, vector in zip(stale, vectors, strict=True)}
        async with self._db.write(organization_id) as scope:
            for row in stale:
                row.vector, row.encoder = made[row.id], self._embedder.name
                await scope.session.execute(
                    scope.update(type(row))
                    .where(type(row).id == row.id)
                    .values(vector=row.vector, encoder=row.encoder)
                    .execution_options(synchronize_session=False)
                )


def _meaning(row: Stored) -> str:
    return f"{row.name}. {row.description}" if isinstance(row, Category) else row.text


def _categorizer(categories: Sequence[Category], examples: Sequence[CategoryExample], dimension: int) -> Categorizer:
    vectors: dict[UUID | None, list[Vector]] = defaultdict(list)
    for example in examples:
        vectors[example.category_id].append(_vector(example))

    def matrix(category_id: UUID | None) -> Vector:
        return np.array(vectors[category_id], dtype=np.float32).reshape(-1, dimension)

    found = [categorizer.Category(row.name, _vector(row), matrix(row.id)) for row in categories]
    return Categorizer(found, matrix(None))


def _vector(row: Stored) -> Vector:
    vector: Vector = np.frombuffer(row.vector or b"", dtype=STORED)
    return vector


async def _count_change(scope: Scope) -> None:
    """Comes first: it locks the organization's row, so that two changes do not lose one's settings."""
    await scope.session.execute(
        update(Organization)
        .where(Organization.id == scope.organization_id)
        .values(categories_version=Organization.categories_version + 1)
        .execution_options(synchronize_session=False)
    )


async def _refuse_taken(scope: Scope, name: str) -> None:
    if await scope.session.scalar(scope.select(Category).where(func.lower(Category.name) == name.lower())):
        raise Conflict(f"There is a category {name} already. Choose another name.")


def _write_examples(scope: Scope, category_id: UUID, examples: Sequence[str]) -> None:
    if len(examples) > MOST_EXAMPLES:
        raise BadInput(f"A category has at most {MOST_EXAMPLES} examples; these are {len(examples)}.")
    for text in dict.fromkeys(examples):
        scope.add(CategoryExample(category_id=category_id, text=text))


async def _autonomy_of(scope: Scope, name: str) -> Autonomy | None:
    found: Autonomy | None = (await organization(scope)).settings.get("category_autonomy", {}).get(name)
    return found


async def _set_autonomy(scope: Scope, wishes: dict[str, Autonomy | None]) -> None:
    ours = await organization(scope)
    wished = {**ours.settings.get("category_autonomy", {}), **wishes}
    kept: dict[str, Any] = {name: autonomy for name, autonomy in wished.items() if autonomy}
    ours.settings = {**ours.settings, "category_autonomy": kept}


async def _opening(scope: Scope, ticket: Ticket) -> Message | None:
    """The customer's message for which the ticket was opened."""
    reply_to = await scope.session.scalar(
        scope.select(Message, Message.reply_to_id).where(Message.ticket_id == ticket.id).order_by(Message.id).limit(1)
    )
    message: Message | None = await scope.session.scalar(scope.select(Message).where(Message.id == reply_to))
    return message


async def _forget_oldest(scope: Scope, category: Category | None) -> None:
    where = CategoryExample.category_id == category.id if category else CategoryExample.category_id.is_(None)
    kept = (
        scope.select(CategoryExample, CategoryExample.id)
        .where(where, CategoryExample.message_id.is_not(None))
        .order_by(CategoryExample.id.desc())
        .limit(MOST_LEARNED - 1)
    )
    await scope.session.execute(
        scope.delete(CategoryExample)
        .where(where, CategoryExample.message_id.is_not(None), CategoryExample.id.not_in(kept))
        .execution_options(synchronize_session=False)
    )
