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
    reply = console.locator("#detail .message.agent")
    await reply.get_by_role("button", name="Edit").click()
    await reply.get_by_label("Your reply, to be corrected").fill("We do not, but foxes yes.")
    await reply.get_by_role("button", name="Save").click()
    await expect(chat.locator(".items .agent").last).to_contain_text("foxes")
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


async def test_a_mailbox_form_asks_only_for_what_the_chosen_way_needs(demo: Demo, visitor: Visitor) -> None:
    console = await visitor.page(f"{demo.url}/console")
    await sign_in(console, demo)
    await console.get_by_role("link", name="Channels").click()
    await console.get_by_role("button", name="Connect: E-mail").click()
    form = console.get_by_role("form", name="Connect E-mail")
    await form.get_by_role("textbox", name="Address").fill("acme@fastmail.com")
    await form.get_by_role("textbox", name="Address").press("Tab")
    await expect(form.get_by_label("IMAP server")).to_have_value("imap.fastmail.com")
    await expect(form.get_by_role("status").first).to_contain_text("app password")
    await expect(form.get_by_label("IMAP port")).to_be_hidden()
    await form.get_by_label("How mail reaches us").select_option("webhook")
    await expect(form.get_by_label("IMAP server")).to_be_hidden()
    await expect(form.get_by_label("Webhook password")).to_be_visible()
    await form.get_by_label("How mail is sent").select_option("postmark")
    await expect(form.get_by_label("SMTP server")).to_be_hidden()
    await form.get_by_role("button", name="Test").click()
    await expect(form.locator(".findings .bad").first).to_contain_text("webhook password")
    await form.get_by_role("textbox", name="Address").fill("nonsense")
    await form.get_by_role("button", name="Test").click()
    await expect(form.get_by_role("textbox", name="Address")).to_have_attribute("aria-invalid", "true")
    await expect(form.get_by_role("textbox", name="Address")).to_be_focused()
    await form.get_by_role("textbox", name="Address").press("Escape")
    await expect(form).to_have_count(0)


async def test_an_admin_sorts_messages_into_categories_and_is_away(demo: Demo, visitor: Visitor) -> None:
    console = await visitor.page(f"{demo.url}/console")
    await sign_in(console, demo)
    await console.get_by_role("link", name="Settings").click()
    await console.get_by_role("button", name="Add a category").click()
    form = console.get_by_role("form", name="New category")
    await form.get_by_role("textbox", name="Name").fill("Hedgehogs")
    await form.get_by_label("Examples").fill("Do you sell hedgehog houses?\nWhat do hedgehogs eat?")
    await form.get_by_label("What the assistant may do").select_option("draft")
    await form.get_by_role("button", name="Save").click()
    categories = console.get_by_role("region", name="Categories")
    await expect(categories).to_contain_text("2 examples")
    await expect(categories).to_contain_text("Only draft")
    console.on("dialog", lambda dialog: dialog.accept())
    await categories.get_by_role("button", name="Delete Hedgehogs").click()
    await expect(categories).to_contain_text("None yet")
    team = console.get_by_role("region", name="Team")
    await team.get_by_role("button", name="Sam Ahmadi: Is away").click()
    await team.get_by_role("button", name="Sam Ahmadi: Is back").click()
    await expect(team.get_by_role("button", name="Sam Ahmadi: Is away")).to_be_visible()


async def test_a_ticket_is_worked_by_keyboard_alone(demo: Demo, visitor: Visitor) -> None:
    chat = await visitor.chat(f"{demo.url}/demo")
    await ask(chat, UNCOVERED)
    [number] = re.findall(r"#(\d+)", await chat.locator(".message.notice").inner_text())
    console = await visitor.page(f"{demo.url}/console")
    await sign_in(console, demo)
    await console.goto(f"{demo.url}/console#/tickets")
    await console.locator(".rows a").first.wait_for()
    await console.keyboard.press("j")
    await expect(console.locator("#detail header")).to_contain_text(f"Ticket #{number}")
    await console.keyboard.press("t")
    await expect(console.locator("#detail dl")).to_contain_text("Sam Ahmadi")
    await console.keyboard.press("r")
    await console.keyboard.type("We do not, teej.")  # its letters are text here, no shortcuts
    await console.keyboard.press("Control+Enter")
    await expect(chat.locator(".items .agent").last).to_contain_text("We do not, teej.")
    await expect(console.locator("#detail header")).to_contain_text("Waiting")
    await expect(console.get_by_role("button", name="Send to customer")).to_be_enabled()
    await console.keyboard.press("Escape")
    await console.keyboard.press("?")
    shortcuts = console.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(shortcuts).to_be_visible()
    await console.keyboard.press("Escape")
    await expect(shortcuts).to_be_hidden()
    await console.keyboard.press("e")
    await expect(console.get_by_role("button", name="Reopen")).to_be_visible()


async def test_a_secret_that_is_kept_is_said_and_can_be_removed(demo: Demo, visitor: Visitor) -> None:
    console = await visitor.page(f"{demo.url}/console")
    await sign_in(console, demo)
    await console.get_by_role("link", name="Channels").click()
    await console.get_by_role("button", name="Connect: Website chat").click()
    await console.get_by_label("Name").fill("Third shop")
    await console.get_by_text("More", exact=True).click()
    await console.get_by_label("Identity secret").fill("hush")
    await console.get_by_role("button", name="Connect", exact=True).click()
    row = console.locator(".channel-rows > li", has_text="Third shop")
    await row.get_by_role("button", name="Change").click()
    form = console.get_by_role("form", name="Change Third shop")
    await form.get_by_text("More", exact=True).click()
    await expect(form.locator(".kept")).to_contain_text("Kept")
    await expect(form).not_to_contain_text("hush")
    await form.get_by_role("button", name="Remove").click()
    await form.get_by_role("button", name="Save", exact=True).click()
    await expect(form).to_have_count(0)
    await row.get_by_role("button", name="Change").click()
    await form.get_by_text("More", exact=True).click()
    await expect(form.get_by_label("Identity secret")).to_have_value("")
    await console.get_by_role("button", name="Cancel").click()
    console.on("dialog", lambda dialog: dialog.accept())
    await row.get_by_role("button", name="Delete").click()
    await expect(row).to_have_count(0)
