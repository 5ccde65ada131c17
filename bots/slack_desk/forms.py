"""What is done with a submitted modal. It is done before the modal closes, so that nobody's text is lost: whoever
came too late reads in the modal who was first, above the words that they can still copy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from bots.slack_desk.acting import Desk, Where, explained
from bots.slack_desk.actions import HOLD
from bots.slack_desk.payloads import Submission
from connectors.slack.client import SlackError
from core import desk as verbs
from core.desk import Agent
from core.errors import AppError, BadInput, Conflict
from core.helpdesk import Helpdesk
from core.knowledge import faq
from core.models import DeskPost, new_id, now
from core.tenancy import Scope

MORNING = time(9, 0)


@dataclass(frozen=True, slots=True)
class Filled:
    submission: Submission
    where: Where
    agent: Agent

    @property
    def values(self) -> dict[str, str]:
        return self.submission.values

    @property
    def number(self) -> int:
        return self.where.number

    @property
    def resolve(self) -> bool:
        return self.values.get("resolve") == "resolve"


@dataclass(frozen=True, slots=True)
class Forms:
    helpdesk: Helpdesk
    desk: Desk

    async def submit(self, submission: Submission) -> dict[str, str] | None:
        """None when it is done; else what is wrong, by the block that shows it."""
        about = submission.about
        try:
            where = await self.desk.ticket(submission.person.team, about.channel_id, about.ticket)
            agent = await self.desk.agent(submission.person, where.channel)
            await FORMS[submission.form](self, Filled(submission, where, agent))
        except _Done:
            return None
        except (AppError, SlackError) as error:
            shown_at = next(iter(submission.values), "text")
            return {shown_at: explained(error)[:500]}
        return None

    async def edit(self, filled: Filled) -> None:
        about, text = filled.submission.about, filled.values["text"]
        assert about.draft
        async with self.write(filled) as scope:
            outbox = self.helpdesk.outbox
            await verbs.approve(
                scope, outbox, filled.agent, about.draft, about.version, text=text, resolve=filled.resolve, hold=HOLD
            )

    async def reply(self, filled: Filled) -> None:
        async with self.write(filled) as scope:
            text, outbox = filled.values["text"], self.helpdesk.outbox
            await verbs.reply(scope, outbox, filled.agent, filled.number, text, resolve=filled.resolve, hold=HOLD)

    async def correct(self, filled: Filled) -> None:
        message_id = filled.submission.about.message
        assert message_id
        async with self.write(filled) as scope:
            await verbs.edit_reply(scope, self.helpdesk.outbox, filled.agent, message_id, filled.values["text"])

    async def reject(self, filled: Filled) -> None:
        about = filled.submission.about
        assert about.draft
        reason: Any = filled.values["reason"]
        async with self.write(filled) as scope:
            await verbs.reject(scope, self.helpdesk.outbox, filled.agent, about.draft, about.version, reason)

    async def assign(self, filled: Filled) -> None:
        member_id = UUID(filled.values["assign"])
        async with self.write(filled) as scope:
            await verbs.assign(scope, self.helpdesk.outbox, filled.agent, filled.number, member_id)

    async def snooze(self, filled: Filled) -> None:
        user = await self.desk.client(filled.where.channel).user(filled.submission.person.id)
        until = wake_at(filled.values["snooze"], now().astimezone(zone_named(user.zone)))
        async with self.write(filled) as scope:
            await verbs.snooze(scope, self.helpdesk.outbox, filled.agent, filled.number, until)

    async def priority(self, filled: Filled) -> None:
        async with self.write(filled) as scope:
            priority = filled.values["priority"]
            await verbs.set_priority(scope, self.helpdesk.outbox, filled.agent, filled.number, priority)

    async def category(self, filled: Filled) -> None:
        chosen = filled.values.get("new") or filled.values.get("known") or None
        async with self.write(filled) as scope:
            await verbs.set_category(scope, self.helpdesk.outbox, filled.agent, filled.number, chosen)

    async def merge(self, filled: Filled) -> None:
        typed = filled.values["number"].strip().removeprefix("#")
        if not typed.isdecimal():
            raise BadInput("Write the number of the other ticket, as in 1042.")
        async with self.write(filled) as scope:
            await verbs.merge(scope, self.helpdesk.outbox, filled.agent, filled.number, int(typed))

    async def faq(self, filled: Filled) -> None:
        question, answer = filled.values["question"], filled.values["answer"]
        key, organization_id = str(filled.submission.about.message), filled.where.organization_id
        desk = self.helpdesk
        await faq.save(desk.db, desk.encoder, organization_id, filled.agent.id, key, question, answer)

    @asynccontextmanager
    async def write(self, filled: Filled) -> AsyncIterator[Scope]:
        """Raises `_Done` for a form that was worked already: Slack offers to submit it again when we were slow."""
        async with self.helpdesk.db.write(filled.where.organization_id) as scope:
            await _once(scope, filled)
            yield scope


class _Done(Exception):
    """The same form, with the same words, was worked before."""


async def _once(scope: Scope, filled: Filled) -> None:
    """Marks the form as worked, together with what comes of it."""
    submission, where = filled.submission, filled.where
    digest = hashlib.sha256(json.dumps(submission.values, sort_keys=True).encode()).hexdigest()
    place = {"account": submission.person.team, "place": "form", "external_id": submission.view_id}
    what = {"channel_id": where.channel.id, "ticket_id": where.ticket_id, "subject_id": new_id()}
    if await scope.insert_if_absent(DeskPost, id=new_id(), kind="typed", digest=digest, **place, **what):
        return
    known = await scope.session.scalar(
        scope.select(DeskPost, DeskPost.digest).where(*(getattr(DeskPost, name) == place[name] for name in place))
    )
    if known == digest:
        raise _Done
    raise Conflict("This form was sent already, with what you had written first. Close it and look at the thread.")


def wake_at(choice: str, moment: datetime) -> datetime:
    """`moment` in the agent's own zone; mornings are theirs."""
    if choice.isdecimal():
        return moment + timedelta(hours=int(choice))
    days = 1 if choice == "tomorrow" else 7 - moment.weekday()
    return datetime.combine(moment.date() + timedelta(days=days), MORNING, moment.tzinfo)


def zone_named(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError):
        return ZoneInfo("UTC")


Form = Callable[[Forms, Filled], Awaitable[None]]
FORMS: dict[str, Form] = {
    "edit": Forms.edit,
    "reply": Forms.reply,
    "correct": Forms.correct,
    "reject": Forms.reject,
    "assign": Forms.assign,
    "snooze": Forms.snooze,
    "priority": Forms.priority,
    "category": Forms.category,
    "merge": Forms.merge,
    "faq": Forms.faq,
}
