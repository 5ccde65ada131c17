"""The servers of the mailbox providers that shops use most, found by an address's domain or by where its mail goes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

Exchangers = Callable[[str], Awaitable[list[str]]]
"""The mail servers (MX) of a domain; none where DNS has none or does not answer."""
APP_SPECIFIC = "{} wants an app password here, not the one you sign in with: make one in your account's settings."


@dataclass(frozen=True, slots=True)
class Provider:
    name: str
    domains: tuple[str, ...]
    exchangers: tuple[str, ...]
    """What the names of its MX end with, for addresses on a domain of one's own."""
    imap: str
    smtp: str
    smtp_port: int = 587
    hint: str = APP_SPECIFIC

    def settings(self) -> dict[str, Any]:
        return {
            "imap_host": self.imap,
            "imap_port": 993,
            "imap_security": "tls",
            "smtp_host": self.smtp,
            "smtp_port": self.smtp_port,
            "smtp_security": "tls" if self.smtp_port == 465 else "starttls",
        }


NO_PASSWORDS = "{} takes no passwords from programs any more: give an access token (under “More” at Signing in)."
PROVIDERS = (
    # https://support.google.com/mail/answer/7126229
    Provider("Gmail", ("gmail.com", "googlemail.com"), ("google.com", "googlemail.com"), "imap.gmail.com",
             "smtp.gmail.com"),
    # https://support.microsoft.com/office/d088b986-291d-42b8-9564-9c414e2aa040
    Provider("Outlook.com", ("outlook.com", "hotmail.com", "live.com", "msn.com"), (), "outlook.office365.com",
             "smtp-mail.outlook.com", hint=NO_PASSWORDS),
    Provider("Microsoft 365", (), ("mail.protection.outlook.com", "mx.microsoft"), "outlook.office365.com",
             "smtp.office365.com", hint=NO_PASSWORDS),
    # https://www.fastmail.com/help/technical/servernamesandports.html
    Provider("Fastmail", ("fastmail.com", "fastmail.fm"), ("messagingengine.com",), "imap.fastmail.com",
             "smtp.fastmail.com", 465),
    # https://support.apple.com/102525
    Provider("iCloud", ("icloud.com", "me.com", "mac.com"), ("mail.icloud.com",), "imap.mail.me.com",
             "smtp.mail.me.com"),
    Provider("Yahoo", ("yahoo.com", "yahoo.co.uk", "yahoo.de", "ymail.com"), (), "imap.mail.yahoo.com",
             "smtp.mail.yahoo.com", 465),
    Provider("GMX", ("gmx.de", "gmx.net", "gmx.at", "gmx.ch"), (), "imap.gmx.net", "mail.gmx.net",
             hint="Switch on IMAP in the settings of your {} mailbox first."),
    Provider("WEB.DE", ("web.de",), (), "imap.web.de", "smtp.web.de",
             hint="Switch on IMAP in the settings of your {} mailbox first."),
    Provider("mailbox.org", ("mailbox.org",), ("mailbox.org",), "imap.mailbox.org", "smtp.mailbox.org", 465, hint=""),
    Provider("IONOS", (), ("ionos.de", "kundenserver.de"), "imap.ionos.de", "smtp.ionos.de", 465, hint=""),
)  # fmt: skip


async def provider_of(address: str, exchangers: Exchangers) -> Provider | None:
    domain = address.rpartition("@")[2].strip().lower()
    if not domain or "." not in domain:
        return None
    if known := next((one for one in PROVIDERS if domain in one.domains), None):
        return known
    servers = [server.rstrip(".").lower() for server in await exchangers(domain)]
    return next((one for one in PROVIDERS if any(_within(server, one.exchangers) for server in servers)), None)


def _within(server: str, domains: tuple[str, ...]) -> bool:
    return any(server == domain or server.endswith("." + domain) for domain in domains)
