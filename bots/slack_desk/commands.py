"""`/desk`, and the home tab. One person may belong to several organizations of a workspace: each is answered for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_

from bots.slack_desk import blocks, home
from bots.slack_desk.acting import Desk, Refused, explained
from bots.slack_desk.blocks import Post
from bots.slack_desk.payloads import Click, Command, Person
from connectors.slack.client import SlackError
from connectors.slack.settings import settings_of
from core.accounts import organization
from core.agent.profile import profile_of
from core.agent.state import Question
from core.desk import Agent
from core.errors import AppError, BadInput, Conflict, Forbidden
from core.helpdesk import Helpdesk
from core.models import Channel, Conversation, Customer, DeskPost, Member, Ticket
from core.tenancy import Scope

HELP = (
    "/desk my · your tickets\n"
    "/desk open · tickets that nobody has\n"
    "/desk search WORDS · tickets by number, subject or customer\n"
    "/desk ask QUESTION · what the knowledge base says\n"
    "/desk away, /desk back · whether you are given tickets\n"
    "/desk here · show tickets in this channel (for admins)"
)
NOT_CONNECTED = "This workspace is not connected to a helpdesk. An admin connects it in the console under Channels."

SOONEST = (Ticket.due_at.is_(None), Ticket.due_at, Ticket.number)
"""What is due soonest, then the oldest."""


@dataclass(frozen=True, slots=True)
class Desks:
    """One organization of the workspace, and who asks."""

    channel: Channel
    agent: Agent


@dataclass(frozen=True, slots=True)
class Commands:
    helpdesk: Helpdesk
    desk: Desk
    console: str

    async def run(self, command: Command) -> None:
        try:
            for post in await self._answers(command):
                await self.desk.api.respond(command.response_url, post.text, post.blocks)
        except (AppError, SlackError) as error:
            post = blocks.plain(explained(error))
            if isinstance(error, Refused) and error.link:
                post = blocks.with_link(post, "I am a member under another address", error.link)
            await self.desk.api.respond(command.response_url, post.text, post.blocks)

    async def _answers(self, command: Command) -> list[Post]:
        verb, _, words = command.text.partition(" ")
        desks = await self._desks(command.person, command.channel)
        match verb.lower():
            case "my":
                return [await self._listing(desk, "Your tickets", mine=True) for desk in desks]
            case "open":
                return [await self._listing(desk, "Tickets that nobody has") for desk in desks]
            case "search" if words.strip():
                return [await self._search(desk, words.strip()) for desk in desks]
            case "ask" if words.strip():
                return [await self._ask(desk, words.strip()) for desk in desks]
            case "away" | "back":
                return [await self._away(desk, away=verb.lower() == "away") for desk in desks]
            case "here":
                return [await self._here(desks, command.channel)]
            case _:
                return [blocks.plain(HELP)]

    async def _desks(self, person: Person, place: str | None = None) -> list[Desks]:
        """Those of the workspace's organizations that the person is a member of. Raises `Refused` when there is none.

        In a channel that shows an organization's tickets, that organization alone is meant.
        """
        connected = await self.desk.channels(person.team)
        if not connected:
            raise Conflict(NOT_CONNECTED)
        here = [channel for channel in connected if place in settings_of(channel).places]
        found: list[Desks] = []
        refusal: Refused | None = None
        for channel in here or connected:
            try:
                found.append(Desks(channel, await self.desk.agent(person, channel)))
            except Refused as error:
                refusal = error
        if not found and refusal:
            raise refusal
        return found

    async def _listing(self, desk: Desks, title: str, *, mine: bool = False) -> Post:
        async with self.helpdesk.db.read(desk.channel.organization_id) as scope:
            rows, count = await _page(scope, _of(scope, desk) if mine else _free(scope, desk))
            title = f"{title} · {(await organization(scope)).name}"
        return home.listing(title, [self._row(desk.channel, row) for row in rows], count)

    async def _search(self, desk: Desks, words: str) -> Post:
        number = words.removeprefix("#")
        like = f"%{words.lower().replace('%', '').replace('_', ' ')}%"
        async with self.helpdesk.db.read(desk.channel.organization_id, bulk=True) as scope:
            columns = (Ticket.subject, Customer.name, Customer.email)
            found = [func.lower(column).like(like) for column in columns]
            if number.isdecimal() and len(number) < 10:
                found.append(Ticket.number == int(number))
            query = _tickets(scope, desk.channel).where(or_(*found)).order_by(Ticket.number.desc())
            rows, count = await _page(scope, query)
        return home.listing(f"Tickets for “{words}”", [self._row(desk.channel, row) for row in rows], count)

    async def _ask(self, desk: Desks, words: str) -> Post:
        organization_id = desk.channel.organization_id
        async with self.helpdesk.db.read(organization_id) as scope:
            shop = await organization(scope)
        index = await self.helpdesk.shelf.index(organization_id, shop.knowledge_version)
        outcome = await self.helpdesk.agent.run(
            Question(text=words, knowledge=index, profile=profile_of(shop.name, shop.settings))
        )
        return blocks.answered(words, outcome.answer, self.console)

    async def _away(self, desk: Desks, *, away: bool) -> Post:
        async with self.helpdesk.db.write(desk.channel.organization_id) as scope:
            await scope.session.execute(scope.update(Member).where(Member.id == desk.agent.id).values(away=away))
        return blocks.plain("You get no tickets by yourself until /desk back." if away else "You get tickets again.")

    async def _here(self, desks: Sequence[Desks], place: str) -> Post:
        """Chooses the channel for tickets. What waited for it is posted now."""
        if len(desks) > 1:
            raise BadInput("You belong to several organizations here. Choose their channels in the console.")
        (desk,) = desks
        channel, organization_id = desk.channel, desk.channel.organization_id
        async with self.helpdesk.db.read(organization_id) as scope:
            if (await scope.get(Member, desk.agent.id)).role != "admin":
                raise Forbidden("Only an admin can choose the channel for tickets.")
        found = await self.desk.client(channel).channel(place)
        if not found.joined:
            raise Conflict("Invite the app here first: /invite @Deskhand.")
        async with self.helpdesk.db.write(organization_id) as scope:
            settings = {**channel.settings, "channel": place}
            await self.helpdesk.channels.change(scope, channel.id, settings=settings)
            await self.helpdesk.channels.switch_on(scope, channel.id)
            for ticket in await scope.session.scalars(scope.select(Ticket).where(Ticket.status != "resolved")):
                await self.helpdesk.outbox.tell_desks(scope, ticket)
        warning = " People from other companies can read this channel." if found.shared else ""
        return blocks.plain(f"Tickets are shown in #{found.name} from now on.{warning}")

    # -- the home tab

    async def show_home(self, person: Person) -> None:
        channels = await self.desk.channels(person.team)
        if not channels:
            return
        try:
            desks = await self._desks(person)
            view = home.home([await self._queue(desk) for desk in desks])
        except AppError:
            view = home.stranger()
        await self.desk.client(channels[0]).publish_home(person.id, view)

    async def set_away(self, click: Click) -> None:
        channel_id, _, away = click.value.partition(":")
        for desk in await self._desks(click.person):
            if str(desk.channel.id) == channel_id:
                await self._away(desk, away=away == "1")
        await self.show_home(click.person)

    async def _queue(self, desk: Desks) -> home.Queue:
        async with self.helpdesk.db.read(desk.channel.organization_id) as scope:
            mine, mine_count = await _page(scope, _of(scope, desk))
            free, free_count = await _page(scope, _free(scope, desk))
            name = (await organization(scope)).name
            member = await scope.get(Member, desk.agent.id)
        return home.Queue(
            organization=name,
            mine=[self._row(desk.channel, row) for row in mine],
            unclaimed=[self._row(desk.channel, row) for row in free],
            mine_count=mine_count,
            unclaimed_count=free_count,
            away=member.away,
            channel_id=desk.channel.id,
        )

    def _row(self, channel: Channel, row: Any) -> home.Row:
        ticket, customer, assignee, head = row
        return home.Row(
            channel_id=channel.id,
            number=ticket.number,
            subject=ticket.subject,
            status=ticket.status,
            priority=ticket.priority,
            customer=customer.name or customer.email or f"Visitor {customer.id.hex[-6:]}",
            assignee=assignee,
            due_at=ticket.due_at,
            url=_thread(channel, head) or f"{self.console}/#/tickets/{ticket.number}",
        )


def _thread(channel: Channel, head: DeskPost | None) -> str | None:
    """https://docs.slack.dev/reference/methods/chat.getPermalink, without asking for each"""
    workspace = settings_of(channel).url.rstrip("/")
    if head is None or not workspace:
        return None
    return f"{workspace}/archives/{head.place}/p{head.external_id.replace('.', '')}"


