"""What the team is told each morning and each week."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

from PIL import Image

from bots.slack_desk.show import SlackDesk
from connectors.slack.client import SlackApi
from core import reports
from core.accounts import OrganizationSettings
from core.models import Ticket, now
from core.reports import Day, Digest, OverdueLine, Weekly
from tests.journeys.slack.scene import HUMAN, Scene
from tests.rows import change
from tests.standins import slack_blocks

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
WEEK = Weekly(
    days=tuple(Day(MONDAY + timedelta(days=number), 10 * number, number, 1) for number in range(7)),
    opened=21,
    resolved=1,
    first_reply_minutes=83.4,
    ratings=3,
    rating=4.333,
    reasons=(("no_knowledge", 12), ("asked_for_human", 9)),
    gaps=("Do you sell <!channel> helicopters?",),
)


async def announce(scene: Scene, report: Digest | Weekly) -> None:
    async with SlackApi(scene.slack.url) as api:
        desk = SlackDesk(scene.helpdesk.db, scene.helpdesk.box, api, "https://desk.example")
        await desk.announce(scene.connected, report)


async def test_the_morning_names_what_is_overdue_and_mentions_who_has_it(scene: Scene) -> None:
    head = await scene.ticket(HUMAN)
    await scene.ticket()
    await scene.click(scene.sam, head, "take")
    await scene.says(head, "🟡 Sam has it")
    for number in (1001, 1002):
        ticket = await scene.stored(number=number)
        late = {"due_at": now() - timedelta(hours=2), "overdue_at": now()}
        await change(scene.helpdesk.db, scene.shop.id, Ticket, ticket.id, **late)
    async with scene.helpdesk.db.read(scene.shop.id) as scope:
        await announce(scene, await reports.digest(scope))
    posted = await scene.head(lambda message: "2 tickets are overdue" in message.said)
    assert f"#1001 {HUMAN} · Dana" in posted.said
    assert slack_blocks.mentions(posted.blocks) == [f"@{scene.sam.id}"]
    assert "nobody has it" in posted.said
    assert "https://desk.example/#/tickets/1001" in slack_blocks.links(posted.blocks)
    await scene.dana_writes("And now?", (await scene.stored(number=1001)).conversation_id)


async def test_a_long_list_of_overdue_tickets_fits(scene: Scene) -> None:
    line = OverdueLine(1, "🛒" * 300, "x" * 400, "urgent", MONDAY, None, None)
    await announce(scene, Digest((line,) * reports.MOST_LINES, 90, 100, 90))
    posted = await scene.head(lambda message: "90 tickets are overdue" in message.said)
    assert "and 70 more" in posted.said


async def test_the_week_comes_with_a_picture(scene: Scene) -> None:
    await announce(scene, WEEK)
    posted = await scene.head(lambda message: "The last seven days" in message.said)
    for words in ("210 questions answered by the bot (88%), 28 went to people", "21 tickets opened, 1 resolved",
                  "1 h 23 to a person's first reply", "4.3 of 5 in 3 ratings", "12 × The documents do not cover this.",
                  "Do you sell <!channel> helicopters?"):  # fmt: skip
        assert words in posted.said
    assert slack_blocks.mentions(posted.blocks) == []
    (picture,) = [message.files[0] for message in scene.desk.parents if message.files]
    image = Image.open(io.BytesIO(scene.slack.state.contents[picture["id"]]))
    assert (image.format, image.size) == ("PNG", (1440, 640))
    assert len(image.getcolors(100_000) or []) > 10


async def test_a_quiet_first_week_is_drawn_too(scene: Scene) -> None:
    async with scene.helpdesk.db.read(scene.shop.id) as scope:
        quiet = await reports.weekly(scope, OrganizationSettings().service, now())
    await announce(scene, quiet)
    await scene.head(lambda message: "0 questions answered by the bot, 0 went to people" in message.said)
