"""The morning's list of what is overdue, and the report of the week."""

from __future__ import annotations

from collections.abc import Mapping

from bots.slack_desk import rich, words
from bots.slack_desk.blocks import Post
from bots.slack_desk.rich import Json
from core.agent.wording import REASONS
from core.reports import Digest, OverdueLine, Weekly


def digest(report: Digest, users: Mapping[str, str], console: str) -> Post:
    """`users`: the Slack users behind e-mail addresses; whoever has an overdue ticket is mentioned."""
    heading = f"☀️ {_count(report.overdue_count, 'ticket is', 'tickets are')} overdue"
    lines = [_overdue(line, users, console) for line in report.overdue]
    more = report.overdue_count - len(report.overdue)
    blocks = [rich.block(rich.section(rich.text(heading, "bold")), rich.bullets(lines))]
    rest = f"{report.open_count} open in all, {report.unassigned_count} of them with nobody."
    if more > 0:
        rest = f"… and {more} more. {rest}"
    blocks.append(rich.block(rich.section(rich.text(rest))))
    return Post(heading, blocks)


def _overdue(line: OverdueLine, users: Mapping[str, str], console: str) -> list[Json]:
    elements = [
        rich.link(f"{console}/#/tickets/{line.number}", f"#{line.number} {rich.shortened(line.subject, 150)}", "bold"),
        rich.text(f" · {rich.shortened(line.customer, 80)}"),
    ]
    if line.priority != "normal":
        elements.append(rich.text(f" · {words.PRIORITIES.get(line.priority, line.priority)}"))
    elements += [rich.text(" · was due "), rich.date(line.due_at, "{ago}", f"{line.due_at:%d %b %H:%M} UTC")]
    user = users.get(line.assignee_email or "")
    if user:
        elements += [rich.text(" · "), rich.user(user)]
    else:
        elements.append(rich.text(f" · {rich.shortened(line.assignee, 80)}" if line.assignee else " · nobody has it"))
    return elements


def weekly(report: Weekly) -> Post:
    answered = sum(day.answered for day in report.days)
    to_people = sum(day.escalated + day.silent for day in report.days)
    share = f" ({answered / (answered + to_people):.0%})" if answered + to_people else ""
    facts = [
        f"{answered} questions answered by the bot{share}, {to_people} went to people",
        f"{_count(report.opened, 'ticket', 'tickets')} opened, {report.resolved} resolved",
    ]
    if report.first_reply_minutes is not None:
        facts.append(f"{_duration(report.first_reply_minutes)} to a person's first reply (median)")
    if report.rating is not None:
        facts.append(f"{report.rating:.1f} of 5 in {_count(report.ratings, 'rating', 'ratings')}")
    parts = [rich.section(rich.text("📊 The last seven days", "bold")), rich.bullets([[rich.text(f)] for f in facts])]
    if report.reasons:
        known = {str(name): text for name, text in REASONS.items()}
        reasons = [[rich.text(f"{count} × {known.get(reason, reason)}")] for reason, count in report.reasons]
        parts += [rich.section(rich.text("\nWhy tickets were opened", "bold")), rich.bullets(reasons)]
    if report.gaps:
        gaps = [[rich.text(rich.shortened(gap, 200))] for gap in report.gaps]
        parts += [rich.section(rich.text("\nThe documents did not cover", "bold")), rich.bullets(gaps)]
    return Post("📊 The last seven days", [rich.block(*parts)])


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _duration(minutes: float) -> str:
    if minutes < 60:
        return f"{minutes:.0f} min"
    return f"{minutes // 60:.0f} h {minutes % 60:02.0f}"
