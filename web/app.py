"""The web application: routes, errors, and the life of the helpdesk behind them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
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
from web.routes import desk, health, messages, pages, session, widget

log = structlog.get_logger()


def create_app(settings: Settings, *, work: bool = True) -> FastAPI:
    """`work` runs the worker inside this process; without it, `deskhand worker` must run somewhere."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        helpdesk = Helpdesk.build(settings, senders())
        app.state.helpdesk = helpdesk
        app.state.widget_sessions = Sessions(helpdesk.db, app.state.visitor_tokens, helpdesk.box)
        await helpdesk.start()
        worker = asyncio.create_task(helpdesk.worker.run(), name="worker") if work else None
        if worker:
            worker.add_done_callback(_worker_ended)
        try:
            yield
        finally:
            if worker:
                worker.cancel()
                await asyncio.gather(worker, return_exceptions=True)
            await helpdesk.close()

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
    for module in (widget, messages, desk, session, health, pages):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    return app


def _worker_ended(worker: asyncio.Task[None]) -> None:
    if not worker.cancelled() and worker.exception():
        log.critical("worker.ended", exc_info=worker.exception())


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
