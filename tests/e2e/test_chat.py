"""The main job in a real browser, on what `make run` starts: ask, read the source, be handed over, be seen."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import Demo, Visitor
from web.demo.load import ADMIN_EMAIL

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
COVERED = "Who pays for return postage?"
UNCOVERED = "Do you sell helicopters for the moon?"
HOSTILE = (
    "<script>alert('script')</script><img src=x onerror=alert('img')><svg onload=alert('svg')>"
    "[link](javascript:alert('link')) <iframe srcdoc=\"<script>parent.alert('frame')</script>\"></iframe>"
)


async def ask(page: Page, text: str) -> None:
    await page.locator("textarea").fill(text)
    await page.keyboard.press("Enter")
    await expect(page.locator(".customer .tick").last).to_have_class("tick sent")


async def picture(page: Page, name: str) -> None:
    """Kept for the README where PICTURES names a folder."""
    if folder := os.environ.get("PICTURES"):
        await page.wait_for_timeout(400)  # until nothing moves any more
        await page.screenshot(path=Path(folder) / f"{name}.png")


_cookies: dict[str, Any] = {}
"""By the demo's address: who signs in too often in a minute has to wait."""


async def sign_in(page: Page, demo: Demo) -> None:
    """By the form, the first time."""
    if demo.url in _cookies:
        await page.context.add_cookies(_cookies[demo.url])
        await page.reload()
    else:
        await _fill_in(page, demo)
        _cookies[demo.url] = await page.context.cookies()
    await expect(page.locator("#organization")).to_have_text("Cobblewren")


async def _fill_in(page: Page, demo: Demo) -> None:
    await page.get_by_label("E-mail address").fill(ADMIN_EMAIL)
    await page.get_by_label("Password").fill(demo.password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator("#organization")).to_have_text("Cobblewren")


async def test_a_visitor_asks_reads_the_source_and_is_handed_over_and_the_admin_sees_it(
    demo: Demo, visitor: Visitor
) -> None:
    page = await visitor.chat(f"{demo.url}/demo")
    await expect(page.locator(".panel .title")).to_have_text("Cobblewren")
    await ask(page, COVERED)
    answer = page.locator(".items .ai").last
    source = answer.get_by_role("link").last
    await expect(source).to_be_visible()
    await picture(page, "widget")
    await answer.locator(".unfold").first.click()
    quote = await answer.locator("blockquote").first.inner_text()
    async with visitor.context.expect_page() as opened:
        await source.click()
    article = await opened.value
    await expect(article.locator("h1")).to_have_text(await source.inner_text())
    assert article.url.startswith(f"{demo.url}/demo/help/")
    first_words = " ".join(re.findall(r"\w+", quote)[:4])
    assert first_words in " ".join(re.findall(r"\w+", await article.locator("main").inner_text()))
    await article.close()

    await ask(page, UNCOVERED)
    notice = page.locator(".message.notice")
    await expect(notice).to_contain_text("#")
    [number] = re.findall(r"#(\d+)", await notice.inner_text())
    await expect(page.locator(".items .ai").last).to_contain_text(f"#{number}")
    await picture(page, "handover")
    assert visitor.complaints == []

    console = await visitor.page(f"{demo.url}/console")
    await sign_in(console, demo)
    await console.locator("#list .rows a").first.click()
    await expect(console.locator("#detail .message.customer .plain")).to_have_text([COVERED, UNCOVERED])
    await console.get_by_role("link", name="Tickets", exact=True).click()
    await console.locator("#list .rows a", has_text=number).click()
    await expect(console.locator("#detail header")).to_contain_text(f"Ticket #{number}")
    await expect(console.locator("#detail h2")).to_have_text(UNCOVERED)


