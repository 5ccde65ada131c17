"""The web application: routes, errors, and the life of the helpdesk behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from connectors.registry import senders
from connectors.widget.session import Sessions
from connectors.widget.tokens import VisitorTokens
from core.errors import AppError
from core.helpdesk import Helpdesk
from core.settings import Settings
from web.auth import SessionTokens
from web.limits import Limits
from web.paths import STATIC
from web.routes import desk as desk_routes
from web.routes import health, messages, pages, session, widget


def create_app(settings: Settings, *, work: bool = True, helpdesk: Helpdesk | None = None) -> FastAPI:
    """`work` runs the worker inside this process; without it, `deskhand worker` must run somewhere.

    A `helpdesk` that is given runs already, and is left running.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            desk = helpdesk
            if desk is None:
                desk = Helpdesk.build(settings, senders())
                await stack.enter_async_context(desk.running(work=work))
            app.state.helpdesk = desk
            app.state.widget_sessions = Sessions(desk.db, app.state.visitor_tokens, desk.box)
            yield

    app = FastAPI(
        title="Deskhand",
        version="1",
        docs_url="/api/docs",
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    key = settings.key()
    app.state.visitor_tokens = VisitorTokens(key)
    app.state.session_tokens = SessionTokens(key)
    app.state.limits = Limits()
    for module in (widget, messages, desk_routes, session, health, pages):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    return app


async def _app_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)
    return JSONResponse(error.as_json(), error.status)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """A malformed payload: which field, and what is wrong with it."""
    assert isinstance(error, RequestValidationError)
    problems = [
        f"{'.'.join(str(part) for part in item['loc'][1:]) or item['loc'][0]}: {item['msg']}"
        for item in error.errors()[:5]
    ]
    return JSONResponse({"error": {"code": "invalid", "detail": "; ".join(problems)}}, 422)
