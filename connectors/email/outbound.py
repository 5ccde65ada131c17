"""Out by mail: a `core.outbox.Sender` over SMTP or a provider's API, as the mailbox says."""

from __future__ import annotations

from email.message import EmailMessage

import httpx
from pydantic import ValidationError

from connectors.email.compose import compose, recipients
from connectors.email.oauth import AccessTokens
from connectors.email.providers import Postmark, SendGrid
from connectors.email.settings import MailSettings, settings_of
from connectors.email.smtp import Server, SmtpClient
from connectors.email.tokens import MailTokens
from core.messages import OutboundMessage
from core.models import Channel
from core.outbox import DeliveryError
from core.settings import Settings


class EmailSender:
    """Returns the Message-ID, which is the same at every try."""

    def __init__(self, settings: Settings, access: AccessTokens) -> None:
        self._access = access
        self._tokens = MailTokens(settings.key())
        self._site = str(settings.public_url or "")
        self._smtp = SmtpClient()
        self._http = httpx.AsyncClient()
        self._postmark = Postmark(str(settings.postmark_api_url), self._http)
        self._sendgrid = SendGrid(str(settings.sendgrid_api_url), self._http)

    async def aclose(self) -> None:
        await self._smtp.aclose()
        await self._http.aclose()

    async def send(self, message: OutboundMessage, channel: Channel) -> str | None:
        if message.action != "send":
            return message.sent_as  # a mail that was sent stays as it is
        if message.kind == "rating" and not self._site:
            return None  # nobody could open its links
        mailbox = _settings(channel)
        try:
            mail = compose(message, mailbox, self._tokens, self._site)
        except ValueError as error:
            raise DeliveryError(
                f"{message.recipient.external_id!r} is no address to write to ({error}).", permanent=True
            ) from error
        await self.hand_over(channel, mailbox, mail, recipients(message), message.delivery_id.hex)
        return str(mail["Message-ID"])

    async def hand_over(
        self, channel: Channel, mailbox: MailSettings, mail: EmailMessage, to: list[str], delivery_id: str
    ) -> None:
        """Raises `DeliveryError`."""
        secrets = await self._access.secrets_of(channel)
        if mailbox.send == "smtp":
            await self._smtp.send(channel.id, server_of(mailbox, secrets), mail, mailbox.address, to)
            return
        token = secrets.get("api_token", "")
        if not token:
            raise DeliveryError(
                f"The token of {mailbox.send} is missing. Enter it under Channels.", permanent=True, channel_broken=True
            )
        api = self._postmark if mailbox.send == "postmark" else self._sendgrid
        await api.send(token, mail, delivery_id)


def server_of(mailbox: MailSettings, secrets: dict[str, str]) -> Server:
    password = secrets.get("smtp_password") or secrets.get("password")
    password = None if password == "none" else password  # noqa: S105
    token = secrets.get("oauth_token") if not secrets.get("smtp_password") else None
    username = mailbox.login if password or token else None
    return Server(mailbox.smtp_host, mailbox.smtp_port, mailbox.smtp_security, username, password, token or None)


def _settings(channel: Channel) -> MailSettings:
    try:
        return settings_of(channel)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise DeliveryError(
            f"The mailbox {channel.name!r} is not set up: {first['msg']}.", permanent=True, channel_broken=True
        ) from None
