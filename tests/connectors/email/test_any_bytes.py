"""What holds for every mail, whatever is in it."""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.policy import SMTP

from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.email import readable
from connectors.email.charsets import decode, decode_words, from_base64
from connectors.email.content import file_name
from connectors.email.inbound import parse_email
from connectors.email.winmail import unpack
from tests.connectors.email.corpus import mails

CORPUS = [mail.raw for mail in (*mails("dev"), *mails("held"))]
HEADERS = st.sampled_from(
    [
        *(b"From", b"To", b"Subject", b"Message-ID", b"References", b"Date", b"Content-Type", b"Return-Path"),
        *(b"Content-Transfer-Encoding", b"Content-Disposition", b"Content-ID", b"Auto-Submitted", b"List-Id"),
    ]
)
VALUES = st.one_of(
    st.binary(max_size=60).map(lambda value: value.replace(b"\n", b" ")),
    st.sampled_from(
        [
            *(b"multipart/mixed; boundary=b", b"multipart/alternative; boundary=b", b"multipart/report; boundary=b"),
            *(b"text/html; charset=utf-16", b"text/plain; charset=idna", b"text/plain; format=flowed; charset=utf-7"),
            *(b"message/rfc822", b"message/delivery-status", b"application/ms-tnef; name=winmail.dat", b"base64"),
            *(
                b"quoted-printable",
                b"x-uuencode",
                b"=?utf-8?b?////?=",
                b"attachment; filename*0*=x'y'%ff; filename*1=z",
            ),
        ]
    ),
)
BODIES = st.lists(
    st.one_of(st.binary(max_size=80), st.sampled_from([b"\n--b\n", b"\n--b--\n", b"\n\n", b"> ", b"On x"]))
)


CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]")


def readable_result(raw: bytes) -> None:
    mail = parse_email(raw)
    for text in (mail.text, mail.full_text, mail.subject, mail.message_id, mail.html or ""):
        assert text.encode("utf-8", "strict") is not None
        assert "\x00" not in text
    for attachment in mail.attachments:
        assert not CONTROL.search(attachment.name)
        assert not re.search(r"[/\\:]", attachment.name)
        assert attachment.name.strip(". ")


@given(st.binary(max_size=400))
@example(b"Content-Type: text/plain; charset=utf-7\n\n+2AA-")
@settings(max_examples=150)
def test_any_bytes_are_read(raw: bytes) -> None:
    readable_result(raw)


@given(st.lists(st.tuples(HEADERS, VALUES), max_size=6), BODIES)
@settings(max_examples=150)
def test_any_headers_and_parts_are_read(headers: list[tuple[bytes, bytes]], body: list[bytes]) -> None:
    head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    readable_result(head + b"\r\n" + b"".join(body))


@given(st.sampled_from(CORPUS), st.integers(0, 4_000), st.binary(max_size=8), st.integers(0, 40))
@settings(max_examples=150)
def test_a_damaged_mail_is_read(raw: bytes, at: int, put: bytes, taken: int) -> None:
    readable_result(raw[:at] + put + raw[at + taken :])


@given(st.sampled_from(CORPUS))
def test_the_same_bytes_are_read_the_same_way(raw: bytes) -> None:
    assert parse_email(raw) == parse_email(raw)


WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N"), exclude_characters="\x85"), min_size=1, max_size=12)


@given(st.lists(WORDS, min_size=1, max_size=12), st.sampled_from(["quoted-printable", "base64", "8bit"]), WORDS)
def test_text_and_subject_come_back_as_they_were_written(words: list[str], encoding: str, subject: str) -> None:
    written = EmailMessage(policy=SMTP)
    written["From"], written["Subject"] = "Dana <dana@example.com>", subject
    written.set_content(" ".join(words), cte=encoding)
    mail = parse_email(written.as_bytes())
    assert (mail.text, mail.subject) == (" ".join(words), subject)


PIECES = st.lists(
    st.one_of(
        st.text(max_size=10),
        st.sampled_from(
            [
                *(
                    "<script>",
                    "</script>",
                    "<img src=x onerror=alert(1)>",
                    "<a href='javascript:x'>",
                    "<form action=//x>",
                ),
                *(
                    "<input name=a>",
                    "<svg onload=x>",
                    "<style>@import 'x'</style>",
                    "<div style='background:url(//x)'>",
                ),
                *(
                    "<img src='http://x/y.png'>",
                    "<iframe src=//x>",
                    "<!--",
                    "-->",
                    "<math>",
                    "<noscript>",
                    "</style>",
                    '"',
                ),
                *(
                    "<button formaction=//x>",
                    "<meta http-equiv=refresh>",
                    "<base href=//x>",
                    "<link rel=x>",
                    "<table>",
                    "<p>",
                ),
            ]
        ),
    ),
    max_size=12,
)


@given(PIECES)
@example(["<svg><style>", "<img src=x onerror=alert(1)>", "</style>"])
@example(["<a href='javascript:x'>", "<TABLE>", "<a href='javascript:x'>"])
@settings(max_examples=150)
def test_shown_html_holds_nothing_that_acts_or_calls_home(pieces: list[str]) -> None:
    shown = readable.clean("".join(pieces))
    assert_harmless(shown)
    assert_harmless(readable.clean(shown))  # read once more, as a browser will: misnested tags may move


def assert_harmless(shown: str) -> None:
    for tag in re.findall(r"<[a-z][^<>]*>", shown.lower()):
        assert not re.match(r"<(?:script|form|input|button|iframe|svg|math|style|link|meta|base|noscript)\b", tag)
        assert not re.search(r"\son[a-z]+=|javascript:|url\(|formaction|<img[^>]*src=\"(?!cid:)", tag)


@given(
    st.binary(max_size=200),
    st.sampled_from(["utf-8", "latin-1", "utf-16", "gb2312", "iso-2022-jp", "x", "", "hz", "\0"]),
)
def test_any_bytes_are_text_in_any_charset(data: bytes, charset: str) -> None:
    assert isinstance(decode(data, charset), str)


@given(st.text(max_size=200))
def test_any_header_is_decoded(value: str) -> None:
    assert isinstance(decode_words(value), str)


@given(st.binary(max_size=200))
def test_any_base64_and_any_envelope_is_opened_as_far_as_it_goes(data: bytes) -> None:
    assert isinstance(from_base64(data), bytes)
    unpack(b"\x78\x9f\x3e\x22\x01\x00" + data)


@given(st.text(max_size=300))
def test_a_file_name_is_safe_to_save_under(name: str) -> None:
    safe = file_name(name)
    assert len(safe) <= 150
    assert not CONTROL.search(safe)
    assert not set(safe) & set('/\\:*?"<>|')
    assert safe not in (".", "..")
