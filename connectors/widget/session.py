"""Starting a visit: which shop, from which page, as whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import exists, select

from connectors.widget.takeover import TAKEN_OVER, take_over, wrote
from connectors.widget.tokens import Visitor, VisitorTokens, first_conversation, identity_fits, known_user
from core.accounts import OrganizationSettings
from core.db import Database
from core.errors import BadInput, Forbidden, NotFound, Unauthenticated
from core.events import Event, Events, conversation_topic
from core.models import Channel, Conversation, CustomerIdentity, Organization
from core.secrets import SecretBox
from core.tenancy import Scope

Short = Annotated[str, StringConstraints(max_length=320, strip_whitespace=True)]


class ClaimedIdentity(BaseModel):
    """Who the page says is signed in. With a right `signature` it is believed."""

    model_config = ConfigDict(extra="ignore")

    id: Short | None = None
    email: Short | None = None
    name: Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)] | None = None
    signature: Annotated[str, StringConstraints(max_length=128)] | None = None


class SessionRequest(BaseModel):
    model_config = ConfigDict(extra="ignore")

    site_key: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
    visitor_token: Annotated[str, StringConstraints(max_length=4096)] | None = None
    identity: ClaimedIdentity | None = None


class SessionAnswer(BaseModel):
    token: str
    visitor_id: UUID
    conversation_id: UUID
    settings: dict[str, Any]


class Sessions:
    def __init__(self, db: Database, events: Events, tokens: VisitorTokens, box: SecretBox) -> None:
        self._db = db
        self._events = events
        self._tokens = tokens
        self._box = box

    async def start(self, request: SessionRequest, origin: str | None, host: str) -> SessionAnswer:
        """Raises `NotFound` for an unknown site key, `Forbidden` for a page that may not embed it or a wrong
        signature. A token that is no good is passed over: a visitor must be able to write in any case."""
        channel, organization = await self._channel(request.site_key)
        check_origin(channel, origin, host)
        signed_in, person = self._known(request, channel), request.identity or ClaimedIdentity()
        before = self._returning(request.visitor_token, channel)
        visitor_id = signed_in or (before.visitor_id if before else uuid4())
        visitor = Visitor(
            organization_id=channel.organization_id,
            channel_id=channel.id,
            visitor_id=visitor_id,
            conversation_id=first_conversation(visitor_id),
            name=person.name,
            email=person.email,
            verified=signed_in is not None,
        )
        visitor = await self._continued(visitor, before if signed_in else None)
        return SessionAnswer(
            token=self._tokens.issue(visitor),
            visitor_id=visitor.visitor_id,
            conversation_id=visitor.conversation_id,
            settings=_appearance(organization),
        )

    async def admit(self, token: str, origin: str | None, host: str) -> Visitor:
        """Who opens a socket. Raises `Unauthenticated` for a token that admits nobody (any more), `Forbidden` for a
        page that may not show the widget."""
        visitor = self._tokens.read(token)
        async with self._db.read(visitor.organization_id) as scope:
            channel = await scope.session.scalar(
                scope.select(Channel).where(Channel.id == visitor.channel_id, Channel.disabled_at.is_(None))
            )
            if channel is None or await _is_anothers(scope, visitor):
                raise Unauthenticated("This chat is no longer available.")
        check_origin(channel, origin, host)
        return visitor

    async def _continued(self, visitor: Visitor, before: Visitor | None) -> Visitor:
        """`visitor` in the conversation to go on with. `before` is who they were before they signed in."""
        moved = await self._take_over(before, visitor) if before else []
        if before and before.conversation_id in moved:
            return replace(visitor, conversation_id=before.conversation_id)
        async with self._db.read(visitor.organization_id) as scope:
            latest = await scope.session.scalar(
                scope.select(Conversation, Conversation.id)
                .join(CustomerIdentity, CustomerIdentity.customer_id == Conversation.customer_id)
                .where(CustomerIdentity.channel_id == visitor.channel_id)
                .where(CustomerIdentity.external_id == str(visitor.visitor_id))
                .where(Conversation.channel_id == visitor.channel_id)
                .order_by(Conversation.last_message_at.desc(), Conversation.id.desc())
                .limit(1)
            )
            if latest:
                return replace(visitor, conversation_id=latest)
            if await _is_anothers(scope, visitor):  # it went to whom they signed in as
                fresh = uuid4()
                return replace(visitor, visitor_id=fresh, conversation_id=first_conversation(fresh))
        return visitor

    async def _take_over(self, before: Visitor, known: Visitor) -> list[UUID]:
        async with self._db.read(known.organization_id) as scope:
            if not await wrote(scope, before):
                return []
        async with self._db.write(known.organization_id) as scope:
            moved = await take_over(scope, before, known)
        for conversation_id in moved:
            self._events.publish(
                Event(conversation_topic(conversation_id), TAKEN_OVER, {"visitor_id": str(before.visitor_id)})
            )
        return moved

    async def _channel(self, site_key: str) -> tuple[Channel, Organization]:
        async with self._db.system() as scope:
            found = (
                await scope.session.execute(
                    select(Channel, Organization)
                    .join(Organization, Organization.id == Channel.organization_id)
                    .where(
                        Channel.public_key == site_key,
                        Channel.kind == "widget",
                        Channel.disabled_at.is_(None),
                    )
                )
            ).one_or_none()
        if found is None:
            raise NotFound(f"There is no chat widget with the site key {site_key!r}. Copy it from Channels.")
        return found[0], found[1]

    def _known(self, request: SessionRequest, channel: Channel) -> UUID | None:
        """The visitor id of a user whom the shop's server signed; None for everybody else."""
        person = request.identity
        if person is None or not person.signature:
            return None
        subject = person.id or person.email
        if not subject:
            raise BadInput("A signed identity needs the `id` or the `email` that was signed.")
        secret = self._box.open(channel.sealed_secrets).get("identity_secret", "")
        if not secret or not identity_fits(secret, subject, person.signature):
            raise Forbidden(
                "The identity's signature does not fit. It is the hex HMAC-SHA256 of the id (or "
                "of the e-mail address where there is no id) with the channel's identity secret."
            )
        return known_user(channel.id, subject)

    def _returning(self, token: str | None, channel: Channel) -> Visitor | None:
        """An anonymous visitor who was here before. A signed-in user's token is not enough without the
        signature: whoever uses the browser after signing out must not see their conversation."""
        if not token:
            return None
        try:
            visitor = self._tokens.read(token, returning=True)
        except Unauthenticated:
            return None
        return visitor if visitor.channel_id == channel.id and not visitor.verified else None


