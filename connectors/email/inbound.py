"""A mail's bytes, read: who wrote, to whom, what is new in it, and whether a program wrote it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime

from connectors.email import autoreply, content, headers, lines, quotes, signature, structure, wording
from connectors.email.bounces import Bounce
from connectors.email.bounces import find as find_bounce
from connectors.email.content import Content, MailAttachment
from connectors.email.lines import Kind, Line
from connectors.email.structure import Part
from core.messages import Person

_FORWARD = re.compile(rf"(?i)^\s*(?:{wording.FORWARD_SUBJECT})\s?(?:\[\d+\])?\s?[:：]")
_PICTURES = re.compile(r"\[cid:[^\[\]]{1,200}\]|\[(?:image|Bild|Immagine|Imagen|Imagem|Afbeelding): [^\[\]]{0,200}\]")
_MAX_SUBJECT = 998


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The mail inside one that was forwarded: whom an agent means when they send it on to the helpdesk."""

    sender: Person | None
    subject: str
    text: str
    message_id: str | None = None
    """Known if it was forwarded as an attachment."""


@dataclass(frozen=True, slots=True)
class ParsedEmail:
    message_id: str
    """With its angle brackets. The same made-up one for the same mail where it carries none."""
    in_reply_to: str | None
    references: tuple[str, ...]
    """Oldest first, as they came."""
    sender: Person
    recipients: tuple[Person, ...]
    """Everyone in To and Cc, addresses as written (a token after a plus stays)."""
    subject: str
    text: str
    """What the person newly wrote: no quotes, no signature. Of a mail forwarded without a word, its text."""
    full_text: str
    """All there is to read, quotes marked with `>`."""
    html: str | None
    """Safe to show; `cid:` images refer to `attachments`."""
    attachments: tuple[MailAttachment, ...]
    auto_reply: bool
    """A program wrote it, or it must not be answered by one (mailing lists, no-reply senders)."""
    bounce: Bounce | None
    auto_reply_reason: str | None = None
    cc: tuple[Person, ...] = ()
    reply_to: tuple[Person, ...] = ()
    delivered_to: tuple[str, ...] = ()
    """The addresses that the mail servers on its way say it came to; they may be in no header that people see."""
    date: datetime | None = None
    list_id: str | None = None
    precedence: str | None = None
    forwarded: Forwarded | None = None
    has_message_id: bool = True
    problem: str | None = None
    """What could not be read, in words for a person; the raw mail has it."""
    headers: dict[str, list[str]] = field(default_factory=dict)
    """Every header as it came, by its name in small letters."""


def parse_email(raw: bytes) -> ParsedEmail:
    """Reads any bytes as a mail. Raises nothing; what makes no sense is left empty."""
    return _parse(raw, nested=False)


def _parse(raw: bytes, *, nested: bool) -> ParsedEmail:
    mail = structure.read(raw)
    found = content.collect(mail)
    everything = found.lines()
    full_text = lines.whole(everything)
    sender = _sender(mail)
    subject = mail.text("subject")[:_MAX_SUBJECT]
    own_id = headers.ids(mail.raw("message-id"))
    answered = headers.ids(mail.raw("in-reply-to"))
    references = headers.ids(mail.raw("references"))
    bounce = find_bounce(mail, sender.external_id, subject, full_text)
    text, forwarded = _texts(everything, sender, subject, is_reply=bool(answered or references))
    if not nested and (forwarded is None or not forwarded.text):
        forwarded = _attached(found, subject, text, bounce) or forwarded
    reason = autoreply.reason(mail, sender.external_id, subject, text)
    people = headers.all_people(mail, "to", "cc")
    return ParsedEmail(
        message_id=own_id[0] if own_id else _made_up_id(mail),
        in_reply_to=answered[0] if answered else None,
        references=references,
        sender=sender,
        recipients=people,
        subject=subject,
        text=text or (forwarded.text if forwarded else ""),
        full_text=full_text,
        html=found.html,
        attachments=tuple(found.attachments),
        auto_reply=reason is not None or bounce is not None,
        bounce=bounce,
        auto_reply_reason=reason or ("bounce" if bounce else None),
        cc=headers.all_people(mail, "cc") if "cc" in mail.headers else (),
        reply_to=headers.all_people(mail, "reply-to"),
        delivered_to=_delivered_to(mail),
        date=headers.date(mail.raw("date")),
        list_id=mail.text("list-id")[:300] or None,
        precedence=mail.raw("precedence").strip().lower()[:40] or None,
        forwarded=forwarded,
        has_message_id=bool(own_id),
        problem=found.problem,
        headers=mail.headers,
    )


def _sender(mail: Part) -> Person:
    """Who wrote; where From names nobody, the next best header that does."""
    for name in ("from", "reply-to", "sender", "return-path", "x-original-from"):
        if name in mail.headers and (found := headers.people(mail.raw(name)[:65_536])):
            return found[0]
    return Person(external_id="", name=mail.text("from")[:200] or None)


def _delivered_to(mail: Part) -> tuple[str, ...]:
    found = headers.all_people(mail, "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-forwarded-to")
    return tuple(one.email or one.external_id for one in found)


def _made_up_id(mail: Part) -> str:
    """The same for the same mail, whichever way it came: headers of the way do not count."""
    digest = hashlib.sha256()
    for name in ("date", "from", "to", "subject"):
        digest.update(mail.raw(name).encode("utf-8", "surrogateescape") + b"\n")
    for part in mail.walk():
        digest.update(part.body)
    return f"<{digest.hexdigest()[:40]}@no-message-id.invalid>"


def _texts(found: list[Line], sender: Person, subject: str, *, is_reply: bool) -> tuple[str, Forwarded | None]:
    separated = quotes.separate(found)
    signature.settle(found, sender.name)
    text = _new(found)
    original = separated.original
    if original is None:
        return text, None
    if not separated.forward and not _FORWARD.match(subject):
        return (text, None) if text or is_reply else (_written(original.lines, None), None)
    author = headers.people(re.sub(r"\[mailto:([^\]\[]{1,300})\]", r"<\1>", original.sender))
    person = author[0] if author else None
    return text, Forwarded(person, original.subject[:_MAX_SUBJECT], _written(original.lines, person))


def _written(below: list[Line], author: Person | None) -> str:
    quotes.separate(below)
    signature.settle(below, author.name if author else None)
    return _new(below)


def _new(found: list[Line]) -> str:
    kept: list[str] = []
    dropped = False
    for line in found:
        if line.kind != Kind.NEW:
            dropped = True
            continue
        text = _PICTURES.sub("", line.text) if "[" in line.text[:2_000] else line.text
        # Where something was taken out, the blank lines around it become one.
        if text.strip() or not (dropped and kept and not kept[-1].strip()):
            kept.append(text)
            dropped = dropped and not text.strip()
    return lines.tidy(kept).strip()


def _attached(found: Content, subject: str, text: str, bounce: Bounce | None) -> Forwarded | None:
    """A mail forwarded as an attachment. One that is attached as evidence has words that say so."""
    if len(found.attached_mails) != 1 or bounce or not (_FORWARD.match(subject) or not text):
        return None
    inner = _parse(found.attached_mails[0], nested=True)
    sender = inner.sender if inner.sender.external_id else None
    return Forwarded(sender, inner.subject, inner.text, inner.message_id if inner.has_message_id else None)
