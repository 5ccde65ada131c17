"""The Bolt app: it checks, remembers and acknowledges what Slack sends, and then hands it to whom it concerns.

Everything but a submitted modal is stored before it is acknowledged and worked afterwards, once; what a process
that died left undone is worked by the next. A modal is worked before it closes (see `forms.py`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import structlog
from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from starlette.requests import Request
from starlette.responses import Response

from bots.slack_desk import echoes, payloads
from bots.slack_desk.acting import Desk
from bots.slack_desk.actions import VERBS, Acting, Actions
from bots.slack_desk.commands import NOT_CONNECTED, Commands
from bots.slack_desk.forms import FORMS, Forms
from bots.slack_desk.leaving import Leaving
from bots.slack_desk.payloads import Json
from bots.slack_desk.talk import Talk
from connectors.slack.client import SlackApi, SlackError, signed
from connectors.slack.settings import settings_of, token_of
from core.db import UNAVAILABLE
from core.errors import AppError, Unauthenticated
from core.helpdesk import Helpdesk
from core.webhooks import Webhooks

RECOVER_SECONDS = 30.0
DRAIN_SECONDS = 10.0
STORED = "deskhand_event_id"
CALL_LATER = BoltResponse(status=503, body="")
log = structlog.get_logger()


class SlackDeskApp:
    """One for a process. `signing_secret` is empty in Socket Mode, where Slack does not call us."""

    def __init__(self, helpdesk: Helpdesk, api: SlackApi, console: str, signing_secret: str = "") -> None:
        self.api = api
        self._helpdesk = helpdesk
        self._signing_secret = signing_secret
        self._working: set[asyncio.Task[Any]] = set()
        self._webhooks = Webhooks(helpdesk.db, "slack")
        self.desk = Desk(helpdesk.db, helpdesk.box, api, lambda key: f"{console}/slack/link/{key}")
        self.actions = Actions(helpdesk, self.desk)
        self.forms = Forms(helpdesk, self.desk)
        self.talk = Talk(helpdesk, self.desk, self.actions)
        self.commands = Commands(helpdesk, self.desk, console)
        self.leaving = Leaving(helpdesk, self.desk)
        self.echoes = echoes.Echoes(self.desk)
        self.bolt = AsyncApp(
            name="deskhand",
            logger=_quiet_logger(),
            signing_secret="",
            client=api.sdk(),
            authorize=self._authorize(),
            user_facing_authorize_error_message=NOT_CONNECTED,
            request_verification_enabled=False,  # `handle()` has done it: Bolt fails on odd headers
            ignoring_self_events_enabled=False,  # `_hear_ourselves()` does it
        )
        self.bolt.middleware(self._hear_ourselves)
        self.bolt.middleware(self._remember)
        self._register()

    def _register(self) -> None:
        bolt = self.bolt
        for action in VERBS:
            bolt.action(action)(self._worked(self._clicked))
        bolt.action("send_files")(self._worked(self._files_sent))
        bolt.action("away")(self._worked(lambda body: self.commands.set_away(payloads.click(body))))
        bolt.action("console")(self._worked(_nothing))  # a link: Slack tells of it, and the browser opens it
        for form in FORMS:
            bolt.view(form)(self._submitted)
        bolt.shortcut("faq")(self._worked(lambda body: self.actions.click(payloads.shortcut(body))))
        bolt.command("/desk")(self._worked(lambda body: self.commands.run(payloads.command(body))))
        bolt.event("message")(self._worked(self._said))
        bolt.event("reaction_added")(self._worked(lambda body: self.talk.reacted(payloads.reaction(body))))
        bolt.event("app_home_opened")(self._worked(self._home_opened))
        for event in self.leaving.EVENTS:
            bolt.event(event)(self._worked(self.leaving.heard))

    def _authorize(self) -> Callable[..., Awaitable[AuthorizeResult | None]]:
        """A function, since Bolt takes the arguments of a method for its own."""

        async def authorize(team_id: str | None) -> AuthorizeResult | None:
            """Whichever organization it concerns, the workspace has one bot."""
            for channel in await self.desk.channels(team_id or ""):
                token = token_of(channel, self._helpdesk.box)
                bot = settings_of(channel).bot_user_id
                return AuthorizeResult(enterprise_id=None, team_id=team_id, bot_token=token, bot_user_id=bot)
            return None

        return authorize

    async def _hear_ourselves(self, body: Json, context: Any, next: Callable[[], Awaitable[Any]]) -> Any:  # noqa: A002
        """What the app itself did ends here."""
        if not payloads.is_by(body, context.user_id, context.bot_user_id):
            return await next()
        if echo := payloads.echo(body):
            place, block_id = echo
            if what := echoes.named(block_id):
                try:
                    await self.echoes.heard(place, what)
                except (*UNAVAILABLE, SlackError) as error:
                    log.warning("slack.echo_not_noted", reason=str(error))
                    return CALL_LATER
        return BoltResponse(status=200, body="")

    async def _remember(self, body: Json, context: Any, next: Callable[[], Awaitable[Any]]) -> Any:  # noqa: A002
        """Stores a call before anything is done about it; one that is known is only acknowledged."""
        call_id = payloads.unique_id(body)
        if STORED in context or body.get("type") == "view_submission" or call_id is None:
            return await next()
        try:
            stored = await self._webhooks.accept(f"{body.get('type', 'command')}:{call_id}", body)
        except UNAVAILABLE as error:
            log.warning("slack.not_stored", reason=str(error))
            return CALL_LATER
        if stored is None:
            return BoltResponse(status=200, body="")
        context[STORED] = stored
        return await next()

    def _worked(self, work: Callable[[Json], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """A listener that acknowledges at once and then works."""

        async def listener(ack: AsyncAck, body: Json, context: Any) -> None:
            await ack()
            task = asyncio.current_task()
            assert task
            self._working.add(task)
            task.add_done_callback(self._working.discard)
            event_id: UUID | None = context.get(STORED)
            try:
                await work(body)
            except (AppError, SlackError) as error:
                log.warning("slack.refused", reason=str(error))
            except Exception as error:
                log.exception("slack.broke", event=str(event_id))
                if event_id:
                    await self._webhooks.fail(event_id, f"{type(error).__name__}: {error}")
                return
            if event_id:
                await self._webhooks.finish(event_id)

        return listener

    async def _submitted(self, ack: AsyncAck, body: Json) -> None:
        errors = await self.forms.submit(payloads.submission(body))
        if errors:
            await ack(response_action="errors", errors=errors)
        else:
            await ack()

    async def _clicked(self, body: Json) -> None:
        click = payloads.click(body)
        await self.actions.click(click)
        if payloads.is_home(body):
            await self.commands.show_home(click.person)  # it shows what came of it, or who was first

    async def _files_sent(self, body: Json) -> None:
        click = payloads.click(body)
        try:
            channel_id, number, _ = click.value.split(":", 2)
            where = await self.desk.ticket(click.person.team, UUID(channel_id), int(number))
            agent = await self.desk.agent(click.person, where.channel)
            await self.talk.send_files(Acting(click, where, agent))
        except (AppError, SlackError) as error:
            await self.actions.tell(click, error)

    async def _said(self, body: Json) -> None:
        event = body["event"]
        match event.get("subtype"):
            case "message_changed":
                if said := payloads.edited(body):
                    await self.talk.edited(said)
            case "message_deleted":
                if said := payloads.deleted(body):
                    await self.talk.deleted(said)
            case _:
                if said := payloads.said(body):
                    await self.talk.said(said)

    async def _home_opened(self, body: Json) -> None:
        if body["event"].get("tab", "home") == "home":
            team, user = body["team_id"], body["event"]["user"]
            await self.commands.show_home(payloads.Person(team, user, team))

    async def handle(self, request: Request) -> Response:
        """One call of Slack's. 401 unless it is signed, with a signature no older than five minutes."""
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        if not signed(self._signing_secret, await request.body(), timestamp, signature):
            raise Unauthenticated("This request is not signed by Slack, or older than five minutes.")
        return await AsyncSlackRequestHandler(self.bolt).handle(request)

    async def dispatch_again(self, event_id: UUID, body: Json) -> None:
        """What a process that died had accepted."""
        request = AsyncBoltRequest(mode="socket_mode", body=body, context={STORED: event_id})
        response = await self.bolt.async_dispatch(request)
        if response.status != 200:
            await self._webhooks.finish(event_id)  # its workspace has left meanwhile

    @asynccontextmanager
    async def running(self, *, recover: bool = True) -> AsyncIterator[None]:
        """Works what earlier processes left undone, if this one is to; at the end, what is in work is finished."""
        recovering = asyncio.create_task(self.keep_recovering(), name="slack-recover") if recover else None
        try:
            yield
        finally:
            if recovering:
                recovering.cancel()
                await asyncio.gather(recovering, return_exceptions=True)
            if self._working:
                await asyncio.wait(self._working, timeout=DRAIN_SECONDS)

    async def keep_recovering(self) -> None:
        """Works what is left undone, until cancelled."""
        everything = self._helpdesk.db.embedded
        while True:
            with suppress(*UNAVAILABLE):
                await self._webhooks.recover(self.dispatch_again, everything=everything)
                everything = False
            await asyncio.sleep(RECOVER_SECONDS)


async def _nothing(_: Json) -> None:
    """There is nothing to do."""


def _quiet_logger() -> logging.Logger:
    """Bolt logs whole payloads at levels below this; customers' words are none of the log's business."""
    logger = logging.getLogger("slack_bolt.deskhand")
    logger.setLevel(logging.WARNING)
    return logger