async def _is_anothers(scope: Scope, visitor: Visitor) -> bool:
    """Whether the visitor's conversation exists and belongs to somebody else: it did so from when they signed in."""
    theirs = exists().where(
        CustomerIdentity.customer_id == Conversation.customer_id,
        CustomerIdentity.channel_id == visitor.channel_id,
        CustomerIdentity.external_id == str(visitor.visitor_id),
    )
    query = scope.select(Conversation, Conversation.id).where(Conversation.id == visitor.conversation_id, ~theirs)
    return await scope.session.scalar(query) is not None


def check_origin(channel: Channel, origin: str | None, host: str) -> None:
    """A browser names the page's origin: our own, or one that the organization listed (`*` for any).

    A client without one is no browser, and could claim any.
    """
    allowed = {address.strip().rstrip("/").lower() for address in channel.settings.get("allowed_origins") or ()}
    if origin is None or "*" in allowed or origin.lower() in allowed or origin.partition("://")[2] == host:
        return
    raise Forbidden(f"The page {origin} may not show this widget. Add it to the channel's allowed origins.")


def _appearance(organization: Organization) -> dict[str, Any]:
    settings = OrganizationSettings.model_validate(organization.settings)
    return {
        "name": organization.name,
        **settings.model_dump(
            include={"assistant_name", "greeting", "color", "suggestions", "privacy_url", "language", "texts"}
        ),
    }
