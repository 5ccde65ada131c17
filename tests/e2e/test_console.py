"""Working tickets and connecting channels in the console, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import Demo, Visitor
from tests.e2e.test_chat import ask, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
UNCOVERED = "Do you build treehouses for hedgehogs?"


async def test_an_agent_answers_notes_and_resolves_and_the_customer_reads_it(demo: Demo, visitor: Visitor) -> None:
    chat = await visitor.chat(f"{demo.url}/demo")
    await ask(chat, UNCOVERED)
    await expect(chat.locator(".message.notice")).to_contain_text("#")
    [number] = re.findall(r"#(\d+)", await chat.locator(".message.notice").inner_text())
    console = await visitor.page(f"{demo.url}/console")
    await sign_in(console, demo)
    await console.goto(f"{demo.url}/console#/tickets/{number}")
    await console.get_by_role("button", name="Take it").click()
    await expect(console.locator("#detail dl")).to_contain_text("Sam Ahmadi")
    composer = console.locator(".composer")
    await composer.get_by_label("Your reply or note").fill("Ask the vet first.")
    await composer.get_by_role("button", name="Note for the team").click()
    await expect(console.locator(".inner-note")).to_contain_text("Ask the vet first.")
    await composer.get_by_label("Your reply or note").fill("We **do not**, sorry.")
    await composer.get_by_role("button", name="Send to customer").click()
    await expect(chat.locator(".items .agent").last).to_contain_text("We do not, sorry.")
    await expect(console.locator("#detail .message.agent")).to_contain_text("We do not, sorry.")
    await expect(chat.locator(".items")).not_to_contain_text("vet")
    # The customer of the chat has it already: there is nothing to call back.
    await expect(composer.get_by_role("button", name="Undo")).to_be_hidden()
    await console.get_by_role("button", name="Resolve", exact=True).click()
    await expect(console.get_by_role("button", name="Reopen")).to_be_visible()
    await expect(composer).to_be_hidden()


async def test_an_empty_reply_says_so_where_it_was_written(demo: Demo, visitor: Visitor) -> None:
    chat = await visitor.chat(f"{demo.url}/demo")
    await ask(chat, UNCOVERED)
    [number] = re.findall(r"#(\d+)", await chat.locator(".message.notice").inner_text())
    console = await visitor.page(f"{demo.url}/console")
    await sign_in(console, demo)
    await console.goto(f"{demo.url}/console#/tickets/{number}")
    await console.get_by_role("button", name="Send to customer").click()
    await expect(console.locator(".composer .problem")).to_contain_text("The reply is empty")


async def test_an_admin_connects_changes_and_switches_off_a_channel(demo: Demo, visitor: Visitor) -> None:
    console = await visitor.page(f"{demo.url}/console")
    await sign_in(console, demo)
    await console.get_by_role("link", name="Channels").click()
    await console.get_by_role("button", name="Connect: Website chat").click()
    await console.get_by_label("Name").fill("Second shop")
    await console.get_by_label("Allowed origins").fill("https://second.example")
    await console.get_by_role("button", name="Connect", exact=True).click()
    row = console.locator(".channel-rows > li", has_text="Second shop")
    await expect(row.locator("pre")).to_contain_text("data-site-key")
    await row.get_by_role("button", name="Switch off").click()
    await expect(row).to_contain_text("switched off by an admin")
    await row.get_by_role("button", name="Change").click()
    await expect(console.get_by_label("Allowed origins")).to_have_value("https://second.example")
    await console.get_by_role("button", name="Cancel").click()
    console.on("dialog", lambda dialog: dialog.accept())
    await row.get_by_role("button", name="Delete").click()
    await expect(row).to_have_count(0)
