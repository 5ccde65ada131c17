"""The web application: routes, errors, and the life of the helpdesk behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from bots.slack_desk import socket as slack_socket
from bots.slack_desk.app import SlackDeskApp
from bots.telegram.app import CustomerBot
from connectors.email.listener import open_door
from connectors.email.receive import Mailroom
from connectors.slack.client import SlackApi
from connectors.slack.oauth import States
from connectors.widget.session import Sessions
from connectors.widget.tokens import VisitorTokens
from core.helpdesk import Helpdesk
from core.settings import Settings
from web import errors
from web.assets import Assets
from web.auth import SessionTokens
from web.connecting import connect
from web.edge import Edge
from web.limits import Limits
from web.listeners import listening
from web.paths import STATIC
from web.routes import calibration, health, mail, messages, pages, session, slack, team, telegram, widget
from web.routes import categories as category_routes
from web.routes import channels as channel_routes
from web.routes import desk as desk_routes
from web.routes import work as work_routes

LONGEST_BODY = 1_000_000
"""Bytes that anybody may send who is not told otherwise: far more than the longest message."""


def create_app(settings: Settings, *, work: bool = True, helpdesk: Helpdesk | None = None) -> FastAPI:
    """`work` runs the worker inside this process; without it, `deskhand worker` must run somewhere.

    A `helpdesk` that is given runs already, and is left running.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            desk = helpdesk
            if desk is None:
                desk = Helpdesk.build(settings, connect)
                await desk.warm_up()
                await stack.enter_async_context(desk.running(work=work))
                if work:
                    await slack_socket.adopt(desk)
                    await stack.enter_async_context(listening(desk))
            app.state.helpdesk = desk
            app.state.mailroom = Mailroom(desk.settings, desk.db, desk.inbox, desk.outbox)
            app.state.telegram = CustomerBot(desk)
            stack.push_async_callback(app.state.telegram.aclose)
            app.state.slack = await stack.enter_async_context(_slack_desk(desk, work=work))
            app.state.widget_sessions = Sessions(desk.db, desk.events, app.state.visitor_tokens, desk.box)
            if settings.mail_port is not None and helpdesk is None:
                where = (settings.mail_host, settings.mail_port, settings.mail_protocol)
                await stack.enter_async_context(open_door(desk.db, app.state.mailroom, *where))
            yield

    # Offline: the documentation's own page must not need a content network either.
    app = FastAPIOffline(
        title="Deskhand",
        version="1",
        docs_url=None,  # FastAPI's pages load scripts of other hosts into the console's origin; see routes/pages.py
        redoc_url=None,
        static_url="/api/docs-files",
        openapi_url="/api/openapi.json",
        max_body_size=LONGEST_BODY,
        lifespan=lifespan,
    )
    key = settings.key()
    app.state.visitor_tokens = VisitorTokens(key)
    app.state.session_tokens = SessionTokens(key)
    app.state.slack_states = States(key)
    app.state.limits = Limits()
    chats = (widget, mail, telegram, slack)
    ours = (desk_routes, work_routes, channel_routes, team, category_routes, calibration, session)
    for module in (*chats, messages, *ours, health, pages):
        app.include_router(module.router)
    app.mount("/static", Assets(directory=STATIC), name="static")
    errors.install(app)
    app.add_middleware(Edge)
    return app


@asynccontextmanager
async def _slack_desk(helpdesk: Helpdesk, *, work: bool) -> AsyncIterator[SlackDeskApp | None]:
    """What answers Slack's requests; None without the secret that they are signed with."""
    secret = helpdesk.settings.slack_signing_secret.get_secret_value()
    if not secret:
        yield None
        return
    async with SlackApi(helpdesk.settings.slack_api_url) as api:
        app = SlackDeskApp(helpdesk, api, helpdesk.settings.address, secret)
        async with app.running(recover=work):
            yield app
