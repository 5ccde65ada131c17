"""Who acts, and on what. Whoever is not a member of the organization gets a private explanation and changes nothing."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from bots.slack_desk.payloads import Person, Place
from connectors.slack.client import SlackApi, SlackClient, SlackError, SlackUser
from connectors.slack.settings import KIND, token_of
from core.db import Database
from core.desk import Agent
from core.errors import AppError, Conflict, Forbidden
from core.models import Channel, DeskPerson, DeskPost, Member, Ticket, new_id, now
from core.secrets import SecretBox
from core.tenancy import Scope

CHECKED_FOR = timedelta(hours=1)
"""How long what Slack said of a person holds: guests and leavers lose their powers after that at the latest."""
JUST_S = 10.0
PAUSES = (0.1, 0.4, 1.5)
GUEST = (
    "Only full members of this Slack workspace can work on tickets; guests and people from other companies cannot. "
    "Nothing was changed."
)
STRANGER = (
    "You are not a member of the helpdesk team, so nothing was changed. Ask an admin to add you with the e-mail "
    "address of your Slack account."
)
OFF = "This Slack workspace is switched off in the helpdesk ({reason}). Nothing was changed."


class Refused(Forbidden):
    """`link`: where the person can say who they are, if they are a member under another address.

    `again`: they were told so within the hour.
    """

    def __init__(self, detail: str, link: str | None = None, *, again: bool = False) -> None:
        super().__init__(detail)
        self.link = link
        self.again = again


@dataclass(frozen=True, slots=True)
class Where:
    """The ticket, and the organization's channel that it was acted on through."""

    organization_id: UUID
    channel: Channel
    ticket_id: UUID
    number: int
    kind: str = "ticket"
    """Of the message that was acted on, and what that shows."""
    subject_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """Looks up people and places."""

    db: Database
    box: SecretBox
    api: SlackApi
    link: Callable[[str], str]
    """The address of a one-time link, from its key."""

    def client(self, channel: Channel) -> SlackClient:
        return self.api.with_token(token_of(channel, self.box))

    async def channels(self, team: str) -> Sequence[Channel]:
        """The channels of every organization in this workspace, the oldest first."""
        async with self.db.system() as scope:
            return await channels_of(scope, team)

    async def where(self, place: Place) -> Where | None:
        """What the message at `place` shows; None if it is none of ours."""
        row = await self._shown_at(place)
        for pause in PAUSES if _just_posted(place) else ():
            if row is None:  # Slack shows it a moment before we have noted where
                await asyncio.sleep(pause)
                row = await self._shown_at(place)
        if row is None:
            return None
        post, channel, ticket = row
        _still_on(channel)
        return Where(channel.organization_id, channel, ticket.id, ticket.number, post.kind, post.subject_id)

    async def knows(self, place: Place) -> bool:
        """Whether it is noted what the message at `place` shows, or showed."""
        async with self.db.system() as scope:
            return await scope.session.scalar(_noted_at(place)) is not None

    async def _shown_at(self, place: Place) -> Any:
        async with self.db.system() as scope:
            return (await scope.session.execute(_post_at(place))).one_or_none()

    async def ticket(self, team: str, channel_id: UUID, number: int) -> Where:
        """By its number, through a channel of this workspace. Raises `Conflict` when the workspace has left it."""
        found = next((channel for channel in await self.channels(team) if channel.id == channel_id), None)
        if found is None:
            raise Conflict("This Slack workspace is no longer connected to the helpdesk.")
        _still_on(found)
        async with self.db.read(found.organization_id) as scope:
            ticket = await scope.session.scalar(scope.select(Ticket).where(Ticket.number == number))
        if ticket is None:
            raise Conflict(f"There is no ticket #{number}.")
        return Where(found.organization_id, found, ticket.id, number)

    async def agent(self, person: Person, channel: Channel) -> Agent:
        """The member behind a person in Slack. Raises `Refused`."""
        async with self.db.read(channel.organization_id) as scope:
            known = await _known(scope, person)
        told = known is not None and known.fresh
        user = None
        if person.home == person.team:
            if known and known.fresh and known.agent:
                return known.agent
            user = await self.client(channel).user(person.id)
        if user is None or not user.full_member or user.team_id != person.team:
            await self._remember_guest(person, channel)
            raise Refused(GUEST, again=told)
        return await self._match(person, channel, user, told=told)

    async def _match(self, person: Person, channel: Channel, user: SlackUser, *, told: bool) -> Agent:
        async with self.db.write(channel.organization_id) as scope:
            known = await _known(scope, person)
            agent = known.agent if known and known.linked else await _by_email(scope, user.email)
            row = await _row(scope, person)
            row.member_id, row.checked_at = (agent.id if agent else None), now()
            if agent is None:
                row.link_key = secrets.token_urlsafe(24)
            key = row.link_key
        if agent is None:
            raise Refused(STRANGER, self.link(key or ""), again=told)
        return agent

    async def _remember_guest(self, person: Person, channel: Channel) -> None:
        async with self.db.write(channel.organization_id) as scope:
            row = await _row(scope, person)
            row.member_id, row.linked, row.checked_at, row.link_key = None, False, now(), None


