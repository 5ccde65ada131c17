"""Bytes to text when nobody can be trusted about the charset. Nothing here raises."""

from __future__ import annotations

import binascii
import codecs
import re
from functools import lru_cache

# What labels mean in practice: the superset that the program which wrote them really used (as browsers do,
# https://encoding.spec.whatwg.org/#names-and-labels), and names that Python does not know.
_REALLY = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso2022_jp": "iso2022_jp_ext",
}
_ALIASES = {
    "x-sjis": "cp932",
    "x-euc-jp": "euc_jp",
    "x-gbk": "gb18030",
    "x-x-big5": "big5hkscs",
    "x-unknown": "",
    "unknown": "",
    "unknown-8bit": "",
    "default": "",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601-1989": "cp949",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "unicode-1-1-utf-7": "utf-7",
    "unicode": "utf-16",
    "windows-874": "cp874",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "cp-850": "cp850",
    "ansi_x3.110-1983": "cp1252",
    "ansi": "cp1252",
    "iso-2022-cn": "gb18030",
}
# Codecs that are no charset of a mail, or take quadratic time (punycode).
_NO_CHARSETS = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "charmap"}
_SEVERAL_BYTES = re.compile(r"gb|big5|cp932|cp949|euc|2022|shift|johab|utf")
_HIGH = re.compile(rb"[\x80-\xff]")
_HIGHS = re.compile(rb"[\x80-\xff]+")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


@lru_cache(maxsize=256)
def codec(label: str) -> str:
    """The Python codec to read a label's bytes with; empty if the label says nothing usable."""
    name = label.strip(" \t\r\n\"'").lower().partition("*")[0].partition("//")[0]
    name = _ALIASES.get(name, name)
    if not name or len(name) > 40 or not name.isascii() or "\0" in name:
        return ""
    try:
        found = codecs.lookup(name)
        found.decode(b"", "strict")
        b"".decode(found.name)  # a LookupError for codecs that are no text encoding (zlib, base64)
    except (LookupError, UnicodeError, ValueError):
        return ""
    return "" if found.name.replace("-", "_") in _NO_CHARSETS else _REALLY.get(found.name, found.name)


def decode(data: bytes, label: str | None = None) -> str:
    """Text of bytes that claim to be in a charset. A wrong claim is noticed where that is possible."""
    if data.startswith(codecs.BOM_UTF8):
        return data[3:].decode("utf-8", "replace")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and len(data) % 2 == 0:
        return data.decode("utf-16", "replace")
    name = codec(label) if label else ""
    if data.isascii() and (not name or not _SEVERAL_BYTES.search(name)):
        return data.decode("ascii")
    if not name:
        return _guess(data)
    # UTF-8 is hardly ever valid by accident, and is often labelled as something of one byte a character.
    if not _SEVERAL_BYTES.search(name) and (text := _as_utf8(data)) is not None:
        return text
    try:
        text = data.decode(name)
    except (UnicodeError, ValueError):
        text = _by_lines(data) if name == "utf-8" else _repaired(data, name)
    # UTF-7 lets half a character through, which no database and no socket takes.
    return text if not name.startswith("utf-7") else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _as_utf8(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _guess(data: bytes) -> str:
    if (text := _as_utf8(data)) is not None:
        return text
    return _by_lines(data)


def _repaired(data: bytes, name: str) -> str:
    if (text := _as_utf8(data)) is not None:
        return text
    try:
        return data.decode(name, "replace")
    except (UnicodeError, ValueError):  # some codecs give up in spite of "replace"
        return data.decode("cp1252", "replace")


def _by_lines(data: bytes) -> str:
    """Mixed bytes: UTF-8 here, an old charset there (a forwarded part, a signature added by a gateway)."""
    return "".join(_line(line) for line in data.splitlines(keepends=True))


def _line(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        pass
    text = line.decode("utf-8", "replace")
    # Long runs of high bytes that are mostly UTF-8 were cut somewhere; single ones are accented letters.
    high = len(_HIGH.findall(line))
    if text.count("�") * 4 <= high:
        return text
    if high > 2 * len(_HIGHS.findall(line)):
        return _foreign(line)
    return line.decode("cp1252", "replace")


def _foreign(line: bytes) -> str:
    """Words of nothing but high bytes without a charset: Cyrillic in practice, or two bytes a character."""
    try:
        return line.decode("gb18030") if all(len(run) % 2 == 0 for run in _HIGHS.findall(line)) else _cyrillic(line)
    except UnicodeDecodeError:
        return _cyrillic(line)


def _cyrillic(line: bytes) -> str:
    # Small letters are 0xE0-0xFF in windows-1251 and 0xC0-0xDF in KOI8-R; text has more small ones.
    small_in_1251 = sum(byte >= 0xE0 for byte in line)
    small_in_koi8 = sum(0xC0 <= byte < 0xE0 for byte in line)
    return line.decode("cp1251" if small_in_1251 >= small_in_koi8 else "koi8-r", "replace")


def from_base64(data: bytes) -> bytes:
    """Base64 as far as it goes: line noise, missing padding and a cut end are forgiven."""
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        pass
    letters = _NO_BASE64.sub(b"", data)
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


# An encoded word (RFC 2047). Spaces inside one are wrong and common; a word ends at the next "?=".
_WORD = re.compile(r"=\?([A-Za-z0-9_.:/+-]{1,60}(?:\*[A-Za-z0-9-]{1,20})?)\?([bBqQ])\?([^?\r\n]{0,5000})\?=")
_QUOTED = re.compile(rb"=([0-9A-Fa-f]{2})")


def decode_words(value: str) -> str:
    """A header's text, from the raw value with its bytes kept as surrogates (`surrogateescape`)."""
    if not value.isascii():
        value = decode(value.encode("utf-8", "surrogateescape"))
    if "=?" not in value:
        return value
    done: list[str] = []
    charset, pending, end = "", list[bytes](), 0
    for word in _WORD.finditer(value):
        between = value[end : word.start()]
        adjacent = bool(charset) and not between.strip()
        # Programs split a character over two words: join the bytes before reading them.
        if not (adjacent and word[1].lower() == charset):
            done += (decode(b"".join(pending), charset), "" if adjacent else between)
            pending.clear()
        charset, end = word[1].lower(), word.end()
        pending.append(_word_bytes(word[2], word[3]))
    return "".join((*done, decode(b"".join(pending), charset), value[end:]))


def _word_bytes(kind: str, text: str) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    if kind in "bB":
        return from_base64(raw)
    return _QUOTED.sub(lambda match: bytes((int(match[1], 16),)), raw.replace(b"_", b" "))
