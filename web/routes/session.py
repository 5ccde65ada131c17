"""Signing in to the console, and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, SecretStr, StringConstraints

from core import accounts
from web.auth import COOKIE, SESSION_LIFE, Caller, Desk
from web.limits import Limits

router = APIRouter(prefix="/api/v1", tags=["session"])


class Credentials(BaseModel):
    email: Annotated[str, StringConstraints(max_length=320, pattern=r"^[^\x00]*$")]
    password: SecretStr


class Session(BaseModel):
    token: str
    name: str
    role: str


class Me(BaseModel):
    name: str
    role: str
    organization: str


@router.post("/session")
async def sign_in(body: Credentials, request: Request, response: Response, desk: Desk) -> Session:
    """Gives a bearer token, and sets the same as a cookie for the console."""
    limits: Limits = request.app.state.limits
    limits.check("sign_in", body.email.strip().lower())
    # Whatever the addresses: verifying a password costs us much more than guessing one costs them.
    limits.check("sign_ins", request.client.host if request.client else "")
    identity = await accounts.sign_in(desk.db, body.email, body.password.get_secret_value())
    token = request.app.state.session_tokens.issue(identity)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return Session(token=token, name=identity.name, role=identity.role)


@router.delete("/session", status_code=204)
async def sign_out(response: Response) -> None:
    response.delete_cookie(COOKIE)


@router.get("/me")
async def me(caller: Caller, desk: Desk) -> Me:
    async with desk.db.read(caller.organization_id) as scope:
        organization = await accounts.organization(scope)
    return Me(name=caller.name, role=caller.role, organization=organization.name)