def _tickets(scope: Scope, channel: Channel) -> Any:
    """Each with its thread in this workspace."""
    is_head = (DeskPost.ticket_id == Ticket.id) & (DeskPost.channel_id == channel.id) & (DeskPost.kind == "ticket")
    return (
        scope.select(Ticket, Ticket, Customer, Member.name, DeskPost)
        .join(Conversation, Conversation.id == Ticket.conversation_id)
        .join(Customer, Customer.id == Conversation.customer_id)
        .outerjoin(Member, Member.id == Ticket.assignee_id)
        .outerjoin(DeskPost, is_head)
    )


def _of(scope: Scope, desk: Desks) -> Any:
    """What an agent has: what needs an answer first."""
    mine = _tickets(scope, desk.channel).where(Ticket.assignee_id == desk.agent.id, Ticket.status != "resolved")
    return mine.order_by(Ticket.status, *SOONEST)


def _free(scope: Scope, desk: Desks) -> Any:
    """What nobody has and somebody waits for."""
    free = _tickets(scope, desk.channel).where(Ticket.assignee_id.is_(None), Ticket.status == "open")
    return free.order_by(*SOONEST)


async def _page(scope: Scope, query: Any) -> tuple[Sequence[Any], int]:
    """The first rows of `query`, and how many there are."""
    count = await scope.session.scalar(query.with_only_columns(func.count(Ticket.id)).order_by(None))
    rows = (await scope.session.execute(query.limit(home.MOST_ROWS))).all()
    return rows, int(count or 0)
