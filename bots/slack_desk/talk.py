"""What agents type, edit, delete and react with. Talk in a thread stays inside; to the customer goes only what begins
with `>>` where the organization turned that on, or is sent by a button."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bots.slack_desk import blocks, rich
from bots.slack_desk.acting import Desk, Refused, Where, explained
from bots.slack_desk.actions import HOLD, NO_REPLY, REPLIES, Acting, Actions
from bots.slack_desk.payloads import Click, File, Person, Place, Reaction, Said
from connectors.slack.client import SlackError
from connectors.slack.settings import settings_of
from core import desk as verbs
from core.desk import Agent
from core.errors import AppError, BadInput, NotFound
from core.helpdesk import Helpdesk
from core.messages import Attachment
from core.models import DeskPost, new_id

PREFIX = ">>"
MOST_FILES, MOST_FILE_BYTES = 10, 20 * 2**20
DANGEROUS = ("exe", "bat", "cmd", "com", "scr", "js", "vbs", "ps1", "jar", "msi", "lnk", "iso", "hta", "dll")
"""Endings of files that no customer should be sent."""
EMOJI = {
    "eyes": "take",
    "white_check_mark": "resolve",
    "heavy_check_mark": "resolve",
    "no_entry_sign": "spam",
    "memo": "faq",
}


@dataclass(frozen=True, slots=True)
class Talk:
    helpdesk: Helpdesk
    desk: Desk
    actions: Actions

    async def said(self, said: Said) -> None:
        where = await self.desk.where(said.thread)
        if where is None or where.kind != "ticket":
            return
        to_customer = settings_of(where.channel).prefix and _prefixed(said.text)
        try:
            agent = await self.desk.agent(said.person, where.channel)
            if to_customer:
                await self._send(said, where, agent)
            else:
                await self._note(said, where, agent)
        except (AppError, SlackError) as error:
            if isinstance(error, Refused) and error.again and not to_customer:
                return  # whoever merely talks along is told once that the helpdesk does not note it
            await self._explain(said.person, said.thread, where, error)

    async def _send(self, said: Said, where: Where, agent: Agent) -> None:
        files = await self._files(where, said.files)
        text = _for_customer(said.text)
        async with self.helpdesk.db.write(where.organization_id) as scope:
            # First the mark that it was typed here: an event that is worked twice ends at it, and sends nothing.
            row = {"id": new_id(), "channel_id": where.channel.id, "ticket_id": where.ticket_id, "kind": "typed"}
            place = {"account": said.place.team, "place": said.place.channel, "external_id": said.place.ts}
            subject_id = new_id()
            if not await scope.insert_if_absent(DeskPost, **row, **place, subject_id=subject_id, digest=""):
                return
            message_id = await verbs.reply(
                scope, self.helpdesk.outbox, agent, where.number, text, attachments=files, hold=HOLD
            )
            await scope.session.execute(
                scope.update(DeskPost).where(DeskPost.subject_id == subject_id).values(subject_id=message_id)
            )

    async def _note(self, said: Said, where: Where, agent: Agent) -> None:
        text = _note_text(said)
        async with self.helpdesk.db.write(where.organization_id) as scope:
            new = await verbs.note(
                scope, self.helpdesk.outbox, agent, where.number, text, external_id=_note_id(said.place)
            )
        if new and said.files:
            await self._offer_files(said, where)

    async def _offer_files(self, said: Said, where: Where) -> None:
        names = ", ".join(file.name for file in said.files[:MOST_FILES])
        value = f"{where.channel.id}:{where.number}:{','.join(file.id for file in said.files[:MOST_FILES])}"
        post = blocks.plain(f"Only the team sees {names}.")
        post = blocks.with_button(post, "send_files", "Send to the customer", value)
        await self.actions.whisper(said.place, where, said.person.id, post, said.thread.ts)

    async def send_files(self, acting: Acting) -> None:
        """The button under that."""
        where = acting.where
        client = self.desk.client(where.channel)
        found = [await client.file(file_id) for file_id in acting.click.value.split(":")[2].split(",")]
        known = tuple(File("", file.name, file.content_type, file.size, file.url) for file in found)
        files = await self._files(where, known)
        async with self.helpdesk.db.write(where.organization_id) as scope:
            await verbs.reply(scope, self.helpdesk.outbox, acting.agent, where.number, "", attachments=files, hold=HOLD)

    async def _files(self, where: Where, files: tuple[File, ...]) -> tuple[Attachment, ...]:
        if len(files) > MOST_FILES:
            raise BadInput(f"At most {MOST_FILES} files can be sent at once.")
        for file in files:
            if file.size > MOST_FILE_BYTES:
                raise BadInput(f"{file.name} is larger than {MOST_FILE_BYTES // 2**20} MB, so nothing was sent.")
            if file.name.rpartition(".")[2].lower() in DANGEROUS:
                raise BadInput(f"{file.name} is a program, which customers are not sent. Nothing was sent.")
        client = self.desk.client(where.channel)
        return tuple(
            [
                Attachment(file.name, file.content_type, await client.download(file.url, MOST_FILE_BYTES))
                for file in files
            ]
        )

    async def edited(self, said: Said) -> None:
        """A note is edited in place; what went to the customer is corrected there too."""
        where = await self.desk.where(said.thread)
        if where is None:
            return
        try:
            agent = await self.desk.agent(said.person, where.channel)
            sent = await self._sent_as(where, said.place)
            async with self.helpdesk.db.write(where.organization_id) as scope:
                if sent:
                    text = _for_customer(said.text)
                    await verbs.edit_reply(scope, self.helpdesk.outbox, agent, sent, text)
                else:
                    await verbs.edit_note(scope, self.helpdesk.outbox, _note_id(said.place), _note_text(said))
        except NotFound:
            return  # it never was one of ours
        except (AppError, SlackError) as error:
            await self._explain(said.person, said.thread, where, error)

    async def deleted(self, said: Said) -> None:
        """A note goes; what went to the customer is taken back where the channel can."""
        place, thread, person = said.place, said.thread, said.person
        where = await self.desk.where(thread)
        if where is None:
            return
        try:
            agent = await self.desk.agent(person, where.channel)
            sent = await self._sent_as(where, place)
            async with self.helpdesk.db.write(where.organization_id) as scope:
                if sent:
                    await verbs.retract(scope, self.helpdesk.outbox, agent, sent)
                else:
                    await verbs.retract_note(scope, self.helpdesk.outbox, _note_id(place))
        except NotFound:
            return
        except (AppError, SlackError) as error:
            await self._explain(person, thread, where, error)

    async def reacted(self, reaction: Reaction) -> None:
        action = EMOJI.get(reaction.emoji)
        where = await self.desk.where(reaction.place) if action else None
        if where is None or action is None:
            return
        try:
            agent = await self.desk.agent(reaction.person, where.channel)
            if action == "faq":
                await self._offer_faq(reaction, where)
            else:
                click = Click(reaction.person, action, "", "", None, reaction.place)
                await EMOJI_VERBS[action](self.actions, Acting(click, where, agent))
        except (AppError, SlackError) as error:
            await self._explain(reaction.person, reaction.place, where, error)

    async def _offer_faq(self, reaction: Reaction, where: Where) -> None:
        """A reaction opens no modal, so a private button does: an answer may name the customer, and is looked at."""
        if where.kind not in REPLIES:
            raise BadInput(NO_REPLY)
        post = blocks.plain("Keep this reply as a FAQ, so that the bot can give it?")
        value = f"{where.channel.id}:{where.number}:{where.subject_id}"
        post = blocks.with_button(post, "faq", "Save as FAQ…", value)
        await self.actions.whisper(reaction.place, where, reaction.person.id, post, None)

    async def _sent_as(self, where: Where, place: Place) -> UUID | None:
        """The message to the customer that was typed at `place`."""
        async with self.helpdesk.db.read(where.organization_id) as scope:
            found: UUID | None = await scope.session.scalar(
                scope.select(DeskPost, DeskPost.subject_id).where(
                    DeskPost.account == place.team,
                    DeskPost.place == place.channel,
                    DeskPost.external_id == place.ts,
                    DeskPost.kind == "typed",
                )
            )
        return found

    async def _explain(self, person: Person, place: Place, where: Where, error: Exception) -> None:
        post = blocks.plain(explained(error))
        if isinstance(error, Refused) and error.link:
            post = blocks.with_link(post, "I am a member under another address", error.link)
        await self.actions.whisper(place, where, person.id, post, place.ts)


def _prefixed(text: str) -> bool:
    return rich.as_markdown(text).lstrip().startswith(PREFIX)


def _for_customer(text: str) -> str:
    return rich.as_markdown(text).strip().removeprefix(PREFIX).strip()


def _note_text(said: Said) -> str:
    names = [f"📎 {file.name}" for file in said.files]
    return "\n".join(part for part in (rich.as_markdown(said.text), *names) if part.strip()) or "…"


def _note_id(place: Place) -> str:
    return f"{place.team}/{place.channel}/{place.ts}"


EMOJI_VERBS: dict[str, Callable[[Actions, Acting], Awaitable[Any]]] = {
    "take": Actions.take,
    "resolve": Actions.resolve,
    "spam": Actions.spam,
}
