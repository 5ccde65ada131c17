"""Where mail providers call, and where customers say how it was."""

from __future__ import annotations

import base64
import binascii
import hmac
from html import escape
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy import select
from starlette.datastructures import UploadFile

from connectors.email import webhooks
from connectors.email.receive import MOST_BYTES, Mailroom
from connectors.email.tokens import MailTokens
from connectors.email.webhooks import Outcome
from core import ratings
from core.accounts import organization
from core.errors import BadInput, NotFound, TooLarge, Unauthenticated
from core.models import Channel
from web.auth import Desk

router = APIRouter(include_in_schema=False)
Provider = Literal["postmark", "sendgrid", "sendgrid-events", "raw"]
FORM_FIELD_BYTES = MOST_BYTES
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex"><title>{name}</title><link rel="stylesheet" href="/static/rate.css"></head>
<body><main><h1>{name}</h1>{body}</main></body></html>"""


@router.post("/mail/{public_key}/{provider}", max_body_size=MOST_BYTES * 3 // 2)
async def called(public_key: str, provider: Provider, request: Request, desk: Desk) -> Response:
    """200 once all of it is stored; anything else makes the provider call again."""
    channel = await _channel(desk, public_key)
    _authenticate(request, desk.box.open(channel.sealed_secrets).get("webhook_password", ""))
    if provider == "raw":
        return await _receive(request, channel, await request.body(), ())
    if provider == "sendgrid":
        return await _receive(request, channel, *await _form(request))
    body = await _json(request)
    if provider == "sendgrid-events":
        return await _note(desk, channel, webhooks.sendgrid_outcomes(body))
    if not isinstance(body, dict):
        raise BadInput("A call of Postmark's is one JSON object.")
    if "RecordType" in body:
        outcome = webhooks.postmark_outcome(body)
        return await _note(desk, channel, [outcome] if outcome else [])
    return await _receive(request, channel, *webhooks.postmark_mail(body))


@router.get("/rate/{token}")
async def ask(token: str, desk: Desk, score: int = 0) -> Response:
    """Shows the question. Mail scanners follow every link, so nothing is rated by looking."""
    organization_id, _ = _ticket(desk, token)
    async with desk.db.read(organization_id) as scope:
        name = (await organization(scope)).name
    choices = "".join(
        f'<label><input type="radio" name="score" value="{n}"{" checked" if n == score else ""} required> {n}</label>'
        for n in ratings.SCORES
    )
    form = (
        f'<form method="post"><p>How did we do? 1 is bad, 5 is good.</p><div class="scores">{choices}</div>'
        '<p><label>Anything to add?<textarea name="comment" rows="4" maxlength="2000"></textarea></label></p>'
        "<button>Send</button></form>"
    )
    return _page(name, form)


@router.post("/rate/{token}")
async def rate(
    token: str, desk: Desk, score: Annotated[int, Form()], comment: Annotated[str, Form(max_length=2000)] = ""
) -> Response:
    organization_id, number = _ticket(desk, token)
    async with desk.db.write(organization_id) as scope:
        await ratings.rate(scope, desk.outbox, number, score, comment.strip() or None)
        name = (await organization(scope)).name
    return _page(name, "<p>Thank you! You can close this page.</p>")


def _ticket(desk: Desk, token: str) -> tuple[Any, int]:
    found = MailTokens(desk.settings.key()).of_rating(token)
    if found is None:
        raise NotFound("This link is not complete. Open it from the mail again.")
    return found


def _page(name: str, body: str) -> Response:
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return Response(PAGE.format(name=escape(name), body=body), media_type="text/html", headers=headers)


async def _channel(desk: Desk, public_key: str) -> Channel:
    async with desk.db.system() as scope:
        channel = await scope.session.scalar(
            select(Channel).where(Channel.public_key == public_key, Channel.kind == "email")
        )
    if channel is None or channel.disabled_at:
        raise NotFound("There is no such mailbox.")
    return channel


def _authenticate(request: Request, password: str) -> None:
    """HTTP basic authentication, which both providers can send; the user name does not matter."""
    if not password:
        raise NotFound("There is no such mailbox.")
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded).partition(b":")[2] if scheme.lower() == "basic" else b""
    except binascii.Error:
        given = b""
    if not hmac.compare_digest(given, password.encode()):
        raise Unauthenticated("The password is missing or wrong. Put it into the address: https://mail:PASSWORD@…")


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except (ValueError, RecursionError):
        raise BadInput("This is no JSON.") from None


async def _form(request: Request) -> tuple[bytes, tuple[str, ...]]:
    fields: dict[str, str] = {}
    files: list[tuple[str, str, bytes]] = []
    async with request.form(max_files=200, max_fields=200, max_part_size=FORM_FIELD_BYTES) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                files.append((value.filename or "file", value.content_type or "", await value.read()))
            else:
                fields[name] = value
    return webhooks.sendgrid_mail(fields, files)


async def _receive(request: Request, channel: Channel, raw: bytes, came_to: tuple[str, ...]) -> Response:
    if len(raw) > MOST_BYTES:
        raise TooLarge("A mail of more than 50 MB is not taken.")
    mailroom: Mailroom = request.app.state.mailroom
    await mailroom.receive(channel, raw, came_to)
    return Response()


async def _note(desk: Desk, channel: Channel, outcomes: list[Outcome]) -> Response:
    organization_id = channel.organization_id
    for outcome in outcomes:
        if outcome.arrived:
            await desk.outbox.arrived(organization_id, channel.id, outcome.delivery_id)
        else:
            said = f"{outcome.address or 'The address'} does not take mail ({outcome.detail})."
            await desk.outbox.bounced(organization_id, channel.id, outcome.delivery_id, outcome.address, said)
    return Response()
