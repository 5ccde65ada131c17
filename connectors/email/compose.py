"""A message of ours as a mail: who, to whom, in answer to what, and how it looks."""

from __future__ import annotations

import base64
import re
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime

from connectors.email.render import LOGO_CID, Letter, Link, Look, render
from connectors.email.settings import MailSettings
from connectors.email.tokens import MailTokens
from core.messages import OutboundMessage, Person

MOST_REFERENCES = 20
LONGEST_SUBJECT = 250
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
_ID = re.compile(r"<[!-;=?-~]{1,900}>")
_REPLY = re.compile(r"(?i)^\s*(re|aw|sv|antw|rif|odp)\s*:")
_IMAGES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif"}
FACES = ("1 😞", "2", "3", "4", "5 😀")


class _Ids(UnstructuredHeader):
    """Message-IDs, one a line. The library would encode one that is too long for a line, and nobody would know it."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: " + f"{policy.linesep} ".join(str(self).split()) + policy.linesep  # type: ignore[attr-defined]


_headers = HeaderRegistry()
_headers.map_to_type("in-reply-to", _Ids)
_headers.map_to_type("references", _Ids)
POLICY = SMTP.clone(header_factory=_headers)


def compose(
    message: OutboundMessage, mailbox: MailSettings, tokens: MailTokens, site: str, bounce_to: str | None = None
) -> EmailMessage:
    """The complete mail, the same at every try but for nothing."""
    mail = EmailMessage(policy=POLICY)
    home = (message.organization_id, message.conversation_id)
    mail["From"] = _address(_shown_name(message, mailbox), mailbox.address)
    mail["To"] = _person(message.recipient)
    if message.others:
        mail["Cc"] = [_person(person) for person in message.others]
    mail["Subject"] = subject(message, tokens.in_subject(*home) if mailbox.subject_reference else "")
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = tokens.message_id(*home, message.delivery_id, mailbox.domain)
    if mailbox.plus_addresses:
        mail["Reply-To"] = _address(mailbox.sender_name, tokens.reply_address(mailbox.address, *home))
    _thread(mail, message)
    if message.author != "agent":
        # RFC 3834: so that no other program answers it. The second one is what Exchange understands.
        mail["Auto-Submitted"] = "auto-replied"
        mail["X-Auto-Response-Suppress"] = "All"
    _write(mail, message, mailbox, tokens, site)
    return mail


def recipients(message: OutboundMessage) -> list[str]:
    return [person.external_id for person in (message.recipient, *message.others)]


def subject(message: OutboundMessage, reference: str = "") -> str:
    """`reference` stands at its end, once."""
    known = message.thread.get("subject")
    line = _line(str(known) if known else message.subject).replace(reference, "")[:LONGEST_SUBJECT].strip()
    line = line if not known or _REPLY.match(line) else f"Re: {line}"
    return f"{line} {reference}" if reference else line


def _thread(mail: EmailMessage, message: OutboundMessage) -> None:
    answered = message.thread.get("message_id") or ""
    if not _ID.fullmatch(answered):
        return
    known = [one for one in message.thread.get("references", ()) if _ID.fullmatch(one)]
    mail["In-Reply-To"] = answered
    mail["References"] = " ".join(dict.fromkeys([*known, answered][-MOST_REFERENCES:]))


def _write(mail: EmailMessage, message: OutboundMessage, mailbox: MailSettings, tokens: MailTokens, site: str) -> None:
    logo = _logo(mailbox)
    name = mailbox.sender_name or mailbox.domain
    look = Look(name, mailbox.header_color, logo is not None, mailbox.signature)
    text, html = render(_letter(message, tokens, site), look)
    mail.set_content(text, cte="quoted-printable")
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    if logo:
        page = mail.get_payload()[1]  # type: ignore[index]
        page.add_related(logo[0], "image", logo[1], cid=f"<{LOGO_CID}>", disposition="inline", filename="logo")  # type: ignore[union-attr]
    for attachment in message.attachments:
        main, _, sub = attachment.content_type.partition("/")
        if not re.fullmatch(r"[\w.+-]+/[\w.+-]+", attachment.content_type) or main in ("multipart", "message"):
            main, sub = "application", "octet-stream"
        mail.add_attachment(attachment.content, main, sub, filename=_line(attachment.name)[:200])


def _letter(message: OutboundMessage, tokens: MailTokens, site: str) -> Letter:
    buttons: list[Link] = []
    if message.kind == "rating" and message.ticket_number:
        token = tokens.rating(message.organization_id, message.ticket_number)
        page = f"{site.rstrip('/')}/rate/{token}"
        buttons = [Link(face, f"{page}?score={score}") for score, face in enumerate(FACES, 1)]
    return Letter(
        text=message.text,
        speaker=message.name,
        citations=message.citations,
        buttons=buttons,
        earlier=() if message.kind == "rating" else message.earlier,
        language=message.recipient.language or "en",
        site=site,
    )


def _logo(mailbox: MailSettings) -> tuple[bytes, str] | None:
    """None also for what is no picture: a mail without a logo is better than one with a broken one."""
    try:
        content = base64.b64decode(mailbox.logo)
    except ValueError:
        return None
    return next(((content, kind) for magic, kind in _IMAGES.items() if content.startswith(magic)), None)


def _shown_name(message: OutboundMessage, mailbox: MailSettings) -> str:
    if message.name and mailbox.sender_name and message.name != mailbox.sender_name:
        return f"{message.name} ({mailbox.sender_name})"
    return message.name or mailbox.sender_name


def _person(person: Person) -> Address:
    return _address(person.name or "", person.external_id)


def _address(name: str, address: str) -> Address:
    """Raises `ValueError` for what is no address, a line break in it above all."""
    local, _, domain = address.rpartition("@")
    if not local or not domain:
        raise ValueError("it has no name or no domain")
    return Address(_line(name)[:100], local, domain)


def _line(text: str) -> str:
    """Nothing in it can begin another header."""
    return " ".join(_CONTROL.sub(" ", text).split())
