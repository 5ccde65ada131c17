"""What a mail carries: its text and HTML, in the order of its parts, and its files."""

from __future__ import annotations

import mimetypes
import re
from dataclasses import dataclass, field

from connectors.email import lines, readable, winmail
from connectors.email.charsets import decode
from connectors.email.lines import Line
from connectors.email.structure import Part, printable, read
from core.messages import Attachment

_SIGNATURES = {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
_REPORTS = {
    "message/delivery-status",
    "text/rfc822-headers",
    "message/disposition-notification",
    "message/feedback-report",
}
_SEALED = {"application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"}
_ARMOUR = re.compile(r"-----BEGIN PGP (?:SIGNED )?MESSAGE-----[^\n]*\n(?:[A-Za-z-]{1,40}: [^\n]*\n)*")
_EXTENSIONS = {"text/calendar": ".ics", "message/rfc822": ".eml", "image/jpeg": ".jpg", "text/plain": ".txt"}
_FORBIDDEN = re.compile(r"[<>:\"|?*\\/]")
_MAX_NAME = 150


@dataclass(frozen=True, slots=True)
class MailAttachment(Attachment):
    content_id: str | None = None
    """What the HTML calls it (`cid:…`), without brackets."""
    inline: bool = False
    """Shown within the text rather than attached to it."""


@dataclass(slots=True)
class _Passage:
    text: str = ""
    html: str = ""


@dataclass(slots=True)
class Content:
    passages: list[_Passage] = field(default_factory=list)
    attachments: list[MailAttachment] = field(default_factory=list)
    attached_mails: list[bytes] = field(default_factory=list)
    problem: str | None = None
    """What could not be read and why, for the person who looks at it."""

    @property
    def html(self) -> str | None:
        pages = [passage.html for passage in self.passages if passage.html]
        return readable.clean("\n".join(pages)) if pages else None

    def lines(self) -> list[Line]:
        found: list[Line] = []
        for passage in self.passages:
            found += _lines(passage)
        return found


def _lines(passage: _Passage) -> list[Line]:
    if not passage.html:
        return lines.from_text(passage.text)
    if not passage.text.strip():
        return readable.read(passage.html).lines
    page = readable.read(passage.html)
    if page.marked or ("html" in passage.text.lower() and len(passage.text) < 300 < len(passage.html)):
        return page.lines
    return lines.from_text(passage.text)


def collect(mail: Part) -> Content:
    content = Content()
    _Collector(content).part(mail, alone=True)
    for at, attachment in enumerate(content.attachments):
        if not attachment.name:
            name = f"attachment-{at + 1}{_extension(attachment.content_type)}"
            content.attachments[at] = _renamed(attachment, name)
    _mark_inline(content)
    return content


def _renamed(one: MailAttachment, name: str) -> MailAttachment:
    return MailAttachment(name, one.content_type, one.content, one.content_id, one.inline)


def _mark_inline(content: Content) -> None:
    """Outlook says nothing of the place of its pictures: what the HTML shows is inline."""
    pages = "".join(passage.html for passage in content.passages)
    shown = set(re.findall(r"(?i)cid:([^\"'\s>)]{1,300})", pages))
    for at, one in enumerate(content.attachments):
        if one.content_id in shown and not one.inline:
            content.attachments[at] = MailAttachment(
                one.name, one.content_type, one.content, one.content_id, inline=True
            )


class _Collector:
    def __init__(self, content: Content) -> None:
        self.content = content

    def part(self, part: Part, *, alone: bool = False) -> None:
        if part.cut:
            self.content.problem = (
                "This mail has more parts inside each other than any program writes; they were not opened."
            )
            self._file(part, name="unopened.eml", content_type="message/rfc822")
        elif part.children and part.content_type == "multipart/alternative":
            self._alternative(part)
        elif part.children:
            self._pgp_or_each(part)
        else:
            self._leaf(part, alone=alone)

    def _pgp_or_each(self, part: Part) -> None:
        if part.content_type == "multipart/encrypted":
            self.content.problem = "This mail is encrypted with PGP and cannot be read here."
        for child in part.children:
            self.part(child)

    def _alternative(self, part: Part) -> None:
        """The same said in several ways: one passage, whatever is nested in it."""
        before = len(self.content.passages)
        for child in part.children:
            self.part(child)
        ways = self.content.passages[before:]
        if len(ways) > 1:
            one = _Passage()
            for way in ways:
                one.text = one.text or way.text
                one.html = (f"{one.html}\n{way.html}" if one.html else way.html) if way.html else one.html
            self.content.passages[before:] = [one]

    def _leaf(self, part: Part, *, alone: bool) -> None:
        kind = part.content_type
        disposition = part.raw("content-disposition").partition(";")[0].strip().lower()
        named = bool(_file_name(part))
        if kind.startswith("multipart/") or not kind:
            kind = "text/plain"
        if kind in _SIGNATURES or kind in _REPORTS:
            return
        if kind in _SEALED and "signed" not in part.parameters("content-type").get("smime-type", ""):
            self.content.problem = self.content.problem or "This mail is encrypted (S/MIME) and cannot be read here."
        elif kind in _SEALED:
            self.content.problem = "This mail is inside an S/MIME signature that is not opened here."
        if kind in ("text/plain", "text/html", "text/enriched", "text/richtext") and (
            alone or (disposition != "attachment" and not named)
        ):
            self._text(part, kind)
        elif kind in ("text/x-amp-html", "text/watch-html"):
            return
        elif kind in ("application/ms-tnef", "application/vnd.ms-tnef") or _file_name(part).lower() == "winmail.dat":
            self._winmail(part)
        else:
            self._file(part, name=_file_name(part), content_type=kind, inline=disposition == "inline")

    def _text(self, part: Part, kind: str) -> None:
        parameters = part.parameters("content-type")
        data = part.content()
        if (
            b"\x00" in data[:4096]
            and not data.startswith((b"\xff\xfe", b"\xfe\xff"))
            and "utf-16" not in str(parameters)
        ):
            data = data.replace(b"\x00", b"")
        text = decode(data, parameters.get("charset"))
        if kind == "text/html" or (
            kind == "text/plain" and text[:200].lstrip()[:15].lower().startswith(("<!doctype html", "<html"))
        ):
            self.content.passages.append(_Passage(html=text))
            return
        if kind != "text/plain":
            text = re.sub(r"<[^<>]{0,200}>", "", text)
        if parameters.get("format", "").lower() == "flowed":
            text = lines.unflow(text, delete_space=parameters.get("delsp", "").lower() == "yes")
        self.content.passages.append(_Passage(text=self._out_of_armour(text)))

    def _out_of_armour(self, text: str) -> str:
        if "-----BEGIN PGP " not in text:
            return text
        if "-----BEGIN PGP MESSAGE-----" in text:
            self.content.problem = "This mail is encrypted with PGP and cannot be read here."
            return text
        text = _ARMOUR.sub("", text).partition("-----BEGIN PGP SIGNATURE-----")[0]
        return re.sub(r"(?m)^- ", "", text)

    def _winmail(self, part: Part) -> None:
        data = part.content()
        envelope = winmail.unpack(data)
        if envelope is None or not (envelope.files or envelope.text or envelope.html):
            self._file(part, name="winmail.dat", content_type="application/ms-tnef")
            return
        if not any(passage.text.strip() or passage.html.strip() for passage in self.content.passages):
            self.content.passages.append(_Passage(envelope.text, envelope.html))
        for file in envelope.files:
            kind = file.content_type if "/" in file.content_type else mimetypes.guess_type(file.name)[0]
            self.content.attachments.append(
                MailAttachment(
                    file_name(file.name),
                    kind or "application/octet-stream",
                    file.content,
                    file.content_id.strip("<>") or None,
                )
            )

    def _file(self, part: Part, *, name: str, content_type: str, inline: bool = False) -> None:
        data = part.content()
        if content_type in ("message/rfc822", "message/global"):
            name = file_name(name or read(data[:65_536]).text("subject")[:100])
            name = name if not name or name.lower().endswith(".eml") else f"{name}.eml"
            self.content.attached_mails.append(data)
        content_id = printable(part.raw("content-id")).strip("<> ") or None
        self.content.attachments.append(MailAttachment(name, content_type[:100], data, content_id, inline))


def _file_name(part: Part) -> str:
    name = part.parameters("content-disposition").get("filename") if "content-disposition" in part.headers else None
    return file_name(name or part.parameters("content-type").get("name", ""))


def file_name(name: str) -> str:
    """A name to save under: no path, nothing that a file system or a terminal would act on."""
    name = re.split(r"[\\/]", printable(name[:5_000]).strip("\"' "))[-1]
    name = _FORBIDDEN.sub("_", name).strip(" .") if name.strip(".") else ""
    if len(name) <= _MAX_NAME:
        return name
    stem, dot, extension = name.rpartition(".")
    return stem[: _MAX_NAME - len(extension) - 1] + dot + extension if dot and len(extension) < 12 else name[:_MAX_NAME]


def _extension(content_type: str) -> str:
    return _EXTENSIONS.get(content_type) or mimetypes.guess_extension(content_type) or ".bin"
