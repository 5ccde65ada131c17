"""The categories of an organization: everyone may read them, admins define them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from core import categories as defined
from core.accounts import Autonomy
from core.categories import MOST_EXAMPLES, Described
from core.models import Category, storable
from core.tenancy import Scope
from web.auth import Admin, Caller, Desk

router = APIRouter(prefix="/api/v1/categories", tags=["categories"])
Name = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
Sentence = Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)]
Example = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
Examples = Annotated[list[Example], Field(max_length=MOST_EXAMPLES)]


class CategoryRow(BaseModel):
    id: UUID
    name: str
    description: str
    examples: list[str]
    learned: int
    """Corrections by agents that it has learned from."""
    autonomy: Autonomy | None
    """What the bot may do with its messages; null is what the organization's settings say."""


class NewCategory(BaseModel):
    name: Name
    description: Sentence = ""
    """One sentence: what its messages are about."""
    examples: Examples = []
    """A few messages as customers write them; three to five do most of the work."""
    autonomy: Autonomy | None = None


class ChangedCategory(BaseModel):
    """What is left out stays as it is."""

    name: Name | None = None
    description: Sentence | None = None
    examples: Examples | None = None
    autonomy: Autonomy | None = None


@router.get("")
async def categories(caller: Caller, desk: Desk) -> list[CategoryRow]:
    async with desk.db.read(caller.organization_id) as scope:
        return [_row(found) for found in await defined.described(scope)]


@router.post("", status_code=201)
async def create(body: NewCategory, caller: Admin, desk: Desk) -> CategoryRow:
    """From the next message on it is assigned. 409 if the name is taken."""
    async with desk.db.write(caller.organization_id) as scope:
        category_id = await defined.create(
            scope, storable(body.name), storable(body.description), _storable(body.examples), body.autonomy
        )
        await scope.session.flush()  # so that it is read back
        return await _one(scope, category_id)


@router.patch("/{category_id}")
async def change(category_id: UUID, body: ChangedCategory, caller: Admin, desk: Desk) -> CategoryRow:
    """`examples` replaces those written here; what was learned from agents stays. Tickets follow a new name."""
    wished: dict[str, Any] = {"autonomy": body.autonomy} if "autonomy" in body.model_fields_set else {}
    async with desk.db.write(caller.organization_id) as scope:
        await defined.change(
            scope,
            category_id,
            name=None if body.name is None else storable(body.name),
            description=None if body.description is None else storable(body.description),
            examples=None if body.examples is None else _storable(body.examples),
            **wished,
        )
        await scope.session.flush()  # so that it is read back
        return await _one(scope, category_id)


@router.delete("/{category_id}", status_code=204)
async def delete(category_id: UUID, caller: Admin, desk: Desk) -> None:
    """No more messages are sorted into it. Tickets keep its name."""
    async with desk.db.write(caller.organization_id) as scope:
        await defined.remove(scope, category_id)


def _storable(texts: list[str]) -> list[str]:
    return [storable(text) for text in texts]


async def _one(scope: Scope, category_id: UUID) -> CategoryRow:
    await scope.get(Category, category_id)
    return next(_row(found) for found in await defined.described(scope) if found.id == category_id)


def _row(found: Described) -> CategoryRow:
    return CategoryRow.model_validate(found, from_attributes=True)
