from __future__ import annotations

import base64
import struct
import time

from connectors.email.inbound import parse_email
from connectors.email.winmail import unpack


def attribute(level: int, identifier: int, data: bytes) -> bytes:
    return struct.pack("<BHHI", level, identifier, 6, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def text_property(identifier: int, text: str) -> bytes:
    data = text.encode("utf-16-le") + b"\0\0"
    return struct.pack("<HHII", 0x001F, identifier, 1, len(data)) + data + b"\0" * (-len(data) % 4)


def properties(*found: bytes) -> bytes:
    return struct.pack("<I", len(found)) + b"".join(found)


def envelope(*attributes: bytes) -> bytes:
    return struct.pack("<IH", 0x223E9F78, 1) + b"".join(attributes)


FILE = (
    attribute(2, 0x9002, b"\0" * 14),
    attribute(2, 0x8010, b"RECHNU~1.PDF\0"),
    attribute(2, 0x800F, b"%PDF-1.4"),
    attribute(
        2, 0x9005, properties(text_property(0x3707, "Rechnung März.pdf"), text_property(0x370E, "application/pdf"))
    ),
)


def mail(data: bytes, text: bytes = b"See the bill.") -> bytes:
    return (
        b"From: dana@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\n"
        + text
        + b"\r\n--b\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(data)
        + b"\r\n--b--\r\n"
    )


def test_the_files_in_an_envelope_are_attachments() -> None:
    read = parse_email(mail(envelope(attribute(1, 0x9007, struct.pack("<II", 1252, 0)), *FILE)))
    (attachment,) = read.attachments
    assert (attachment.name, attachment.content_type) == ("Rechnung März.pdf", "application/pdf")
    assert attachment.content == b"%PDF-1.4"
    assert read.text == "See the bill."


def test_the_text_in_an_envelope_serves_where_the_mail_has_none() -> None:
    body = attribute(1, 0x9003, properties(text_property(0x1000, "The pump leaks.")))
    assert parse_email(mail(envelope(body), text=b"")).text == "The pump leaks."


def test_an_envelope_that_cannot_be_opened_is_kept_as_it_is() -> None:
    (attachment,) = parse_email(mail(b"no envelope")).attachments
    assert (attachment.name, attachment.content) == ("winmail.dat", b"no envelope")


def test_an_envelope_that_ends_early_gives_what_it_has() -> None:
    whole = envelope(*FILE)
    for end in range(6, len(whole)):
        found = unpack(whole[:end])
        assert found is not None
        assert all(b"%PDF-1.4".startswith(file.content) for file in found.files)


def test_a_million_empty_attributes_are_passed_over_in_linear_time() -> None:
    data = envelope(attribute(1, 0x8004, b"") * 1_000_000)
    start = time.process_time()
    unpack(data)
    assert time.process_time() - start < 6
