"""Makes a ticket's thread in Slack equal to the database: posts what is missing, changes what differs, removes what
is gone. It remembers what it posted, so nothing is ever read back (unlisted apps may read once a minute)."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from bots.slack_desk import announcements, blocks, chart, echoes, reading
from bots.slack_desk.blocks import Post
from bots.slack_desk.mentions import Mentions
from bots.slack_desk.reading import FileItem, Item, Thread
from connectors.slack.client import SlackApi, SlackClient, SlackError
from connectors.slack.settings import settings_of, token_of
from core.db import Database
from core.models import Attachment, Channel, DeskPost
from core.outbox import Posted
from core.reports import Digest, Weekly
from core.secrets import SecretBox

NO_CHANNEL = "No Slack channel is chosen for tickets: /invite the app to one and type `/desk here` in it."
log = structlog.get_logger()
FILE = "file:"
"""How the id of a file begins in our memory, where those of messages are."""
Key = tuple[str, UUID]


class SlackDesk:
    """A `DeskSender`."""

    def __init__(self, db: Database, box: SecretBox, api: SlackApi, console: str) -> None:
        self._db = db
        self._box = box
        self._api = api
        self._console = console
        self._mentions = Mentions(db)

    async def show(self, organization_id: UUID, ticket_id: UUID, channel: Channel) -> None:
        account = channel.account or ""
        async with self._db.read(organization_id) as scope:
            thread = await reading.thread(scope, ticket_id, self._console, account)
            known = await reading.posts(scope, ticket_id, channel.id)
        place = _place(channel, thread)
        if place is None:
            raise SlackError("no_channel", NO_CHANNEL, channel_broken=True)
        client = self._client(channel)
        user = await self._mentions.assignee(organization_id, account, ticket_id, client)
        showing = _Showing(self._db, self, client, organization_id, channel, thread, place, known, user)
        try:
            await showing.run()
        except SlackError as error:
            if not error.message_gone:
                raise
            # Somebody deleted the ticket's message in Slack: its thread is gone, so it is begun again.
            await showing.forget()
            raise SlackError(error.code, error.detail, retry_after=0) from error

    async def remove(self, channel: Channel, post: Posted) -> None:
        client = self._client(channel)
        try:
            if post.external_id.startswith(FILE):
                await client.delete_file(post.external_id.removeprefix(FILE))
            else:
                await client.delete(post.place, post.external_id)
        except SlackError as error:
            if error.code == "cant_delete_message":  # the workspace's rules; elsewhere it says that it is not ours
                raise SlackError(error.code, error.detail, permanent=True) from error
            if not error.removed:
                raise

    async def announce(self, channel: Channel, report: Digest | Weekly) -> Posted:
        place = settings_of(channel).channel
        if place is None:
            raise SlackError("no_channel", NO_CHANNEL, channel_broken=True)
        client = self._client(channel)
        if isinstance(report, Digest):
            emails = {line.assignee_email for line in report.overdue if line.assignee_email}
            users = {email: user for email in sorted(emails) if (user := await client.user_id(email))}
            post = announcements.digest(report, users, self._console)
        else:
            picture = await asyncio.to_thread(chart.draw, report)
            await client.upload(place, None, "week.png", picture)
            post = announcements.weekly(report)
        return Posted(place, await client.post(place, post.text, post.blocks))

    def _client(self, channel: Channel) -> SlackClient:
        return self._api.with_token(token_of(channel, self._box))

    async def aclose(self) -> None:
        await self._api.aclose()


def _place(channel: Channel, thread: Thread) -> str | None:
    card = thread.card
    sources = [thread.source_kind, card.source]
    return settings_of(channel).place(category=card.category, priority=card.priority, sources=sources)


@dataclass(slots=True)
class _Showing:
    db: Database
    desk: SlackDesk
    client: SlackClient
    organization_id: UUID
    channel: Channel
    thread: Thread
    place: str
    known: dict[Key, DeskPost]
    user: str | None
    """Who has the ticket, in this workspace."""

    async def run(self) -> None:
        head_key = ("ticket", self.thread.ticket_id)
        head = self.known.get(head_key)
        if head is None and self.thread.card.status == "resolved":
            return  # it was over before anybody could see it
        if head and head.place != self.place:
            await self._move(head)
            head = None
        if head is None:
            head = await self._post(head_key, self.thread.head, None)
        else:
            await self._change(head, self.thread.head)
        for item in self.thread.items:
            await self._show(item, head)
        for file in self.thread.files:
            await self._share(file, head)
        await self._remove_what_is_gone()

    async def _show(self, item: Item, head: DeskPost) -> None:
        post = self.known.get((item.kind, item.subject_id))
        if post and await self._changed_where_it_is(post, item.post):
            return
        if not item.late:
            calls = self.user if item.calls else None
            await self._post((item.kind, item.subject_id), item.post, head.external_id, calls)

    async def _changed_where_it_is(self, row: DeskPost, post: Post) -> bool:
        """False when somebody deleted it in Slack: then it is shown again."""
        try:
            await self._change(row, post)
        except SlackError as error:
            if not error.message_gone:
                raise
            await self._drop(row)
            return False
        return True

    async def _post(self, key: Key, post: Post, thread_ts: str | None, calls: str | None = None) -> DeskPost:
        """The digest is of what it says, whoever is called: else it would change with the ticket's owner."""
        named = echoes.Named(self.channel.id, self.thread.ticket_id, *key)
        shown = blocks.calling(post, calls) if calls else post
        ts = await self.client.post(self.place, shown.text, named.on(shown.blocks), thread_ts)
        return await self._remember(key, ts, _digest(post))

    async def _remember(self, key: Key, external_id: str, digest: str) -> DeskPost:
        """Raises `SlackError` when the customer was erased meanwhile: then it is taken away again."""
        post = Posted(self.place, external_id)
        async with self.db.write(self.organization_id) as scope:
            named = echoes.Named(self.channel.id, self.thread.ticket_id, *key)
            row = await echoes.note(scope, named, self.channel.account or "", post, digest)
        if row is None or row.external_id != external_id:
            await self.desk.remove(self.channel, post)
        if row is None:
            raise SlackError("erased", "The ticket is gone.", permanent=True)
        self.known[key] = row
        return row

    async def _change(self, row: DeskPost, post: Post) -> None:
        digest = _digest(post)
        if digest == row.digest:
            return
        await self.client.update(row.place, row.external_id, post.text, post.blocks)
        await self._set(row, digest=digest)

    async def _share(self, file: FileItem, head: DeskPost) -> None:
        """A file that Slack does not take is named with the reason, and not tried again."""
        key = ("file", file.attachment_id)
        if key in self.known or file.too_large:
            return
        async with self.db.read(self.organization_id) as scope:
            content = (await scope.get(Attachment, file.attachment_id)).content
        try:
            file_id = await self.client.upload(self.place, head.external_id, file.name, content)
        except SlackError as error:
            if not error.permanent:
                raise
            failure = blocks.plain(f"⚠️ The customer's file {file.name!r} is not shown here: {error.detail}")
            await self._post(key, failure, head.external_id)
            return
        await self._remember(key, FILE + file_id, "")

    async def _remove_what_is_gone(self) -> None:
        """Notes taken back, and what retention erased."""
        shown = {("ticket", self.thread.ticket_id), *((item.kind, item.subject_id) for item in self.thread.items)}
        for key, row in list(self.known.items()):
            if key not in shown and row.kind in ("note", "message", "draft", "earlier") and row.place == self.place:
                await self._delete(row)

    async def _move(self, head: DeskPost) -> None:
        """The old thread keeps what was said and points to the new one; its buttons go."""
        log.info("slack.moved", ticket=self.thread.card.number, to=self.place)
        post = blocks.pointer(self.thread.card, self.place)
        try:
            await self.client.update(head.place, head.external_id, post.text, post.blocks)
        except SlackError as error:
            if error.code not in ("is_archived", "channel_not_found", "not_in_channel") and not error.message_gone:
                raise
        for row in list(self.known.values()):
            if row.kind == "draft":
                await self._delete(row)
            elif row.kind not in ("moved", "typed"):
                await self._set(row, kind="moved", subject_id=row.id)
        self.known.clear()

    async def _delete(self, row: DeskPost) -> None:
        try:
            await self.client.delete(row.place, row.external_id)
        except SlackError as error:
            if not error.message_gone and not error.for_admin:
                raise
        await self._drop(row)

    async def forget(self) -> None:
        """The thread no longer exists in Slack."""
        async with self.db.write(self.organization_id) as scope:
            await scope.session.execute(
                scope.delete(DeskPost).where(
                    DeskPost.ticket_id == self.thread.ticket_id,
                    DeskPost.channel_id == self.channel.id,
                    DeskPost.kind != "moved",
                )
            )

    async def _drop(self, row: DeskPost) -> None:
        async with self.db.write(self.organization_id) as scope:
            await scope.session.execute(scope.delete(DeskPost).where(DeskPost.id == row.id))
        self.known.pop((row.kind, row.subject_id), None)

    async def _set(self, row: DeskPost, **values: Any) -> None:
        async with self.db.write(self.organization_id) as scope:
            await scope.session.execute(scope.update(DeskPost).where(DeskPost.id == row.id).values(**values))


def _digest(post: Post) -> str:
    return hashlib.sha256(json.dumps([post.text, post.blocks], sort_keys=True).encode()).hexdigest()
