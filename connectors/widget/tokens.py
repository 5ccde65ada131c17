"""Who a widget's visitor is: one signed token, good for sockets for a day and for coming back for half a year."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid5

import jwt

from core.errors import Unauthenticated
from core.messages import Person
from core.models import now
from core.secrets import derive

SOCKET_LIFE = timedelta(hours=24)
VISITOR_LIFE = timedelta(days=180)
ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class Visitor:
    organization_id: UUID
    channel_id: UUID
    visitor_id: UUID
    conversation_id: UUID
    name: str | None = None
    email: str | None = None
    verified: bool = False

    def as_person(self) -> Person:
        return Person(str(self.visitor_id), self.name, self.email, verified=self.verified)


class VisitorTokens:
    def __init__(self, key: str) -> None:
        self._key = derive(key, "deskhand/widget/1")

    def issue(self, visitor: Visitor) -> str:
        moment = now()
        claims = {
            "org": str(visitor.organization_id),
            "chn": str(visitor.channel_id),
            "sub": str(visitor.visitor_id),
            "cnv": str(visitor.conversation_id),
            "name": visitor.name,
            "email": visitor.email,
            "ver": visitor.verified,
            "iat": moment,
            "exp": moment + SOCKET_LIFE,
        }
        return jwt.encode(claims, self._key, ALGORITHM)

    def read(self, token: str, *, returning: bool = False) -> Visitor:
        """The token's visitor. With `returning`, one that is too old for a socket still says who came back.

        Raises `Unauthenticated` for a token that is forged, garbled or too old.
        """
        try:
            claims = jwt.decode(
                token,
                self._key,
                [ALGORITHM],
                options={"require": ["exp", "iat", "sub"], "verify_exp": not returning},
            )
            if returning and claims["iat"] < (now() - VISITOR_LIFE).timestamp():
                raise Unauthenticated("This visitor token is too old. Start a new session.")
            return Visitor(
                UUID(claims["org"]),
                UUID(claims["chn"]),
                UUID(claims["sub"]),
                UUID(claims["cnv"]),
                claims.get("name"),
                claims.get("email"),
                bool(claims.get("ver")),
            )
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError, AttributeError):
            raise Unauthenticated("This visitor token is not valid (any more). Start a new session.") from None


def identity_fits(secret: str, subject: str, signature: str) -> bool:
    """Whether the shop's server signed `subject` (a user id, or an e-mail address): hex HMAC-SHA256."""
    expected = hmac.new(secret.encode(), subject.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.strip().lower().encode())


def known_user(channel_id: UUID, subject: str) -> UUID:
    """A signed-in user's visitor id: the same on every device, another one on every channel."""
    return uuid5(channel_id, f"user:{subject}")


def first_conversation(visitor_id: UUID) -> UUID:
    """The id that a visitor's first conversation will have, so that two new tabs agree on it."""
    return uuid5(visitor_id, "conversation")
