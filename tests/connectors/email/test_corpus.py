from __future__ import annotations

from typing import Any

import pytest

from connectors.email.inbound import ParsedEmail, parse_email
from tests.connectors.email.corpus import Written, mails

WRITTEN = [*mails("dev"), *mails("held")]
SIMPLE = ("subject", "message_id", "auto_reply")


def found(mail: ParsedEmail, expected: dict[str, Any]) -> dict[str, Any]:
    """What was read of that which is expected, in the shape it is written down in."""
    shown: dict[str, Any] = {name: getattr(mail, name) for name in SIMPLE}
    shown |= {"text": mail.text, "sender": mail.sender.external_id, "sender_name": mail.sender.name}
    shown["recipients"] = [person.email for person in mail.recipients]
    shown["attachments"] = [attachment.name for attachment in mail.attachments]
    shown["inline"] = [attachment.name for attachment in mail.attachments if attachment.inline]
    if "problem" in expected and mail.problem and expected["problem"] in mail.problem:
        shown["problem"] = expected["problem"]
    if mail.forwarded:
        person = mail.forwarded.sender
        shown["forwarded"] = {"sender": person and person.external_id, "subject": mail.forwarded.subject}
        shown["forwarded"]["text"] = mail.forwarded.text
    if mail.bounce:
        bounce = mail.bounce
        shown["bounce"] = {"recipient": bounce.recipient, "status": bounce.status, "permanent": bounce.permanent}
        shown["bounce"]["original"] = bounce.original_message_id or ""
    return {name: shown.get(name) for name in expected}


def without_line_ends(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_line_ends(one) for key, one in value.items()}
    return value.strip("\n") if isinstance(value, str) else value


@pytest.mark.parametrize("written", WRITTEN, ids=str)
def test_a_written_mail_is_read_as_it_was_meant(written: Written) -> None:
    expected = without_line_ends({"auto_reply": False} | written.expected)
    mail = parse_email(written.raw)
    assert found(mail, expected) == expected
    assert ("bounce" in expected) == (mail.bounce is not None)
    assert ("forwarded" in expected) == (mail.forwarded is not None)
