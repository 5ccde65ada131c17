"""Sending by SMTP: one connection a mailbox, kept while it is used, and what each refusal means."""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass, field
from email.message import EmailMessage
from uuid import UUID

import aiosmtplib
from aiosmtplib import errors

from connectors.email.settings import Security
from core.outbox import DeliveryError

TIMEOUT_S = 30
KEPT_S = 30.0
"""Servers hang up on idle clients, after a minute at the earliest."""


@dataclass(frozen=True, slots=True)
class Server:
    host: str
    port: int
    security: Security
    username: str | None
    password: str | None = field(repr=False)
    token: str | None = field(default=None, repr=False)
    """An access token, instead of a password."""


@dataclass(slots=True)
class _Line:
    server: Server
    client: aiosmtplib.SMTP
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    used: float = 0.0


class SmtpClient:
    def __init__(self) -> None:
        self._lines: dict[UUID, _Line] = {}

    async def aclose(self) -> None:
        for line in self._lines.values():
            await _hang_up(line.client)
        self._lines.clear()

    async def send(self, channel_id: UUID, server: Server, mail: EmailMessage, sender: str, to: list[str]) -> None:
        """Raises `DeliveryError`."""
        line = self._lines.get(channel_id)
        if line is None or line.server != server:
            if line:
                await _hang_up(line.client)
            line = self._lines[channel_id] = _Line(server, client(server))
        async with line.lock:
            try:
                await _ready(line)
                await line.client.sendmail(sender, to, mail.as_bytes())
                line.used = time.monotonic()
            except (aiosmtplib.SMTPException, OSError, ValueError) as error:
                await _hang_up(line.client)
                raise as_delivery_error(error, server) from error


async def _ready(line: _Line) -> None:
    if line.client.is_connected and time.monotonic() - line.used > KEPT_S:
        await _hang_up(line.client)
    if not line.client.is_connected:
        await connect(line.client, line.server)


def client(server: Server) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
        tls_context=ssl.create_default_context() if server.security != "none" else None,
        timeout=TIMEOUT_S,
    )


async def connect(smtp: aiosmtplib.SMTP, server: Server) -> None:
    """Connects, begins TLS and signs in."""
    await smtp.connect()
    if server.username and server.token:
        await smtp.auth_xoauth2(server.username, server.token)
    elif server.username and server.password:
        await smtp.login(server.username, server.password)


async def _hang_up(smtp: aiosmtplib.SMTP) -> None:
    """Politely if the server still listens."""
    try:
        if smtp.is_connected:
            await smtp.quit(timeout=2)
    except (aiosmtplib.SMTPException, OSError):
        smtp.close()


def as_delivery_error(error: Exception, server: Server) -> DeliveryError:
    where = f"The mail server {server.host}"
    match error:
        case errors.SMTPAuthenticationError() if error.code >= 500:
            remedy = "Check the user name and password (many providers want an app password)."
            return _broken(f"{where} refused to sign in {server.username}: {_said(error)}. {remedy}")
        case errors.SMTPRecipientsRefused():
            refused = error.recipients
            permanent = all(one.code >= 500 for one in refused)
            who = ", ".join(f"{one.recipient}: {_said(one)}" for one in refused[:3])
            return DeliveryError(f"{where} refused the recipient {who}.", permanent=permanent)
        case errors.SMTPSenderRefused() if error.code >= 500 and error.code != 552:
            remedy = "Let this account send from it, or change the address."
            return _broken(f"{where} does not let us send from {error.sender}: {_said(error)}. {remedy}")
        case errors.SMTPResponseException():
            return DeliveryError(f"{where} refused the mail: {_said(error)}.", permanent=error.code >= 500)
        case errors.SMTPNotSupported():
            return _broken(f"{where} cannot do what is set ({error}). Check security and sign-in.")
        case errors.SMTPException() if "not supported" in str(error.message):
            return _broken(f"{where} does not offer what is set: {error.message} Check the security setting.")
        case ssl.SSLCertVerificationError():
            return DeliveryError(f"{where} shows a certificate that is not valid for it ({error}).", permanent=False)
        case ValueError():
            return DeliveryError(f"The mail cannot be written: {error}.", permanent=True)
    return DeliveryError(
        f"{where} does not answer ({error or type(error).__name__}). It is tried again.", permanent=False
    )


def _broken(detail: str) -> DeliveryError:
    return DeliveryError(detail, permanent=True, channel_broken=True)


def _said(error: errors.SMTPResponseException) -> str:
    return f"{error.code} {' '.join(error.message.split())}"[:300].rstrip(".")
