"""The installation's own mail: codes and alerts, by one SMTP server."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

import aiosmtplib

from core.outbox import DeliveryError
from core.settings import Settings

TIMEOUT_S = 20


class SmtpMailer:
    """A `core.alerts.Mailer`. `smtps://` speaks TLS from the start, `smtp://` begins it where the server offers it."""

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self._sender = sender
        self._server = {
            "hostname": parts.hostname or "localhost",
            "port": parts.port or (465 if parts.scheme == "smtps" else 587),
            "use_tls": parts.scheme == "smtps",
            "username": unquote(parts.username) if parts.username else None,
            "password": unquote(parts.password) if parts.password else None,
        }

    @classmethod
    def of(cls, settings: Settings) -> SmtpMailer | None:
        if not settings.smtp_url:
            return None
        return cls(settings.smtp_url.get_secret_value(), settings.mail_from)

    async def mail(self, to: str, subject: str, text: str) -> None:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = to
        message["Subject"] = " ".join(subject.split())
        message["Date"] = formatdate(localtime=False)
        message["Message-ID"] = make_msgid(domain="deskhand.local")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        try:
            await aiosmtplib.send(message, timeout=TIMEOUT_S, **self._server)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise DeliveryError(
                f"The mail server of DESKHAND_SMTP_URL did not take a mail to {to} ({error}).", permanent=False
            ) from error
