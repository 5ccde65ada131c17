from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from core.knowledge.sources import read_folder
from web.assets import Assets
from web.demo.site import Site, markdown
from web.paths import DEMO_KNOWLEDGE, STATIC
from web.routes import pages

HOSTILE = """---
title: Returns <script>alert("title")</script> & "more"
questions: ['" onmouseover="alert(1)']
---

Send it back <script>alert(1)</script> <img src=x onerror=alert(1)> within 45 days.

[script](javascript:alert(1)) [data](data:text/html,hi) ![picture](https://globex.example/pixel.png)
[mail](mailto:help@acme.example) [other](/demo/help/other) <style>body { display: none }</style>

| Country | Cost |
|:---|---:|
| **UK** <b onclick=alert(1)>| £2.95 |
"""


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    app.include_router(pages.router)
    return app


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://acme.example") as client:
        yield client


def policy(answer: httpx.Response) -> dict[str, str]:
    parts = answer.headers["content-security-policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


@pytest.mark.parametrize("path", ["/", "/console", "/demo", "/demo/", "/demo/help", "/demo/help/uk-delivery"])
async def test_a_page_opens_with_its_guards_and_is_asked_about_each_time(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-cache"
    assert "'unsafe-inline'" not in answer.headers["content-security-policy"]
    assert "<title>" in answer.text
    assert "<main" in answer.text
    again = await browser.get(path, headers={"if-none-match": f'"other", W/{answer.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    head = await browser.head(path)
    assert (head.status_code, head.content) == (200, b"")


async def test_only_the_shop_may_be_framed_or_open_sockets_and_only_by_itself(browser: httpx.AsyncClient) -> None:
    shop, console = policy(await browser.get("/demo")), policy(await browser.get("/console"))
    assert (shop["frame-ancestors"], console["frame-ancestors"]) == ("'self'", "'none'")
    assert shop["connect-src"] == "'self' ws: wss:"
    assert "connect-src" not in console
    assert console["require-trusted-types-for"] == "'script'"


@pytest.mark.parametrize("path", ["/", "/console", "/demo", "/demo/help", "/demo/help/size-guide", "/demo/nothing"])
async def test_a_page_has_no_inline_script_or_style_that_its_policy_forbids(
    browser: httpx.AsyncClient, path: str
) -> None:
    html = (await browser.get(path)).text
    assert "<style" not in html
    assert " style=" not in html
    assert " onclick=" not in html
    assert html.count("<script") == html.count("<script src=") + html.count('<script type="module" src=')
    assert html.count("://") == html.count("https://HOST/")


async def test_the_shop_carries_the_widget_as_a_customer_would_paste_it(browser: httpx.AsyncClient) -> None:
    tag = '<script src="/widget.js" data-site-key="demo-site-key" data-color="#2f5d50" async></script>'
    assert tag in (await browser.get("/demo")).text
    assert tag in (await browser.get("/demo/help/returns-policy")).text


async def test_every_address_that_an_article_is_cited_by_opens_that_article(browser: httpx.AsyncClient) -> None:
    for article in read_folder(DEMO_KNOWLEDGE):
        answer = await browser.get(str(article.url))
        assert answer.status_code == 200, article.url
        assert f"<h1>{article.title}</h1>" in answer.text


async def test_the_help_centre_lists_every_article_once(browser: httpx.AsyncClient) -> None:
    html = (await browser.get("/demo/help")).text
    listed = html.split('<div class="topics">')[1].split("</main>")[0]
    assert all(listed.count(f'href="/demo/help/{one.id}"') == 1 for one in read_folder(DEMO_KNOWLEDGE))
    assert "<h2>More</h2>" not in listed  # name a new article in topics.toml


@pytest.mark.parametrize("path", ["help/no-such-article", "help/%2e%2e/shop", "gift-card", "help/%3Cscript%3E"])
async def test_an_address_that_does_not_exist_is_a_friendly_404(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(f"/demo/{path}", headers={"if-none-match": "*"})
    assert answer.status_code == 404
    assert "This page is not here" in answer.text
    assert 'href="/demo/help"' in answer.text
    assert "no-such-article" not in answer.text


async def test_nothing_hostile_in_an_article_reaches_the_page(
    app: FastAPI, browser: httpx.AsyncClient, tmp_path: Path
) -> None:
    (tmp_path / "returns.md").write_text(HOSTILE, encoding="utf-8")
    app.state.demo_site = Site(tmp_path)
    for path in ("/demo/help", "/demo/help/returns"):
        html = (await browser.get(path)).text
        main = html.split("<main")[1].split("</main>")[0]
        for tag in ("<script", "<img", "<style", "<b ", ' onmouseover="', 'href="javascript', 'href="data', "style="):
            assert tag not in main, tag
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in main
    assert "Returns &lt;script&gt;" in main
    assert "<title>Returns &lt;script&gt;" in html
    assert 'href="mailto:help@acme.example"' in main
    assert 'href="/demo/help/other"' in main


def test_a_table_keeps_its_cells_and_scrolls_by_keyboard() -> None:
    html = markdown("| Size | Price |\n|---|---|\n| S | £5 |")
    assert html.startswith('<div class="table" tabindex="0" role="region" aria-label="Table"><table>')
    assert "<th>Size</th>" in html
    assert "<td>£5</td>" in html


async def test_every_asset_that_a_page_names_exists(browser: httpx.AsyncClient) -> None:
    for path in ("/", "/console", "/demo"):
        html = (await browser.get(path)).text
        named = [part.split('"')[0] for part in html.split('"/static/')[1:]]
        assert named
        assert all((STATIC / name).is_file() for name in named), named


async def test_an_asset_is_asked_about_each_time_and_sent_only_when_it_has_changed(
    app: FastAPI, browser: httpx.AsyncClient
) -> None:
    app.mount("/static", Assets(directory=STATIC))
    answer = await browser.get("/static/console/console.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"
    again = await browser.get("/static/console/console.js", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await browser.get("/static/../routes/pages.py")).status_code == 404


def test_no_script_of_ours_turns_text_into_markup() -> None:
    makers = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function")
    for script in STATIC.rglob("*.js"):
        assert not [word for word in makers if word in script.read_text(encoding="utf-8")], script
