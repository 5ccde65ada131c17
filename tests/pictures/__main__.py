"""`python -m tests.pictures`: draws the pictures of docs/slack.md from what the desk really posts.

A made-up shop's ticket is worked in the stand-in for Slack; what it shows then is drawn as HTML and photographed.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from playwright.async_api import Page, async_playwright
from pydantic import SecretStr

from core.models import Channel, Member, Ticket, now
from core.settings import Settings
from tests import cast
from tests.conftest import running
from tests.e2e.conftest import CHROMIUM, FLAGS
from tests.journeys.slack.scene import Scene, open_desk
from tests.pictures import block_kit
from tests.rows import change
from tests.standins.slack_server import SIGNING_SECRET, SlackServer
from tests.standins.slack_state import Message
from tests.web.clients import client_of

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
QUESTION = "I want to speak to a person. My parcel is five days late, and nobody answers. How long does delivery take?"


@asynccontextmanager
async def acme_in_slack() -> AsyncIterator[Scene]:
    with tempfile.TemporaryDirectory() as folder:
        async with SlackServer() as slack:
            settings = Settings(_env_file=None, data_dir=Path(folder), secret_key="pictures",  # type: ignore[call-arg]
                                slack_api_url=slack.url, slack_signing_secret=SecretStr(SIGNING_SECRET),
                                public_url="https://desk.example")  # fmt: skip
            async with running(settings) as helpdesk, client_of(helpdesk) as http:
                shop = await cast.acme(helpdesk)
                yield await open_desk(helpdesk, shop, slack, http)


async def draw(page: Page, scene: Scene) -> None:
    db, shop = scene.helpdesk.db, scene.shop.id
    await change(db, shop, Channel, scene.shop.widget_id, name="Website")
    await change(db, shop, Member, scene.shop.sam_id, name="Sam Ortiz")
    head = await scene.ticket(QUESTION)
    ticket = await scene.stored()
    due = {"due_at": now() + timedelta(hours=3, minutes=40, seconds=30), "category": "Delivery", "mood": "negative"}
    await change(db, shop, Ticket, ticket.id, **due)
    await retold(scene, ticket)
    await photograph(page, "slack-ticket", thread(scene, head))

    draft = await scene.draft(head)
    await scene.click(scene.sam, draft, "edit")
    view = await scene.modal(scene.sam, "edit")
    await photograph(page, "slack-edit", block_kit.modal(view.view))

    note = await scene.people.say(scene.sam, scene.desk, "the carrier had a strike on Monday, I checked", head.ts)
    text = view.view["blocks"][1]["element"]["initial_value"]
    await scene.people.submit(scene.sam, view, text=f"{text}\n\nYours was held up by a strike, and leaves **today**.")
    await scene.reply_in(head, "✅ sent")
    await scene.dana_writes("Thank you! Could you tell me the tracking number too?", ticket.conversation_id)
    await scene.reply_in(head, "tracking number")
    await scene.settled()
    await photograph(page, "slack-thread", thread(scene, head, note))

    await scene.ticket("Do you sell helicopters for the moon?")
    await scene.people.opens_home(scene.sam)
    await scene.settled()
    assert scene.sam.home
    await photograph(page, "slack-home", f"<div class=messages>{block_kit.blocks(scene.sam.home['blocks'])}</div>")


async def retold(scene: Scene, ticket: Ticket) -> None:
    async with scene.helpdesk.db.write(scene.shop.id) as scope:
        await scene.helpdesk.outbox.tell_desks(scope, ticket)
    await scene.settled()


def thread(scene: Scene, head: Message, *people: Message) -> str:
    shown = [block_kit.message(block_kit.blocks(head.blocks))]
    for message in scene.desk.thread(head.ts):
        if message.bot:
            shown.append(block_kit.message(block_kit.blocks(message.blocks), reply=True))
        elif message in people:
            shown.append(block_kit.message(message.text, who="Sam Ortiz", reply=True, app=False))
    return f"<div class=messages>{''.join(shown)}</div>"


async def photograph(page: Page, name: str, body: str) -> None:
    await page.set_content(block_kit.page(body))
    await page.locator("body").screenshot(path=IMAGES / f"{name}.png")


async def main() -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": 860, "height": 400}, device_scale_factor=1.5)
        async with acme_in_slack() as scene:
            await draw(page, scene)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
