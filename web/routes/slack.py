"""What Slack calls, and the pages that connect a workspace or a person to us. Off (404) without their secrets."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute

from bots.slack_desk import linking
from bots.slack_desk.app import SlackDeskApp
from connectors.slack import oauth
from connectors.slack.client import SlackError
from core.errors import AppError, BadInput, Forbidden, NotFound, Unauthenticated
from core.settings import Settings
from web.auth import Admin, Caller, Desk


class Page(APIRoute):
    """What a person opens in a browser: what is wrong is told as a page, too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await handle(request)
            except Unauthenticated as error:
                return _page("Sign in first", SIGN_IN, error.status)
            except AppError as error:
                return _page("That did not work", f"<p>{escape(error.detail)}</p>", error.status)

        return shown


router = APIRouter(prefix="/slack", include_in_schema=False)
pages = APIRouter(route_class=Page)
STATE_COOKIE = "deskhand_slack_state"
LONGEST_BODY = 2 * 2**20
POLICY = {"Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
          "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}  # fmt: skip

SIGN_IN = """<p>Sign in to the <a href="/console" target=_blank>console</a>, then open this address again.</p>"""
CONNECTED = """<p>Deskhand is in the workspace <b>{team}</b>.</p>
<p>One thing is left: invite it to the channel where your team works (<code>/invite @Deskhand</code>), and type
<code>/desk here</code> there.</p>"""
ASKED = """<p>Is the Slack account <b>{account}</b> of the workspace <b>{workspace}</b> yours, {name}?</p>
<p>Whoever uses it will act in your name. Confirm only if you asked for this link yourself.</p>
<form method=post><button>It is mine: connect it</button></form>"""


async def bolt(request: Request) -> SlackDeskApp:
    app: SlackDeskApp | None = request.app.state.slack
    if app is None:
        raise NotFound("Slack is not set up: DESKHAND_SLACK_SIGNING_SECRET is not set.")
    return app


@router.post("/events", max_body_size=LONGEST_BODY)
@router.post("/interactive", max_body_size=LONGEST_BODY)
@router.post("/commands", max_body_size=LONGEST_BODY)
async def called(request: Request, app: Annotated[SlackDeskApp, Depends(bolt)]) -> Response:
    """Events, buttons, modals and commands, signed by Slack (401 if not)."""
    return await app.handle(request)


@pages.get("/install")
async def install(request: Request, caller: Admin, desk: Desk) -> Response:
    """Sends an admin to Slack, to choose a workspace."""
    settings = _oauth_settings(desk.settings)
    if caller.member_id is None:
        raise Forbidden("Open this address in a browser that is signed in to the console.")
    state, nonce = request.app.state.slack_states.issue(caller.organization_id, caller.member_id)
    url = oauth.authorize_url(settings.slack_client_id, _redirect_uri(settings), state)
    answer = RedirectResponse(url, 302)
    secure = settings.address.startswith("https:")
    answer.set_cookie(STATE_COOKIE, nonce, max_age=600, httponly=True, samesite="lax", secure=secure, path="/slack")
    return answer


@pages.get("/oauth_redirect")
async def oauth_redirect(
    request: Request,
    caller: Admin,
    desk: Desk,
    app: Annotated[SlackDeskApp, Depends(bolt)],
    state: Annotated[str, Query(max_length=2000)],
    code: Annotated[str, Query(max_length=500)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Where Slack sends the admin back to."""
    settings = _oauth_settings(desk.settings)
    nonce = request.cookies.get(STATE_COOKIE, "")
    organization_id, member_id = request.app.state.slack_states.read(state, nonce)
    if (organization_id, member_id) != (caller.organization_id, caller.member_id):
        raise Forbidden("You signed in as somebody else meanwhile. Begin again in the console.")
    if error or not code:
        raise BadInput("Slack was not connected, because the permission was refused there.")
    secret = settings.slack_client_secret.get_secret_value()
    try:
        token = await app.api.install(settings.slack_client_id, secret, code, _redirect_uri(settings))
        found = await app.api.with_token(token).workspace()
    except SlackError as failure:
        raise BadInput(failure.detail) from failure
    await oauth.keep(desk, organization_id, found, token)
    answer = _page("Connected", CONNECTED.format(team=escape(found.team)))
    answer.delete_cookie(STATE_COOKIE, path="/slack")
    return answer


@pages.get("/link/{key}")
async def link(key: str, caller: Caller, desk: Desk) -> Response:
    """Asks a member whether a Slack account is theirs."""
    found = await linking.offered(desk.db, caller.organization_id, key)
    asked = ASKED.format(account=escape(found.external_id), workspace=escape(found.account), name=escape(caller.name))
    return _page("Connect your Slack account", asked)


@pages.post("/link/{key}")
async def confirm(key: str, caller: Caller, desk: Desk) -> Response:
    if caller.member_id is None:
        raise Forbidden("Only a member can do this, signed in to the console.")
    await linking.confirm(desk.db, caller.organization_id, caller.member_id, key)
    return _page("Connected", "<p>Your Slack account is connected. Go back to Slack and press the button again.</p>")


def _oauth_settings(settings: Settings) -> Settings:
    if not oauth.is_set_up(settings):
        names = "DESKHAND_SLACK_CLIENT_ID, _CLIENT_SECRET and _SIGNING_SECRET"
        raise NotFound(f"Installing by a link is not set up: {names} are needed.")
    return settings


def _redirect_uri(settings: Settings) -> str:
    return f"{settings.address}/slack/oauth_redirect"


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    html = f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><h1>{title}</h1>{body}"
    return HTMLResponse(html, status, POLICY)


router.include_router(pages)
