"""For whoever watches the installation."""

from __future__ import annotations

import hmac

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from core.errors import Unauthenticated
from web.auth import Desk

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def alive() -> dict[str, str]:
    """The process runs."""
    return {"status": "ok"}


@router.get("/readyz")
async def ready(desk: Desk) -> dict[str, str]:
    """The process can do its work: its database answers. 503 otherwise."""
    await desk.db.ping()
    return {"status": "ready"}


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, desk: Desk) -> Response:
    """Prometheus. With DESKHAND_METRICS_TOKEN set, only for who sends it as a bearer token."""
    token = desk.settings.metrics_token
    if token and not hmac.compare_digest(
        request.headers.get("authorization", "").encode(), f"Bearer {token.get_secret_value()}".encode()
    ):
        raise Unauthenticated("Send the metrics token as `Authorization: Bearer …`.")
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
