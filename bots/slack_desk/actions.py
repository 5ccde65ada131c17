"""The buttons and menus under tickets, drafts and replies. Each is one verb of `core.desk`, or opens a form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from bots.slack_desk import blocks, modals
from bots.slack_desk.acting import Desk, Refused, Where, explained
from bots.slack_desk.payloads import About, Click, Place
from bots.slack_desk.rich import Json, escaped
from connectors.slack.client import SlackError
from core import desk as verbs
from core.desk import Agent
from core.errors import AppError, BadInput, Conflict
from core.helpdesk import Helpdesk
from core.models import Draft, Member, Message, Ticket
from core.tenancy import Scope

HOLD = timedelta(seconds=10)
"""How long what an agent sends can be undone."""
REPLIES = ("message", "typed")
"""What a message in a thread has to be to be saved as a FAQ."""
NO_REPLY = "Choose a reply to a customer: that can be kept as a FAQ."
TOO_OLD = "This message is no longer connected to a ticket. Open the ticket in the console."


@dataclass(frozen=True, slots=True)
class Acting:
    """One click of one member on one ticket."""

    click: Click
    where: Where
    agent: Agent

    def about(self, **values: Any) -> str:
        return About(self.where.channel.id, self.where.number, **values).as_metadata()


@dataclass(frozen=True, slots=True)
class Actions:
    helpdesk: Helpdesk
    desk: Desk

    async def click(self, click: Click) -> None:
        """Does what the button says. Whatever prevents it is told to the one who clicked, and to nobody else."""
        try:
            where = await self._where(click)
            agent = await self.desk.agent(click.person, where.channel)
            await VERBS[click.action](self, Acting(click, where, agent))
        except (AppError, SlackError) as error:
            await self.tell(click, error)

    async def tell(self, click: Click, error: Exception) -> None:
        post = blocks.plain(explained(error))
        if isinstance(error, Refused) and error.link:
            post = blocks.with_link(post, "I am a member under another address", error.link)
        if click.response_url:
            await self.desk.api.respond(click.response_url, post.text, post.blocks)

    async def _where(self, click: Click) -> Where:
        """Of the message that was clicked; or of a list or a private answer, whose buttons say what they mean."""
        if click.place:
            found = await self.desk.where(click.place)
        else:
            channel_id, number, *_ = [*click.value.split(":"), "", ""]
            found = await self.desk.ticket(click.person.team, UUID(channel_id), int(number))
        if found is None:
            raise Conflict(TOO_OLD)
        return found

    # -- drafts

    async def send(self, acting: Acting) -> None:
        where, version = acting.where, int(acting.click.value)
        async with self.write(where) as scope:
            await verbs.approve(scope, self.helpdesk.outbox, acting.agent, _subject(where), version, hold=HOLD)

    async def edit(self, acting: Acting) -> None:
        draft_id = _subject(acting.where)
        async with self.read(acting.where) as scope:
            draft = await scope.get(Draft, draft_id)
            question = await scope.get(Message, draft.message_id)
        if draft.state != "pending":
            raise Conflict("This draft was decided already.")
        about = acting.about(draft=draft.id, version=draft.version)
        await self.open(acting, modals.edit(about, draft.text, question.text))

    async def reject(self, acting: Acting) -> None:
        about = acting.about(draft=_subject(acting.where), version=int(acting.click.value))
        await self.open(acting, modals.reject(about))

    async def regenerate(self, acting: Acting) -> None:
        where, version = acting.where, int(acting.click.value)
        await self.helpdesk.redrafts.regenerate(where.organization_id, acting.agent, _subject(where), version)

    async def draft(self, acting: Acting) -> None:
        where = acting.where
        await self.helpdesk.redrafts.draft(where.organization_id, acting.agent, where.number)

    # -- tickets

    async def take(self, acting: Acting) -> None:
        async with self.write(acting.where) as scope:
            await verbs.claim(scope, self.helpdesk.outbox, acting.agent, acting.where.number)

    async def resolve(self, acting: Acting) -> None:
        async with self.write(acting.where) as scope:
            await verbs.resolve(scope, self.helpdesk.outbox, acting.agent, acting.where.number)

    async def reopen(self, acting: Acting) -> None:
        async with self.write(acting.where) as scope:
            await verbs.reopen(scope, self.helpdesk.outbox, acting.agent, acting.where.number)

    async def wake(self, acting: Acting) -> None:
        async with self.write(acting.where) as scope:
            await verbs.wake(scope, self.helpdesk.outbox, acting.agent, acting.where.number)

    async def hand_back(self, acting: Acting) -> None:
        async with self.write(acting.where) as scope:
            await verbs.hand_back(scope, self.helpdesk.outbox, acting.agent, acting.where.number)

    async def spam(self, acting: Acting) -> None:
        async with self.write(acting.where) as scope:
            await verbs.mark_spam(scope, self.helpdesk.outbox, acting.agent, acting.where.number)

    async def block(self, acting: Acting) -> None:
        async with self.write(acting.where) as scope:
            await verbs.block(scope, self.helpdesk.outbox, acting.agent, acting.where.number)

    async def unblock(self, acting: Acting) -> None:
        async with self.write(acting.where) as scope:
            await verbs.unblock(scope, self.helpdesk.outbox, acting.agent, acting.where.number)

    async def more(self, acting: Acting) -> None:
        """The menu's choices."""
        await MORE[acting.click.value](self, acting)

    async def reply(self, acting: Acting) -> None:
        async with self.read(acting.where) as scope:
            question = await newest_question(scope, acting.where.ticket_id)
        await self.open(acting, modals.reply(acting.about(), question))

    async def assign(self, acting: Acting) -> None:
        async with self.read(acting.where) as scope:
            members = await scope.session.execute(
                scope.select(Member, Member.id, Member.name, Member.away)
                .where(Member.disabled_at.is_(None))
                .order_by(Member.name)
                .limit(modals.MOST_OPTIONS)
            )
            ticket = await scope.get(Ticket, acting.where.ticket_id)
            named = [(str(row.id), f"{row.name} (away)" if row.away else row.name) for row in members]
        current = str(ticket.assignee_id or acting.agent.id)
        await self.open(acting, modals.assign(acting.about(), named, current))

    async def snooze(self, acting: Acting) -> None:
        await self.open(acting, modals.snooze(acting.about()))

    async def priority(self, acting: Acting) -> None:
        async with self.read(acting.where) as scope:
            ticket = await scope.get(Ticket, acting.where.ticket_id)
        await self.open(acting, modals.priority(acting.about(), ticket.priority))

    async def category(self, acting: Acting) -> None:
        async with self.read(acting.where) as scope:
            ticket = await scope.get(Ticket, acting.where.ticket_id)
            found = await scope.session.scalars(
                scope.select(Ticket, Ticket.category).where(Ticket.category.is_not(None)).distinct().limit(90)
            )
            known = sorted(found)
        await self.open(acting, modals.category(acting.about(), known, ticket.category))

    async def merge(self, acting: Acting) -> None:
        await self.open(acting, modals.merge(acting.about()))

    # -- replies

    async def undo(self, acting: Acting) -> None:
        async with self.write(acting.where) as scope:
            await verbs.undo(scope, self.helpdesk.outbox, acting.agent, _subject(acting.where))

    async def sent(self, acting: Acting) -> None:
        """The menu of a reply that has gone out."""
        message_id = _subject(acting.where)
        if acting.click.value == "retract":
            async with self.write(acting.where) as scope:
                await verbs.retract(scope, self.helpdesk.outbox, acting.agent, message_id)
            return
        if acting.click.value == "faq":
            await self.faq(acting)
            return
        async with self.read(acting.where) as scope:
            message = await scope.get(Message, message_id)
        await self.open(acting, modals.correct(acting.about(message=message_id), message.text))

    async def faq(self, acting: Acting) -> None:
        """From a private answer, whose value says which reply is meant; or from the reply itself."""
        where = acting.where
        if where.subject_id and where.kind not in REPLIES:
            raise BadInput(NO_REPLY)
        message_id = where.subject_id or UUID(acting.click.value.split(":")[2])
        async with self.read(where) as scope:
            answer = await scope.get(Message, message_id)
            if answer.author == "customer":
                raise BadInput(NO_REPLY)
            question = await newest_question(scope, where.ticket_id, before=answer)
        await self.open(acting, modals.faq(acting.about(message=message_id), question, answer.text))

    # -- what all share

    def read(self, where: Where) -> Any:
        return self.helpdesk.db.read(where.organization_id)

    def write(self, where: Where) -> Any:
        return self.helpdesk.db.write(where.organization_id)

    async def open(self, acting: Acting, view: Json) -> None:
        await self.desk.client(acting.where.channel).open_view(acting.click.trigger_id, view)

    async def whisper(self, place: Place, where: Where, user: str, post: blocks.Post, thread_ts: str | None) -> None:
        """To one person, in the thread."""
        client = self.desk.client(where.channel)
        await client.whisper(place.channel, user, post.text or escaped("…"), post.blocks, thread_ts)