async def test_nothing_that_is_written_runs_in_the_widget_or_in_the_console(demo: Demo, visitor: Visitor) -> None:
    page = await visitor.chat(f"{demo.url}/demo")
    for text in (HOSTILE, f"{COVERED} {HOSTILE}", "مرحبا \u202e<b>abc</b>", "👩🏽‍🚀" * 50):
        await ask(page, text)
        await expect(page.locator(".customer .plain").last).to_have_text(text)
    await expect(page.locator(".items .ai").last).to_be_visible()
    console = await visitor.page(f"{demo.url}/console")
    await sign_in(console, demo)
    row = console.locator("#list .rows a", has_text="<script>").first
    await row.click()
    await expect(console.locator("#detail .message.customer .plain").first).to_have_text(HOSTILE)
    await console.get_by_role("link", name="Tickets", exact=True).click()
    await console.locator("#list .rows a", has_text="<script>").first.click()
    await expect(console.locator("#detail .message.customer .plain").first).to_have_text(HOSTILE)
    for shown in (page, console):
        assert await shown.evaluate("window.ran || []") == []
        assert await shown.locator(".items script, .items iframe, .items svg[onload], #detail iframe").count() == 0
        links = await shown.locator("a").evaluate_all("all => all.map(link => link.protocol)")
        assert set(links) <= {"http:", "https:", "mailto:", "tel:"}
    # The console's sign-in asks who is signed in, and is told: nobody yet.
    assert [line for line in visitor.complaints if "401" not in line] == []


async def test_a_chat_goes_on_where_it_was_on_the_next_page(demo: Demo, visitor: Visitor) -> None:
    page = await visitor.chat(f"{demo.url}/demo")
    await ask(page, COVERED)
    await expect(page.locator(".items .ai")).to_have_count(1)
    text = await page.locator(".items .ai .bubble").inner_text()
    await page.goto(f"{demo.url}/demo/help")
    await expect(page.locator(".panel")).to_be_visible()
    await expect(page.locator(".customer .plain")).to_have_text(COVERED)
    await expect(page.locator(".items .ai .bubble")).to_have_text(text, use_inner_text=True)
    assert visitor.complaints == []


async def test_the_button_for_a_person_hands_over_and_the_thumb_is_kept(demo: Demo, visitor: Visitor) -> None:
    page = await visitor.chat(f"{demo.url}/demo")
    await ask(page, COVERED)
    await page.get_by_role("button", name="Helpful", exact=True).click()
    await page.locator(".human").click()
    await expect(page.locator(".message.notice")).to_contain_text("ticket number")
    console = await visitor.page(f"{demo.url}/console")
    await sign_in(console, demo)
    await console.locator("#list .rows a").first.click()
    await expect(console.locator("#detail")).to_contain_text("Customer found it helpful")
    await expect(console.locator("#detail header")).to_contain_text("Ticket #")


async def test_the_api_is_described_without_help_from_elsewhere(demo: Demo, visitor: Visitor) -> None:
    page = await visitor.page(f"{demo.url}/api/docs")
    receive = page.locator("details", has_text="POST/api/v1/messagesReceive")
    await receive.locator("summary").click()
    await expect(receive.locator("dt", has_text="external_id")).to_be_visible()
    await expect(receive.locator("dt", has_text="wait (query)")).to_be_visible()
    await expect(page.locator("#state")).to_be_hidden()
    hosts = await page.evaluate("performance.getEntriesByType('resource').map(one => new URL(one.name).origin)")
    assert set(hosts) == {demo.url}
    assert visitor.complaints == []
    await picture(page, "api")


async def test_a_wrong_password_is_said_and_signing_out_ends_it(demo: Demo, visitor: Visitor) -> None:
    console = await visitor.page(f"{demo.url}/console")
    await console.get_by_label("E-mail address").fill(ADMIN_EMAIL)
    await console.get_by_label("Password").fill("wrong")
    await console.get_by_role("button", name="Sign in").click()
    await expect(console.get_by_role("alert")).to_contain_text("do not belong together")
    await sign_in(console, demo)
    await console.get_by_role("button", name="Sign out").click()
    await expect(console.get_by_label("Password")).to_be_visible()
    await console.reload()
    await expect(console.get_by_label("Password")).to_be_visible()
