"""What an admin hears of a mailbox: each thing that can be wrong, by its name."""

from __future__ import annotations

import httpx
import pytest

from connectors.email.check import check, hints
from connectors.email.providers import Postmark, SendGrid
from connectors.email.settings import MailSettings
from core.channels import Finding
from tests.mailservers import SECRETS, MailServers
from tests.servers import free_port
from tests.standins.mail_providers import TOKEN, Providers

SUPPORT = "support@acme.example"


async def no_dns(name: str) -> list[str] | None:
    return None


async def findings(settings: MailSettings, secrets: dict[str, str]) -> dict[str, Finding]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(Providers())) as http:
        known = (Postmark("https://p.example", http), SendGrid("https://s.example", http))
        return {finding.what: finding for finding in await check(settings, secrets, known, no_dns)}


def settings(servers: MailServers, **more: object) -> MailSettings:
    return MailSettings.model_validate(servers.settings(SUPPORT, **more))


async def test_a_good_mailbox(mail_servers: MailServers) -> None:
    found = await findings(settings(mail_servers), SECRETS)
    assert all(finding.ok for finding in found.values()), found
    assert "0 unread" in found["Receiving"].detail


async def test_what_can_be_wrong_with_it(mail_servers: MailServers) -> None:
    wrong = [
        (
            {},
            {"password": "wrong", "smtp_password": "none"},
            "Receiving",
            "refused to sign in: [AUTHENTICATIONFAILED] Authentication failed. Check",
        ),
        ({"folder": "Support"}, SECRETS, "Receiving", "has no folder 'Support'"),
        ({"imap_port": free_port()}, SECRETS, "Receiving", "does not answer"),
        ({"imap_security": "starttls"}, SECRETS, "Receiving", "certificate that is not valid"),
        ({"imap_security": "tls"}, SECRETS, "Receiving", "does not speak TLS there"),
        ({"imap_host": "imap.acme.invalid"}, SECRETS, "Receiving", "no server 'imap.acme.invalid'"),
        ({"smtp_port": free_port()}, SECRETS, "Sending", "does not answer"),
        ({"smtp_security": "starttls"}, SECRETS, "Sending", "security"),
        ({"send": "postmark"}, SECRETS, "Sending", "token of postmark is missing"),
        ({"send": "postmark"}, {**SECRETS, "api_token": "wrong"}, "Sending", "Check the server token"),
        ({"receive": "webhook"}, SECRETS, "Receiving", "Set a webhook password"),
    ]
    for more, secrets, what, said in wrong:
        found = await findings(settings(mail_servers, **more), secrets)
        assert not found[what].ok, (more, found)
        assert said in found[what].detail, (more, found[what].detail)
    assert (await findings(settings(mail_servers, send="sendgrid"), {**SECRETS, "api_token": TOKEN}))["Sending"].ok


@pytest.mark.parametrize(
    ("spf", "dmarc", "said"),
    [
        ([], [], "has no SPF record"),
        (["v=spf1 a -all", "v=spf1 mx -all"], [], "2 SPF records"),
        (["v=spf1 a -all"], [], "add include:spf.mtasv.net"),
        (["v=spf1 include:spf.mtasv.net ~all"], ["v=DMARC1; p=none"], "says who may send"),
    ],
)
async def test_hints_on_the_domain(spf: list[str], dmarc: list[str], said: str) -> None:
    async def texts(name: str) -> list[str]:
        return dmarc if name == "_dmarc.acme.example" else spf

    mailbox = MailSettings(address=SUPPORT, receive="webhook", send="postmark")
    found = {finding.what: finding for finding in await hints(mailbox, texts)}
    assert said in found["SPF"].detail
    assert (found["SPF"].ok, found["SPF"].advice) == (True, "says who may send" not in said)
    assert ("has a DMARC" in found["DMARC"].detail) == bool(dmarc)