def _subject(where: Where) -> UUID:
    if where.subject_id is None:
        raise Conflict(TOO_OLD)
    return where.subject_id


async def newest_question(scope: Scope, ticket_id: UUID, before: Message | None = None) -> str:
    """The customer's newest message in the ticket's conversation, or the newest `before` a reply."""
    ticket = await scope.get(Ticket, ticket_id)
    query = scope.select(Message, Message.text).where(
        Message.conversation_id == ticket.conversation_id,
        Message.author == "customer",
        Message.retracted_at.is_(None),
    )
    if before is not None:
        query = query.where(Message.id < before.id)
    found: str | None = await scope.session.scalar(query.order_by(Message.id.desc()).limit(1))
    return found or ""


Verb = Callable[[Actions, Acting], Awaitable[None]]
MORE: dict[str, Verb] = {
    "priority": Actions.priority,
    "category": Actions.category,
    "merge": Actions.merge,
    "spam": Actions.spam,
    "hand_back": Actions.hand_back,
}
VERBS: dict[str, Verb] = {
    "send": Actions.send,
    "edit": Actions.edit,
    "reject": Actions.reject,
    "regenerate": Actions.regenerate,
    "draft": Actions.draft,
    "take": Actions.take,
    "home_take": Actions.take,
    "reply": Actions.reply,
    "assign": Actions.assign,
    "snooze": Actions.snooze,
    "wake": Actions.wake,
    "resolve": Actions.resolve,
    "reopen": Actions.reopen,
    "block": Actions.block,
    "unblock": Actions.unblock,
    "more": Actions.more,
    "undo": Actions.undo,
    "sent": Actions.sent,
    "faq": Actions.faq,
}
