"""Reports that a mail of ours was not delivered: by the standard (RFC 3464), and in its many dialects."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors.email import headers, structure, wording
from connectors.email.structure import Part

_LOOKED_AT = 65_536
_DAEMON = re.compile(
    r"(?i)^(?:mailer-?daemon|mail-?daemon|postmaster|maildelivery|mail-?delivery|delivery|bounces?|microsoftexchange"
    r"|mdaemon|exchange|mailadmin|administrator|system administrator|no-?reply)\b"
)
_SUBJECT = re.compile(
    r"(?i)\b(?:undeliver(?:able|ed)|delivery (?:status|failure|has failed|report|problem|incomplete|delayed)"
    r"|mail delivery"
    r"|returned (?:mail|to sender)|failure (?:notice|delivery)|delivery notification|message (?:delayed"
    r"|undeliverable)"
    r"|non[- ]?(?:delivery|remis)|warning: (?:could not send|message)|unzustellbar|nicht zugestellt|zustellung"
    r"|zustellstatus"
    r"|fehlgeschlagen|échec|non remis|no se (?:puede|ha podido) entregar|no entregado|impossibile recapitare"
    r"|mancato recapito"
    r"|não (?:entregue|é possível)|onbestelbaar|niet bezorgd|niedostarczon|nie można dostarczyć|kunde inte levereras"
    r"|kunne ikke leveres|toimittamaton|nedoručiteln|не доставлено|недоставлен|teslim edilemedi"
    r"|配信不能|无法送达|退信|未送达)"
)
_BODY = re.compile(
    r"(?i)(?:this is the qmail-send program|this is the mail system at host"
    r"|created automatically by mail delivery software"
    r"|could not be delivered|unable to deliver|was not delivered|did not reach|delivery (?:has )?failed"
    r"|delivery to the following"
    r"|wasn't delivered|address not found|undeliverable|permanent(?:ly)? (?:fatal )?(?:error|failed|failure)"
    r"|user unknown"
    r"|konnte nicht (?:zugestellt|ausgeliefert)|n'a pas pu être (?:remis|distribué)|no se pudo entregar"
    r"|non è stato (?:possibile )?(?:consegna|recapita)"
    r"|não pôde ser entregue|kon niet worden (?:bezorgd|afgeleverd)|following address(?:es)? (?:failed|had)"
    r"|returned to sender"
    r"|has not yet been delivered|will (?:be retried|continue to try|keep trying)|delivery is delayed)"
)
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_SMTP = re.compile(r"(?<![\d.])([45]\d\d)[ -](?=\S)")
_WORDS = tuple((code, re.compile(rf"(?i)(?:{words})")) for code, words in wording.FAILURES.items())
_ORIGINALS = {"message/rfc822", "text/rfc822-headers", "message/global", "message/rfc822-headers"}
_DELAYED = re.compile(
    r"(?i)\b(?:delayed|delay|not yet been delivered|will (?:be retried|continue to try|keep trying)"
    r"|no action is required"
    r"|do not need to resend|deferred|vorübergehend|verzögert|retardé|retrasad|ritard)"
)
_RECIPIENT = re.compile(r"(?m)^[\s*>-]*<?([^\s<>()\[\]\",;:@]{1,128}@[^\s<>()\[\]\",;:@]{1,255})>?(?:[\s:(<.]|$)")
_ANYONE = re.compile(r"[^\s<>()\[\]\",;:@]{1,128}@[^\s<>()\[\]\",;:@]{1,255}")
_MESSAGE_ID = re.compile(r"(?im)^[\s>|]{0,10}message-id:\s{0,20}(<[^<>\s]{1,500}>)")
_COPY_STARTS = re.compile(
    r"(?im)^[\s>]*(?:-{2,}.{0,60}(?:copy of|original message|below this line|returned|header).{0,80}$"
    r"|original message follows"
    r"|return-path:|received:\s+(?:from|by)|message headers? follow)"
)


@dataclass(frozen=True, slots=True)
class Bounce:
    recipients: tuple[str, ...]
    """Whom our mail did not reach, as far as the report says."""
    status: str
    """Enhanced status code (RFC 3463), made up from the wording where the report has none."""
    permanent: bool
    """Trying again is useless. A delay is reported too, and is not."""
    original_message_id: str | None
    diagnostic: str = ""

    @property
    def recipient(self) -> str | None:
        return self.recipients[0] if self.recipients else None


def find(mail: Part, sender: str, subject: str, text: str) -> Bounce | None:
    parts = list(mail.walk())
    for part in parts:
        if part.content_type == "message/delivery-status" or part.content_type == "message/global-delivery-status":
            return _standard(part, parts, text)
    if not _is_dialect(mail, sender, subject, text):
        return None
    return _dialect(mail, parts, text)


def _standard(report: Part, parts: list[Part], text: str) -> Bounce | None:
    """One group of fields a recipient, after one on the whole mail."""
    groups = [
        structure.read(group)
        for group in re.split(rb"\r?\n[ \t]*\r?\n", report.content()[:_LOOKED_AT])
        if group.strip()
    ]
    of_recipients = [group for group in groups if "final-recipient" in group.headers or "action" in group.headers]
    failed = [group for group in of_recipients if group.raw("action").lower() in ("failed", "delayed", "")]
    if not failed:
        return None  # delivered, relayed, expanded: good news that nobody waits for
    recipients = [_address(group) for group in failed]
    diagnostic = failed[0].text("diagnostic-code")[:500]
    status = _STATUS.search(failed[0].raw("status")) or _STATUS.search(diagnostic)
    code = status[1] if status else _worded(diagnostic or text)
    delayed = any(group.raw("action").lower() == "delayed" for group in failed)
    if code.startswith("2"):
        code = "4.0.0" if delayed else "5.0.0"
    return Bounce(
        recipients=tuple(dict.fromkeys(one for one in recipients if one)),
        status=code,
        permanent=code.startswith("5") and not delayed,
        original_message_id=_original_id(parts, text),
        diagnostic=diagnostic,
    )


def _address(group: Part) -> str:
    """What the customer's address was when we wrote, rather than where it led to."""
    for name in ("original-recipient", "final-recipient", "x-actual-recipient"):
        value = group.raw(name).rpartition(";")[2].strip()
        if found := _ANYONE.search(value[:1_000]):
            return found[0].strip(".").lower()
    return ""


