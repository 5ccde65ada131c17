"""Who is calling: a signed session (cookie or bearer) of a member, or an organization's API key."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import jwt
from fastapi import Depends, Request

from core import accounts
from core.accounts import KEY_PREFIX, Identity
from core.errors import Forbidden, Unauthenticated
from core.helpdesk import Helpdesk
from core.models import now
from core.secrets import derive

COOKIE = "deskhand_session"
SESSION_LIFE = timedelta(hours=12)
ALGORITHM = "HS256"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def helpdesk(request: Request) -> Helpdesk:
    desk: Helpdesk = request.app.state.helpdesk
    return desk


Desk = Annotated[Helpdesk, Depends(helpdesk)]


class SessionTokens:
    def __init__(self, key: str) -> None:
        self._key = derive(key, "deskhand/console/1")

    def issue(self, identity: Identity) -> str:
        moment = now()
        claims = {
            "org": str(identity.organization_id),
            "sub": str(identity.member_id),
            "iat": moment,
            "exp": moment + SESSION_LIFE,
        }
        return jwt.encode(claims, self._key, ALGORITHM)

    def read(self, token: str) -> tuple[UUID, UUID]:
        """(organization id, member id). Raises `Unauthenticated`."""
        try:
            claims = jwt.decode(token, self._key, [ALGORITHM], options={"require": ["exp", "sub", "org"]})
            return UUID(claims["org"]), UUID(claims["sub"])
        except (jwt.InvalidTokenError, ValueError, AttributeError):
            raise Unauthenticated("This session is over. Sign in again.") from None


async def caller(request: Request, desk: Desk) -> Identity:
    """The identity behind a request. Raises `Unauthenticated`."""
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credential:
        if credential.startswith(KEY_PREFIX):
            return await accounts.by_api_key(desk.db, credential.strip())
        return await _member(desk, request, credential.strip())
    if key := request.headers.get("x-api-key"):
        return await accounts.by_api_key(desk.db, key)
    if cookie := request.cookies.get(COOKIE):
        _refuse_foreign_page(request)
        return await _member(desk, request, cookie)
    raise Unauthenticated("Sign in, or send an API key as `Authorization: Bearer dk_…`.")


async def _member(desk: Helpdesk, request: Request, token: str) -> Identity:
    organization_id, member_id = request.app.state.session_tokens.read(token)
    async with desk.db.read(organization_id) as scope:
        member = await accounts.member(scope, member_id)
    return Identity(organization_id, member.id, member.name, "admin" if member.role == "admin" else "agent")


def _refuse_foreign_page(request: Request) -> None:
    """A browser sends cookies along for any page; only ours may change anything with them."""
    origin = request.headers.get("origin")
    if request.method in SAFE_METHODS or origin is None:
        return
    if origin.partition("://")[2] != request.headers.get("host"):
        raise Forbidden("This page may not act for you.")


Caller = Annotated[Identity, Depends(caller)]


async def admin(caller: Caller) -> Identity:
    """An admin, or a program with the organization's key. Raises `Forbidden` for an agent."""
    if caller.role == "agent":
        raise Forbidden("Only an admin can do this. Ask one of yours.")
    return caller


Admin = Annotated[Identity, Depends(admin)]
