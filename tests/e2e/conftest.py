from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests import servers
from web.demo.load import LOGIN_FILE

CHROMIUM = Path("/usr/bin/chromium")
QUIET = ["gpu", "quic", "background-networking", "component-update", "sync"]
FLAGS = ["--no-sandbox", "--no-first-run", *(f"--disable-{part}" for part in QUIET)]


@pytest.fixture(scope="session")
def browser_path() -> Path:
    if not CHROMIUM.exists():
        missing = f"{CHROMIUM} is missing: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return CHROMIUM


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(browser_path: Path) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        yield browser
        await browser.close()


@dataclass(frozen=True, slots=True)
class Demo:
    """What `make run` starts."""

    url: str
    password: str
    """The admin's."""


@pytest.fixture(scope="session")
def demo(browser_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    data_dir = tmp_path_factory.mktemp("demo")
    with servers.started(data_dir, "demo") as process:
        yield Demo(process.base, (data_dir / LOGIN_FILE).read_text().strip())
        assert b"Traceback" not in process.log.read_bytes()


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser of somebody's own, and what its pages complained of."""

    context: BrowserContext
    complaints: list[str]

    async def page(self, url: str) -> Page:
        page = await self.context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)
        await page.goto(url)
        return page

    async def chat(self, url: str) -> Page:
        """A page with its chat open."""
        page = await self.page(url)
        await page.locator(".launcher").click()
        await page.locator(".panel textarea").wait_for()
        return page


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(chromium: Browser) -> AsyncIterator[Visitor]:
    context = await chromium.new_context(viewport={"width": 1200, "height": 800}, locale="en-GB")
    # Whatever a text manages to run shows up here.
    await context.add_init_script("window.alert = text => { (window.ran = window.ran || []).push(text) }")
    yield Visitor(context, [])
    await context.close()
