"""acme's team in Slack: their workspace, their channel, and what they see and do there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import func, select

from core.events import work_arrived
from core.helpdesk import Helpdesk
from core.models import Channel as ConnectedChannel
from core.models import Delivery, Ticket, WebhookEvent, new_id
from core.models import Message as StoredMessage
from tests import cast
from tests.rows import an_hour_passes, row, rows
from tests.slack_people import ByHttp, People
from tests.standins.slack_server import SlackServer
from tests.standins.slack_state import Channel, Message, Team, User
from tests.waiting import until

UNCOVERED = "Do you sell helicopters for the moon?"
PATIENCE_S = 20.0
"""Ended by what is waited for, long before; a busy machine may take its time."""
HUMAN = "I want to talk to a human about how long delivery takes"


@dataclass
class Scene:
    slack: SlackServer
    helpdesk: Helpdesk
    shop: cast.Shop
    http: httpx.AsyncClient
    team: Team
    desk: Channel
    connected: ConnectedChannel
    sam: User
    people: People

    @property
    def app(self) -> Any:
        """The web application behind `http`."""
        return self.http._transport.app  # type: ignore[attr-defined]

    async def dana_writes(self, text: str = UNCOVERED, conversation_id: UUID | None = None, **fields: Any) -> UUID:
        """Returns the conversation's id."""
        receipt = await self.helpdesk.inbox.receive(cast.from_dana(self.shop, text, conversation_id, **fields))
        return receipt.conversation_id

    async def ticket(self, text: str = UNCOVERED, **fields: Any) -> Message:
        """A ticket of a new conversation; returns its message in Slack."""
        known = {message.ts for message in self.desk.parents}
        await self.dana_writes(text, new_id(), **fields)
        return await self.head(lambda message: message.ts not in known)

    async def head(self, condition: Callable[[Message], Any] = bool, place: Channel | None = None) -> Message:
        async def found() -> Message | None:
            return next((message for message in (place or self.desk).parents if condition(message)), None)

        message: Message = await until(found, PATIENCE_S)
        return message

    async def says(self, message: Message, words: str) -> Message:
        """Waits until the message says so."""

        async def said() -> bool:
            return words in message.said

        try:
            await until(said, PATIENCE_S)
        except TimeoutError:
            raise AssertionError(f"{words!r} is not in:\n{message.said}") from None
        return message

    async def reply_in(self, head: Message, words: str) -> Message:
        """The message of its thread that says so."""

        async def found() -> Message | None:
            thread = self.slack.state.channels[head.channel].thread(head.ts)
            return next((message for message in thread if words in message.said), None)

        try:
            message: Message = await until(found, PATIENCE_S)
        except TimeoutError:
            thread = [message.said for message in self.slack.state.channels[head.channel].thread(head.ts)]
            raise AssertionError(f"{words!r} is nowhere in {thread}") from None
        return message

    async def draft(self, head: Message) -> Message:
        return await self.reply_in(head, "✍️ Draft")

    async def whispered(self, user: User, words: str) -> str:
        async def found() -> str | None:
            return next((text for text in self.desk.whispers(user.id) if words in text), None)

        try:
            said: str = await until(found, PATIENCE_S)
        except TimeoutError:
            raise AssertionError(f"{words!r} is not in {self.desk.whispers(user.id)}") from None
        return said

    async def click(self, user: User, message: Message, action: str, value: str | None = None) -> None:
        answer = await self.people.click(user, message, action, value)
        assert answer.status_code == 200, answer.text

    async def colleague(self, name: str) -> User:
        """Another agent of the shop, in Slack too."""
        await cast.another_agent(self.helpdesk, self.shop, name)
        user = self.slack.person(self.team, name, f"{name.lower()}@{self.shop.site_key}.example")
        self.desk.members.add(user.id)
        return user

    async def modal(self, user: User, callback_id: str) -> Any:
        """The form that opens for them."""

        async def found() -> Any:
            views = [view for view in self.slack.state.views.values() if view.user == user.id]
            return next((view for view in reversed(views) if view.view["callback_id"] == callback_id), None)

        return await until(found, PATIENCE_S)

    async def stored(self, **equal: Any) -> Ticket:
        found: Ticket = await row(self.helpdesk.db, self.shop.id, Ticket, **equal)
        return found

    async def sent_to_dana(self) -> list[str]:
        """What agents told her, as far as it was not taken back."""
        messages = await rows(self.helpdesk.db, self.shop.id, StoredMessage, author="agent")
        return [message.text for message in messages if message.retracted_at is None]

    async def time_passes(self) -> None:
        """What is held back is due, and so is what waits to be tried again."""
        await an_hour_passes(self.helpdesk.db)
        self.helpdesk.events.publish(work_arrived("delivery", self.connected.id, self.connected.id))

    async def settled(self) -> None:
        """Nothing is left to be shown, or worked."""

        async def idle() -> bool:
            async with self.helpdesk.db.system() as scope:
                shows = await scope.session.scalar(
                    select(func.count()).select_from(Delivery).where(Delivery.state.in_(["queued", "working"]))
                )
                events = await scope.session.scalar(
                    select(func.count()).select_from(WebhookEvent).where(WebhookEvent.done_at.is_(None))
                )
            return not shows and not events

        await until(idle, PATIENCE_S)


async def open_desk(
    helpdesk: Helpdesk,
    shop: cast.Shop,
    slack: SlackServer,
    http: httpx.AsyncClient,
    team_id: str = "T1",
    **settings: Any,
) -> Scene:
    """The shop's team, with sam in its private channel, where the app is connected and invited."""
    team = slack.team(team_id)
    sam = slack.person(team, "Sam", shop.sam_email)
    desk = slack.channel(team, f"{shop.site_key}-desk", sam)
    token = slack.install(team, desk)
    bot = slack.state.tokens[token].bot
    async with helpdesk.db.write(shop.id) as scope:
        draft = helpdesk.channels.draft(
            "slack",
            team.name,
            {"channel": desk.id, "bot_user_id": bot, "url": f"https://{team.domain}.slack.test/", **settings},
            {"bot_token": token},
        )
        draft.account = team.id
        connected = helpdesk.channels.create(scope, draft)
    return Scene(slack, helpdesk, shop, http, team, desk, connected, sam, People(slack, ByHttp(http)))
