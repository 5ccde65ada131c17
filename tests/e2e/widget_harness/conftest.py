from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from .server import Desk, Running

# Runs one of the widget's files the way the loader does, and keeps what it hands over as `part`.
LOAD_PART = """async name => {
    const script = document.createElement("script");
    script.deskhand = part => { window.part = part };
    script.textContent = await fetch(`/widget/${name}.js`).then(file => file.text());
    document.head.append(script);
}"""


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest_asyncio.fixture(loop_scope="session")
async def standin(desk: Desk) -> AsyncIterator[Running]:
    running = Running(desk)
    await running.start()
    yield running
    await running.stop()


class Visit:
    """One visitor's browser: its own storage, any number of tabs, and what its pages complained of."""

    def __init__(self, context: Any, url: str) -> None:
        self.context, self.url = context, url
        self.complaints: list[str] = []

    async def page(self, **query: str) -> Page:
        page = await self.context.new_page()
        page.set_default_timeout(8000)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)
        await self.go(page, **query)
        return page

    async def go(self, page: Page, **query: str) -> None:
        await page.goto(f"{self.url}?{urlencode(query)}")
        await page.wait_for_function("Boolean(window.Deskhand && Deskhand.open)")

    async def part(self, name: str) -> Page:
        page = await self.page()
        await page.evaluate(LOAD_PART, name)
        return page

    async def chat(self, **query: str) -> Page:
        page = await self.page(**query)
        await page.locator(".launcher").click()
        await page.locator(".panel textarea").wait_for()
        return page


@pytest_asyncio.fixture(loop_scope="session")
async def visit(chromium: Browser, standin: Running) -> AsyncIterator[Callable[..., Any]]:
    contexts = []

    async def start(**options: Any) -> Visit:
        context = await chromium.new_context(**options)
        contexts.append(context)
        return Visit(context, standin.url)

    yield start
    for context in contexts:
        await context.close()