def _is_dialect(mail: Part, sender: str, subject: str, text: str) -> bool:
    if "x-failed-recipients" in mail.headers:
        return True
    silent = mail.raw("return-path").replace(" ", "") == "<>"
    daemon = bool(_DAEMON.match(sender)) or not sender
    titled, worded = bool(_SUBJECT.search(subject[:300])), bool(_BODY.search(text[:5_000]))
    reported = mail.parameters("content-type").get("report-type", "").lower() == "delivery-status"
    return (
        reported
        or (worded and (daemon or silent))
        or (titled and daemon and (silent or bool(_STATUS.search(text[:5_000]))))
    )


def _dialect(mail: Part, parts: list[Part], text: str) -> Bounce:
    text = text[:_LOOKED_AT]
    copy = _COPY_STARTS.search(text)
    report = text[: copy.start()] if copy and copy.start() > 40 else text
    status = _STATUS.search(report)
    code = status[1] if status and not status[1].startswith("2") else _worded(report)
    delayed = bool(_DELAYED.search(report[:3_000])) and not code.startswith("5.1.1")
    if delayed and not status:
        code = "4.0.0"
    diagnostic = next(
        (line.strip()[:500] for line in report.splitlines() if _STATUS.search(line) or _SMTP.search(line)), ""
    )
    return Bounce(
        recipients=_failed(mail, report),
        status=code,
        permanent=code.startswith("5") and not delayed,
        original_message_id=_original_id(parts, text) or _answered(mail),
        diagnostic=diagnostic,
    )


def _failed(mail: Part, report: str) -> tuple[str, ...]:
    if named := headers.all_people(mail, "x-failed-recipients"):
        return tuple(one.external_id for one in named)
    ours = {one.external_id for one in headers.all_people(mail, "to", "delivered-to", "from")}
    for rule in (_RECIPIENT, _ANYONE):
        found = [match[1 if rule is _RECIPIENT else 0].rstrip(".'").lower() for match in rule.finditer(report)]
        if named_there := [one for one in found if one not in ours and not _DAEMON.match(one)]:
            return (named_there[0],)
    return ()


def _worded(text: str) -> str:
    for code, words in _WORDS:
        if words.search(text[:5_000]):
            return code
    smtp = _SMTP.search(text[:5_000])
    return f"{smtp[1][0]}.0.0" if smtp else "5.0.0"


def _original_id(parts: list[Part], text: str) -> str | None:
    for part in parts:
        if part.content_type in _ORIGINALS:
            found = headers.ids(structure.read(part.content()[:_LOOKED_AT]).raw("message-id"))
            if found:
                return found[0]
    found_in_text = _MESSAGE_ID.search(text)
    return found_in_text[1] if found_in_text else None


def _answered(mail: Part) -> str | None:
    found = headers.ids(mail.raw("in-reply-to")) or headers.ids(mail.raw("references"))
    return found[-1] if found else None
