"""How errors look to who called: one JSON object with a code and a sentence, never a trace."""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException

from core.errors import AppError, NotFound, RateLimited, TooLarge, Unauthenticated

log = structlog.get_logger()
RETRY_AFTER_S = "60"
DATABASE_AWAY = (OperationalError, InterfaceError, ConnectionError)
"""What a database raises that is full, locked for too long, or gone."""
CODES = {400: "invalid", 404: NotFound.code, 405: "method_not_allowed", 413: TooLarge.code}


def install(app: FastAPI) -> None:
    app.add_exception_handler(AppError, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, not_served)
    for away in DATABASE_AWAY:
        app.add_exception_handler(away, without_database)
    app.add_exception_handler(Exception, crashed)


async def refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)
    headers = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RateLimited):
        headers["Retry-After"] = RETRY_AFTER_S
    return JSONResponse(error.as_json(), error.status, headers)


async def invalid(request: Request, error: Exception) -> JSONResponse:
    """A malformed payload: which field, and what is wrong with it."""
    assert isinstance(error, RequestValidationError)
    problems = [
        f"{'.'.join(str(part) for part in item['loc'][1:]) or item['loc'][0]}: {item['msg']}"
        for item in error.errors()[:5]
    ]
    return _answer("invalid", "; ".join(problems), 422)


async def not_served(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = str(error.detail)
    if error.status_code == 404:
        detail = "There is nothing at this address. The API is described at /api/docs."
    elif error.status_code == 400:
        detail = "The body cannot be read. Send JSON in UTF-8."
    elif error.status_code == 405:
        detail = f"{request.method} is not possible here, {(error.headers or {}).get('allow', 'another method')} is."
    elif error.status_code == 413:
        detail = "This is larger than what is taken here."
    answer = _answer(CODES.get(error.status_code, "refused"), detail, error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def without_database(request: Request, error: Exception) -> JSONResponse:
    """Nobody's bug: one line for the operator, and nothing of the database's own words for the caller."""
    reason = str(getattr(error, "orig", None) or error)
    log.error("database_failed", reason=reason, path=request.url.path, remedy="Run `deskhand doctor`.")
    answer = _answer("unavailable", "The database cannot be used just now. Nothing was stored; try again.", 503)
    answer.headers["Retry-After"] = RETRY_AFTER_S
    return answer


async def crashed(request: Request, error: Exception) -> JSONResponse:
    """A bug of ours. Starlette logs it with its trace; the caller gets none."""
    return _answer("internal", "Something went wrong on our side. Try again in a moment.", 500)


def _answer(code: str, detail: str, status: int) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "detail": detail}}, status)
