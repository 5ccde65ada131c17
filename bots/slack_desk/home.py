"""App Home, and the answers to `/desk`: lists of tickets with what can be done at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bots.slack_desk import rich, words
from bots.slack_desk.blocks import Post, plain
from bots.slack_desk.rich import Json

MOST_ROWS = 20
SIGNS = {"open": "🔴", "pending": "🔵", "resolved": "🟢"}


@dataclass(frozen=True, slots=True)
class Row:
    channel_id: UUID
    """Of the workspace that the organization connected."""
    number: int
    subject: str
    status: str
    priority: str
    customer: str
    assignee: str | None
    due_at: datetime | None
    url: str | None
    """The ticket's thread, or else the ticket in the console."""


@dataclass(frozen=True, slots=True)
class Queue:
    """One organization's part of a person's home."""

    organization: str
    mine: Sequence[Row]
    unclaimed: Sequence[Row]
    mine_count: int
    unclaimed_count: int
    away: bool
    channel_id: UUID


def home(queues: Sequence[Queue]) -> Json:
    blocks: list[Json] = []
    for queue in queues:
        blocks += _queue(queue, MOST_ROWS // max(len(queues), 1))
    return {"type": "home", "blocks": blocks[:100]}


def stranger() -> Json:
    """For somebody who is no member of any organization in this workspace."""
    return {"type": "home", "blocks": plain(NO_MEMBER).blocks}


NO_MEMBER = (
    "You are not a member of the helpdesk team, so nothing was changed. Ask an admin to add you with the e-mail "
    "address of your Slack account, or to send you a one-time link."
)


def listing(title: str, rows: Sequence[Row], count: int) -> Post:
    """What `/desk` answers, for the one who asked. `count`: how many there are."""
    if not rows:
        return plain(f"{title}: none.")
    shown = rows[:MOST_ROWS]
    heading = f"{title} ({count})" if count <= len(shown) else f"{title}: the first {len(shown)} of {count}"
    blocks = [rich.block(rich.section(rich.text(heading, "bold")))]
    for row in shown:
        blocks += _row(row)
    return Post(rich.escaped(heading), blocks)


def _queue(queue: Queue, most: int) -> list[Json]:
    blocks = [_header(rich.shortened(queue.organization, 140))]
    parts = ("Mine", queue.mine, queue.mine_count), ("Nobody has these", queue.unclaimed, queue.unclaimed_count)
    for title, rows, count in parts:
        heading = f"{title} ({count})" if count else f"{title}: none"
        blocks.append(rich.block(rich.section(rich.text(heading, "bold"))))
        for row in rows[:most]:
            blocks += _row(row)
    label = "I am back" if queue.away else "I am away"
    buttons = [_button("away", label, f"{queue.channel_id}:{'0' if queue.away else '1'}")]
    blocks.append({"type": "actions", "elements": buttons})
    return blocks


def _row(row: Row) -> list[Json]:
    elements = [
        rich.text(f"{SIGNS.get(row.status, '')} "),
        rich.link(row.url, f"#{row.number} {rich.shortened(row.subject, 150)}", "bold"),
        rich.text(f" · {rich.shortened(row.customer, 80)}"),
    ]
    if row.priority != "normal":
        elements.append(rich.text(f" · {words.PRIORITIES.get(row.priority, row.priority)}"))
    elements.append(rich.text(f" · {rich.shortened(row.assignee, 80)}" if row.assignee else " · nobody has it"))
    if row.due_at:
        elements += [rich.text(" · answer due "), rich.date(row.due_at, "{ago}", f"{row.due_at:%d %b %H:%M} UTC")]
    blocks = [rich.block(rich.section(*elements))]
    if not row.assignee and row.status != "resolved":
        value = f"{row.channel_id}:{row.number}"
        blocks.append({"type": "actions", "elements": [_button("home_take", "Take it", value)]})
    return blocks


def _header(text: str) -> Json:
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _button(action_id: str, label: str, value: str) -> Json:
    text = {"type": "plain_text", "text": label, "emoji": False}
    return {"type": "button", "action_id": action_id, "text": text, "value": value}
