"""Mails written to hurt: each is read within a bound of time that a quadratic rule would miss by far."""

from __future__ import annotations

import base64
import io
import time
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest

from connectors.email.inbound import parse_email
from connectors.email.lines import from_text, unflow
from connectors.email.quotes import separate
from connectors.email.signature import settle

MEGABYTE = 2**20
BOUND = 6.0
"""Seconds of CPU. The slowest takes about 2; a rule that is quadratic in a megabyte takes minutes."""
HEAD = b"From: Dana <dana@example.com>\r\nTo: support@acme.example\r\nSubject: Hi\r\nMIME-Version: 1.0\r\n"


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def plain(body: bytes) -> bytes:
    return HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + body


def page(body: bytes) -> bytes:
    return HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + body


def test_a_mail_of_50_megabytes_is_read_quickly_and_without_many_copies() -> None:
    file = base64.encodebytes(b"\0\1\2" * (12 * MEGABYTE))
    body = b"--b\r\nContent-Type: text/plain\r\n\r\nHere it is.\r\n--b\r\nContent-Type: application/zip; name=a.zip\r\n"
    body += b"Content-Transfer-Encoding: base64\r\n\r\n" + file + b"\r\n--b--\r\n"
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + body
    del file, body
    assert len(raw) > 48 * MEGABYTE
    tracemalloc.start()
    mail = parse_email(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (mail.text, len(mail.attachments[0].content)) == ("Here it is.", 36 * MEGABYTE)
    assert peak < 4 * len(raw)
    assert seconds(lambda: parse_email(raw)) < BOUND


def test_ten_thousand_recipients_are_all_read() -> None:
    everyone = ", ".join(f'"Name, {number}" <user{number}@example.com>' for number in range(9_999))
    raw = b"From: a@b.example\r\nTo: " + everyone.encode() + b",\r\n support+token@acme.example\r\n\r\nHi"
    mail = parse_email(raw)
    assert len(mail.recipients) == 10_000
    assert mail.recipients[-1].email == "support+token@acme.example"
    assert seconds(lambda: parse_email(raw)) < BOUND


def nested(levels: int, filler: bytes = b"") -> bytes:
    inner = b"Content-Type: text/plain\r\n\r\nThe bottom." + filler
    for level in range(levels):
        mark = b"b%d" % level
        inner = b"Content-Type: multipart/mixed; boundary=" + mark + b"\r\n\r\n--" + mark + b"\r\n" + inner
    return HEAD + inner


def test_a_thousand_nested_multiparts_are_not_followed_and_say_so() -> None:
    mail = parse_email(nested(1_000))
    assert mail.problem
    assert b"The bottom." in mail.attachments[0].content
    assert seconds(lambda: parse_email(nested(1_000, b"x\r\n" * MEGABYTE))) < BOUND


def test_twenty_nested_multiparts_are_followed() -> None:
    assert parse_email(nested(20)).text == "The bottom."


def test_ten_thousand_parts_are_not_opened() -> None:
    parts = b"".join(b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" for _ in range(10_000))
    mail = parse_email(HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts)
    assert mail.problem


def test_an_archive_is_never_unpacked() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * (64 * MEGABYTE))
    body = b"Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    raw = HEAD + body + base64.encodebytes(packed.getvalue())
    tracemalloc.start()
    mail = parse_email(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert mail.attachments[0].content == packed.getvalue()
    assert peak < 2 * MEGABYTE


LINES = {
    "on": "On " * (MEGABYTE // 3) + "wrote:",
    "dates": "On 12/03/2024 10:12 " * (MEGABYTE // 20),
    "addresses": "<a@b " * (MEGABYTE // 5) + ":",
    "ats": "a@" * (MEGABYTE // 2),
    "digits": "1" * MEGABYTE,
    "phones": "+1 (" * (MEGABYTE // 4),
    "dashes": "-" * MEGABYTE + "x",
    "underscores": "_ " * (MEGABYTE // 2),
    "quotes": ">" * MEGABYTE,
    "spaced quotes": "> " * (MEGABYTE // 2) + "From:",
    "spaces": " " * MEGABYTE + "x",
    "labels": "From: " * (MEGABYTE // 6),
    "sent from": "Sent from my " * (MEGABYTE // 13),
    "thanks": "thanks " * (MEGABYTE // 7),
    "brackets": "[cid:" * (MEGABYTE // 5),
    "less than": "<" * MEGABYTE,
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_of_a_megabyte_is_read_in_linear_time(name: str) -> None:
    line = LINES[name].encode()
    assert seconds(lambda: parse_email(plain(line))) < BOUND
    assert seconds(lambda: parse_email(plain(b"Hi\n\n" + line + b"\n> old\n"))) < BOUND
    assert (
        seconds(lambda: parse_email(HEAD + b"X: y\r\nSubject: " + line + b"\r\nFrom: " + line + b"\r\n\r\nHi")) < BOUND
    )
    assert seconds(lambda: parse_email(HEAD + b"Content-Type: text/plain; name=" + line + b"\r\n\r\nHi")) < BOUND
    assert seconds(lambda: parse_email(page(line))) < BOUND


@pytest.mark.parametrize(
    "line", ["On 12/03/2024 10:12", "From: a@b", "Sent from my x", "-- ", "> a", "a:", "x", "thanks,", ""]
)
def test_many_lines_are_read_in_linear_time(line: str) -> None:
    assert seconds(lambda: parse_email(plain(f"{line}\n".encode() * (MEGABYTE // 4)))) < BOUND


PAGES = {
    "deep": b"<div>" * 200_000 + b"x",
    "deep quotes": b"<blockquote type=cite>" * 20_000 + b"x",
    "lists": b"<ul><li>" * 50_000,
    "tables": b"<table><tr><td>" * 20_000 + b"x",
    "unclosed": b"<" * MEGABYTE,
    "open tags": b"<a href=" * 100_000,
    "attributes": b"<p " + b"a=b " * 200_000 + b">x",
    "entities": b"&amp;" * 200_000,
    "formatting": b"<b><i>" * 5_000 + b"<p>x" * 5_000,
    "style": b'<p style="' + b"display:" * 100_000 + b'">x',
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_written_to_hurt_is_read_in_bounded_time(name: str) -> None:
    assert seconds(lambda: parse_email(page(PAGES[name]))) < BOUND


HEADERS = {
    "quotes": b'"' * MEGABYTE,
    "backslashes": b'"\\' * (MEGABYTE // 2),
    "comments": b"(" * MEGABYTE,
    "groups": b"a:" * (MEGABYTE // 2) + b";",
    "group ends": b"a:;" * (MEGABYTE // 3),
    "words": b"=?utf-8?q?a?= " * (MEGABYTE // 14),
    "open words": b"=?utf-8?q?" * (MEGABYTE // 10),
    "folds": b"\r\n x" * (MEGABYTE // 4),
    "ids": b"<a@b> " * (MEGABYTE // 6),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_of_a_megabyte_is_read_in_linear_time(name: str) -> None:
    value = HEADERS[name]
    raw = b"".join(header + b": " + value + b"\r\n" for header in (b"From", b"To", b"Subject", b"References", b"Date"))
    raw += b"Content-Disposition: attachment; filename=" + value + b"\r\nContent-Type: text/plain; name*0=" + value
    assert seconds(lambda: parse_email(raw + b"\r\n\r\nHi")) < BOUND


def test_boundaries_on_one_endless_line_are_passed_over_in_linear_time() -> None:
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b" * MEGABYTE
    assert seconds(lambda: parse_email(raw)) < BOUND


def test_nothing_can_be_put_into_a_header_through_a_name_or_subject() -> None:
    raw = b"From: =?utf-8?q?Dana=0D=0ABcc:_x@y?= <dana@example.com>\r\nSubject: a\x0bb=?utf-8?b?DQpUbzogeA==?=\r\n"
    mail = parse_email(raw + b"Message-ID: <a\x00b\r\n c@x>\r\nReferences: <a\x07@x> <b@x>\r\n\r\nHi")
    for value in (mail.sender.name, mail.sender.email, mail.subject, mail.message_id, *mail.references):
        assert value is not None
        assert value.isprintable()


@pytest.mark.parametrize(
    "text", ["\n" * MEGABYTE, "a \n" * (MEGABYTE // 3), "> " * MEGABYTE, "-- \n" * (MEGABYTE // 4)]
)
def test_the_rules_for_text_are_linear(text: str) -> None:
    def work() -> None:
        lines = from_text(unflow(text, delete_space=False))
        separate(lines)
        settle(lines, "Dana Miller")

    assert seconds(work) < BOUND