@dataclass(frozen=True, slots=True)
class _Known:
    agent: Agent | None
    linked: bool
    fresh: bool


async def channels_of(scope: Scope, team: str) -> Sequence[Channel]:
    found = await scope.session.scalars(
        select(Channel).where(Channel.account == team, Channel.kind == KIND).order_by(Channel.id)
    )
    return list(found)


def _post_at(place: Place) -> Any:
    return (
        select(DeskPost, Channel, Ticket)
        .join(Channel, Channel.id == DeskPost.channel_id)
        .join(Ticket, Ticket.id == DeskPost.ticket_id)
        .where(*_at(place), DeskPost.kind != "moved")
    )


def _noted_at(place: Place) -> Any:
    return select(DeskPost.id).where(*_at(place))


def _at(place: Place) -> tuple[Any, ...]:
    return DeskPost.account == place.team, DeskPost.place == place.channel, DeskPost.external_id == place.ts


def _just_posted(place: Place) -> bool:
    """A message's `ts` is the time at which Slack took it, in seconds."""
    try:
        return abs(now().timestamp() - float(place.ts)) < JUST_S
    except ValueError:
        return False


def _still_on(channel: Channel) -> None:
    if channel.disabled_at:
        raise Conflict(OFF.format(reason=channel.disabled_reason or "by an admin"))


async def _known(scope: Scope, person: Person) -> _Known | None:
    row = (
        await scope.session.execute(
            scope.select(DeskPerson, DeskPerson, Member)
            .outerjoin(Member, (Member.id == DeskPerson.member_id) & Member.disabled_at.is_(None))
            .where(DeskPerson.account == person.team, DeskPerson.external_id == person.id)
        )
    ).one_or_none()
    if row is None:
        return None
    found, member = row
    agent = Agent(member.id, member.name) if member else None
    return _Known(agent, found.linked, fresh=found.checked_at > now() - CHECKED_FOR)


async def _row(scope: Scope, person: Person) -> DeskPerson:
    await scope.insert_if_absent(DeskPerson, id=new_id(), account=person.team, external_id=person.id)
    found: DeskPerson = (
        await scope.session.scalars(
            scope.select(DeskPerson).where(DeskPerson.account == person.team, DeskPerson.external_id == person.id)
        )
    ).one()
    return found


async def _by_email(scope: Scope, email: str | None) -> Agent | None:
    if not email:
        return None
    member = await scope.session.scalar(
        scope.select(Member).where(Member.email == email.strip().lower(), Member.disabled_at.is_(None))
    )
    return Agent(member.id, member.name) if member else None


def explained(error: Exception) -> str:
    """For the person who acted."""
    if isinstance(error, AppError):
        return error.detail
    if isinstance(error, SlackError):
        return f"{error.detail} Nothing was changed."
    return "Something went wrong on our side. Nothing was changed; try again."
