"""The pages that people open: landing page, demo shop with its help centre, console, the API's description."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from web.demo.site import Site
from web.paths import DEMO_KNOWLEDGE, ROOT

router = APIRouter(include_in_schema=False)
PAGES = ROOT / "web" / "pages"
METHODS = ["GET", "HEAD"]

POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
# The widget styles itself through constructed sheets, so the shop needs no 'unsafe-inline'. Safari before 15.4
# does not count a WebSocket to the page's own host as 'self'.
SHOP_POLICY = POLICY | {"connect-src": "'self' ws: wss:", "frame-ancestors": "'self'"}
# Customers' words are shown here: even a slip that makes markup of them must not run anything.
CONSOLE_POLICY = POLICY | {"require-trusted-types-for": "'script'", "trusted-types": "deskhand-console"}


@router.api_route("/", methods=METHODS)
async def home(request: Request) -> Response:
    return _page(request, _read("home.html"), POLICY)


@router.api_route("/api/docs", methods=METHODS)
async def api(request: Request) -> Response:
    return _page(request, _read("api.html"), POLICY)


@router.api_route("/console", methods=METHODS)
async def console(request: Request) -> Response:
    answer = _page(request, _read("console.html"), CONSOLE_POLICY)
    answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


@router.api_route("/demo", methods=METHODS)
@router.api_route("/demo/{path:path}", methods=METHODS)
async def demo(request: Request, path: str = "") -> Response:
    site = await _site(request.app.state)
    html = site.page(path)
    if html is None:
        return _page(request, site.missing, SHOP_POLICY, status=404)
    return _page(request, html, SHOP_POLICY)


async def _site(state: Any) -> Site:
    """Written at the first visit, since most installations never show the shop; then kept."""
    if not hasattr(state, "demo_site"):
        state.demo_site = await run_in_threadpool(Site, DEMO_KNOWLEDGE)
    site: Site = state.demo_site
    return site


def _read(name: str) -> str:
    return Path(PAGES / name).read_text(encoding="utf-8")


def _page(request: Request, html: str, policy: dict[str, str], status: int = 200) -> Response:
    """A page that browsers keep, but ask about each time: a new version shows at once, an old one costs no body."""
    tag = f'"{hashlib.sha256(html.encode()).hexdigest()[:16]}"'
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-cache",
        "ETag": tag,
    }
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if status == 200 and tag in known:
        return Response(status_code=304, headers=headers)
    return Response(html, status, headers, media_type="text/html")
