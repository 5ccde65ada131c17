"""Organizations and who may speak for them: settings, members, sign-in, API keys."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import select

from core.db import Database
from core.errors import Unauthenticated
from core.models import ApiKey, Member, Organization, storable
from core.service import Service
from core.tenancy import Scope

Autonomy = Literal["auto", "draft", "off"]
KEY_PREFIX = "dk_"
_passwords = PasswordHasher()


class OrganizationSettings(BaseModel):
    """How an organization's assistant looks, speaks and decides."""

    model_config = ConfigDict(extra="ignore")

    assistant_name: Annotated[str, StringConstraints(max_length=60)] = "Assistant"
    greeting: Annotated[str, StringConstraints(max_length=500)] = "Hi! How can we help?"
    lead_in: Annotated[str, StringConstraints(max_length=200)] = ""
    """Said before an answer taken word for word from the documents; empty for none."""
    color: Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")] = "#2f5d50"
    suggestions: list[Annotated[str, StringConstraints(max_length=120)]] = Field(default_factory=list, max_length=6)
    privacy_url: str | None = None
    language: str = "en"
    texts: dict[str, str] = Field(default_factory=dict)
    threshold: float | None = Field(None, ge=0, le=1)
    """Send only answers at least this likely to be right; None takes the default of `core.agent.policy`."""
    ask_rating: bool = True
    """Ask the customer how it was once a ticket is solved."""
    service: Service = Field(default_factory=Service)
    autonomy: Autonomy = "auto"
    category_autonomy: dict[str, Autonomy] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is calling: a member, or an organization's program with an API key."""

    organization_id: UUID
    member_id: UUID | None
    name: str
    role: Literal["admin", "agent", "api"]


def hash_password(password: str) -> str:
    return _passwords.hash(_bytes(password))


async def sign_in(db: Database, email: str, password: str) -> Identity:
    """The member of this address and password. Raises `Unauthenticated`, never saying which was wrong.

    An address may belong to several organizations, each with its own password; the first that fits is taken.
    """
    async with db.system() as scope:
        members = list(
            await scope.session.scalars(
                select(Member).where(Member.email == storable(email).strip().lower(), Member.disabled_at.is_(None))
            )
        )
    for member in members:
        if await asyncio.to_thread(_fits, member.password_hash or _nobody(), password):
            role: Literal["admin", "agent"] = "admin" if member.role == "admin" else "agent"
            return Identity(member.organization_id, member.id, member.name, role)
    if not members:
        await asyncio.to_thread(_fits, _nobody(), password)
    raise Unauthenticated("This e-mail address and password do not belong together.")


def _fits(password_hash: str, password: str) -> bool:
    try:
        return _passwords.verify(password_hash, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    """Verified against when there is no such member, so that an unknown address takes as long as a wrong password."""
    return hash_password(secrets.token_urlsafe(16))


def _bytes(text: str) -> bytes:
    """Also of half a surrogate pair, which JSON can carry."""
    return text.encode("utf-8", "surrogatepass")


def create_api_key(scope: Scope, name: str) -> str:
    """Adds a key and returns it. Only its digest is kept: it can be shown this once."""
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    scope.add(ApiKey(name=name, digest=_digest(key), hint=key[:8]))
    return key


async def by_api_key(db: Database, key: str) -> Identity:
    async with db.system() as scope:
        found = await scope.session.scalar(
            select(ApiKey).where(ApiKey.digest == _digest(key), ApiKey.revoked_at.is_(None))
        )
    if found is None:
        raise Unauthenticated("This API key is not known, or was revoked. Make a new one in the console.")
    return Identity(found.organization_id, None, found.name, "api")


def _digest(key: str) -> str:
    return hashlib.sha256(_bytes(key)).hexdigest()


async def member(scope: Scope, member_id: UUID) -> Member:
    """An active member. Raises `Unauthenticated` if there is none: a session outlives its member's removal."""
    found: Member | None = await scope.session.scalar(
        scope.select(Member).where(Member.id == member_id, Member.disabled_at.is_(None))
    )
    if found is None:
        raise Unauthenticated("This account no longer exists. Sign in again.")
    return found


async def organization(scope: Scope) -> Organization:
    found = await scope.session.get(Organization, scope.organization_id)
    if found is None:
        raise Unauthenticated("This organization no longer exists.")
    return found
