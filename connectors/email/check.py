"""Trying a mailbox step by step, and what the domain's DNS says of its mail: each finding names the remedy."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from datetime import timedelta

import aiosmtplib

from connectors.email import smtp
from connectors.email.imap import Mailbox
from connectors.email.outbound import server_of
from connectors.email.providers import Postmark, SendGrid
from connectors.email.settings import MailSettings
from core.channels import Finding
from core.models import now
from core.outbox import DeliveryError

Texts = Callable[[str], Awaitable[list[str] | None]]
"""The TXT records of a name; None where DNS does not answer."""
PATIENCE_S = 15
ALLOWED_BY = {"postmark": "include:spf.mtasv.net", "sendgrid": "include:sendgrid.net"}


async def check(
    settings: MailSettings, secrets: dict[str, str], providers: tuple[Postmark, SendGrid], texts: Texts
) -> list[Finding]:
    receiving, sending, names = await asyncio.gather(
        _receiving(settings, secrets), _sending(settings, secrets, providers), hints(settings, texts)
    )
    return [*receiving, *sending, *names]


async def _receiving(settings: MailSettings, secrets: dict[str, str]) -> list[Finding]:
    if settings.receive == "webhook" and not secrets.get("webhook_password"):
        return [Finding("Receiving", False, "Set a webhook password: without it the provider's calls are refused.")]
    if settings.receive != "imap":
        return [Finding("Receiving", True, "Mail is brought to us; send one to the address to see that it is.")]
    if unknown := await _unknown_host("Receiving", settings.imap_host):
        return [unknown]
    mailbox = Mailbox(settings, secrets, (now() - timedelta(days=settings.backlog_days)).date())
    try:
        async with asyncio.timeout(PATIENCE_S):
            await mailbox.open()
            waiting = len(await mailbox.new(None))
    except DeliveryError as error:
        return [Finding("Receiving", False, error.detail)]
    except TimeoutError:
        return [Finding("Receiving", False, _no_answer(settings.imap_host, settings.imap_port))]
    finally:
        await mailbox.close()
    return [Finding("Receiving", True, f"Signed in to {settings.folder!r}; {waiting} unread mails will be fetched.")]


async def _sending(
    settings: MailSettings, secrets: dict[str, str], providers: tuple[Postmark, SendGrid]
) -> list[Finding]:
    if settings.send == "smtp":
        return await _smtp(settings, secrets)
    token = secrets.get("api_token", "")
    if not token:
        return [Finding("Sending", False, f"The token of {settings.send} is missing.")]
    postmark, sendgrid = providers
    try:
        said = await (postmark.check(token) if settings.send == "postmark" else sendgrid.check(token))
    except DeliveryError as error:
        return [Finding("Sending", False, error.detail)]
    return [Finding("Sending", True, f"The token is good ({said}).")]


async def _smtp(settings: MailSettings, secrets: dict[str, str]) -> list[Finding]:
    """As far as MAIL FROM and RCPT TO ourselves: nothing is sent."""
    if unknown := await _unknown_host("Sending", settings.smtp_host):
        return [unknown]
    server = server_of(settings, secrets)
    client = smtp.client(server)
    try:
        async with asyncio.timeout(PATIENCE_S):
            await smtp.connect(client, server)
            await client.mail(settings.address)
            await client.rcpt(settings.address)
            await client.rset()
            await client.quit()
    except TimeoutError:
        return [Finding("Sending", False, _no_answer(settings.smtp_host, settings.smtp_port))]
    except (aiosmtplib.SMTPException, OSError) as error:
        return [Finding("Sending", False, smtp.as_delivery_error(error, server).detail)]
    finally:
        client.close()
    return [Finding("Sending", True, f"{settings.smtp_host} lets us send from {settings.address}.")]


async def _unknown_host(what: str, host: str) -> Finding | None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.get_running_loop().getaddrinfo(host, None)
    except (socket.gaierror, UnicodeError, TimeoutError):
        return Finding(what, False, f"There is no server {host!r}. Check its name for a slip.")
    return None


def _no_answer(host: str, port: int) -> str:
    return f"{host} does not answer on port {port} within {PATIENCE_S} s. Check the port, TLS or not, and the firewall."


async def hints(settings: MailSettings, texts: Texts) -> list[Finding]:
    """SPF, DKIM and DMARC. Only hints: mail goes out without, but more of it lands among spam."""
    spf, dmarc = await asyncio.gather(texts(settings.domain), texts(f"_dmarc.{settings.domain}"))
    if spf is None and dmarc is None:
        return [
            Finding(
                "DNS", True, f"The records of {settings.domain} could not be read from here; not checked.", advice=True
            )
        ]
    return [_spf(settings, spf or []), _dmarc(settings.domain, dmarc or [])]


def _spf(settings: MailSettings, records: list[str]) -> Finding:
    found = [record for record in records if record.lower().startswith("v=spf1")]
    if not found:
        advice = "v=spf1 " + ALLOWED_BY.get(settings.send, "a mx") + " ~all"
        return Finding("SPF", True, f"{settings.domain} has no SPF record. Add a TXT record: {advice}", advice=True)
    if len(found) > 1:
        return Finding(
            "SPF",
            True,
            f"{settings.domain} has {len(found)} SPF records; with more than one, none counts.",
            advice=True,
        )
    wanted = ALLOWED_BY.get(settings.send)
    if wanted and wanted not in found[0].lower():
        return Finding(
            "SPF", True, f"The SPF record of {settings.domain} does not name the provider: add {wanted}.", advice=True
        )
    return Finding("SPF", True, f"{settings.domain} says who may send for it.")


def _dmarc(domain: str, records: list[str]) -> Finding:
    found = next((record for record in records if record.lower().startswith("v=dmarc1")), None)
    if found is None:
        advice = f"v=DMARC1; p=none; rua=mailto:postmaster@{domain}"
        return Finding(
            "DMARC", True, f"{domain} has no DMARC record. Add a TXT record at _dmarc.{domain}: {advice}", advice=True
        )
    return Finding(
        "DMARC", True, f"{domain} has a DMARC record. Sign with DKIM at your provider, so that mail passes it."
    )
