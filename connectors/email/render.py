"""One Markdown source as the two bodies of a mail: plain text, and HTML that old clients show too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from urllib.parse import urljoin

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from core.messages import Citation, Earlier

LOGO_CID = "logo@deskhand"
QUOTED = 3
QUOTED_CHARACTERS = 4_000
_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:15px;line-height:1.5"
_ALLOWED = {"p", "br", "a", "strong", "em", "s", "code", "pre", "ul", "ol", "li", "blockquote", "h1", "h2", "h3", "h4",
            "table", "thead", "tbody", "tr", "th", "td", "hr"}  # fmt: skip
SOURCES = {
    "en": "Sources", "de": "Quellen", "fr": "Sources", "es": "Fuentes", "it": "Fonti", "pt": "Fontes",
    "nl": "Bronnen", "pl": "Źródła", "sv": "Källor", "da": "Kilder",
}  # fmt: skip
WROTE = {
    "en": "On {date}, {name} wrote:", "de": "Am {date} schrieb {name}:", "fr": "Le {date}, {name} a écrit :",
    "es": "El {date}, {name} escribió:", "it": "Il {date} {name} ha scritto:", "pt": "Em {date}, {name} escreveu:",
    "nl": "Op {date} schreef {name}:", "pl": "Dnia {date} {name} napisał(a):", "sv": "Den {date} skrev {name}:",
    "da": "Den {date} skrev {name}:",
}  # fmt: skip
YOU = {"en": "you", "de": "Sie", "fr": "vous", "es": "usted", "it": "lei", "pt": "você", "nl": "u", "pl": "Pan/Pani"}


@dataclass(frozen=True, slots=True)
class Look:
    """How an organization's mails look. Without colour and logo, as if a person had written them."""

    name: str
    color: str = ""
    has_logo: bool = False
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says, whatever it looks like."""

    text: str
    """Markdown."""
    speaker: str
    citations: Sequence[Citation] = ()
    buttons: Sequence[Link] = ()
    earlier: Sequence[Earlier] = ()
    language: str = "en"
    site: str = ""
    """What the addresses of citations are relative to."""


def render(letter: Letter, look: Look) -> tuple[str, str]:
    """(plain text, HTML)."""
    return _plain(letter, look), _page(letter, look)


def _plain(letter: Letter, look: Look) -> str:
    parts = [as_text(letter.text)]
    if letter.buttons:
        parts.append("\n".join(f"{link.label}: {link.url}" for link in letter.buttons))
    if sources := _sources(letter):
        parts.append(f"{_word(SOURCES, letter)}:\n" + "\n".join(f"- {link.label}\n  {link.url}" for link in sources))
    parts.append(_signature_text(letter, look))
    parts += [f"{_wrote(said, letter)}\n{_quoted(said.text)}" for said in letter.earlier[:QUOTED]]
    return "\n\n".join(part for part in parts if part) + "\n"


def _signature_text(letter: Letter, look: Look) -> str:
    signature = as_text(look.signature) if look.signature else look.name
    return "-- \n" + "\n".join(dict.fromkeys(line for line in (letter.speaker, signature) if line))


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in as_text(text[:QUOTED_CHARACTERS]).splitlines())


def _page(letter: Letter, look: Look) -> str:
    blocks = [as_html(letter.text)]
    if letter.buttons:
        blocks.append(_buttons(letter.buttons, look.color or "#2f5d50"))
    if sources := _sources(letter):
        blocks.append(_sources_html(_word(SOURCES, letter), sources))
    blocks.append(_signature_html(letter, look))
    history = "".join(_quoted_html(said, letter) for said in letter.earlier[:QUOTED])
    body = "".join(blocks)
    framed = _framed(body, look) if look.color or look.has_logo else f'<div style="{_FONT};color:#222">{body}</div>'
    language = escape(letter.language, quote=True)
    return (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light">'
        f'</head><body style="margin:0;padding:12px;background:#fff">{framed}{history}</body></html>'
    )


def _framed(body: str, look: Look) -> str:
    """A table, since Outlook lays out nothing else."""
    color = look.color or "#ffffff"
    name = f'<span style="color:{_ink(color)};font-weight:600;font-size:17px">{escape(look.name)}</span>'
    logo = f'<img src="cid:{LOGO_CID}" alt="{escape(look.name, quote=True)}" height="36" style="height:36px;border:0">'
    return (
        f'<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:640px;{_FONT};'
        'color:#222;border:1px solid #e4e4e4;border-radius:8px;border-collapse:separate;overflow:hidden">'
        f'<tr><td style="background:{color};padding:14px 22px;border-radius:8px 8px 0 0">'
        f"{logo if look.has_logo else name}</td></tr>"
        f'<tr><td style="padding:18px 22px 20px">{body}</td></tr></table>'
    )


def _ink(color: str) -> str:
    """White or black, whichever can be read on it (WCAG relative luminance, roughly)."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return "#ffffff" if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 150 else "#1a1a1a"


def _sources_html(title: str, sources: Sequence[Link]) -> str:
    links = "".join(
        f'<li style="margin:2px 0"><a href="{escape(link.url, quote=True)}" style="color:#1a5fb4">'
        f"{escape(link.label)}</a></li>"
        for link in sources
    )
    return (
        '<div style="margin:16px 0 0;padding-top:10px;border-top:1px solid #e4e4e4;font-size:13px;color:#555">'
        f'{escape(title)}<ul style="margin:4px 0 0;padding-left:18px">{links}</ul></div>'
    )


def _buttons(links: Sequence[Link], color: str) -> str:
    cells = "".join(
        f'<a href="{escape(link.url, quote=True)}" style="display:inline-block;margin:0 6px 6px 0;padding:8px 14px;'
        f'border-radius:6px;background:{color};color:{_ink(color)};text-decoration:none">{escape(link.label)}</a>'
        for link in links
    )
    return f'<p style="margin:14px 0 8px">{cells}</p>'


def _signature_html(letter: Letter, look: Look) -> str:
    speaker = f"<div>{escape(letter.speaker)}</div>" if letter.speaker and letter.speaker != look.name else ""
    below = as_html(look.signature) if look.signature else f"<div>{escape(look.name)}</div>"
    return f'<div style="margin:18px 0 0;font-size:13px;color:#555">{speaker}{below}</div>'


def _quoted_html(said: Earlier, letter: Letter) -> str:
    """`gmail_quote` is what mail clients fold away."""
    return (
        f'<div class="gmail_quote" style="{_FONT};font-size:13px;color:#666;margin-top:18px">'
        f'<div>{escape(_wrote(said, letter))}</div><blockquote style="margin:6px 0 0;padding-left:10px;'
        f'border-left:2px solid #ccc">{as_html(said.text[:QUOTED_CHARACTERS])}</blockquote></div>'
    )


def _wrote(said: Earlier, letter: Letter) -> str:
    name = said.name or _word(YOU, letter)
    return _word(WROTE, letter).format(date=_date(said.created_at), name=" ".join(name.split()))


def _date(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _word(texts: dict[str, str], letter: Letter) -> str:
    return texts.get(letter.language, texts["en"])


def _sources(letter: Letter) -> list[Link]:
    """Each article once; those without an address that anybody can open are left out."""
    links = {}
    for citation in letter.citations:
        url = urljoin(letter.site, citation.url or "")
        if url.startswith(("https://", "http://")):
            links.setdefault(url, Link(" ".join(citation.title.split()), url))
    return list(links.values())


def as_html(markdown: str) -> str:
    html = _markdown.render(markdown)
    html = nh3.clean(
        html, tags=_ALLOWED, attributes={"a": {"href"}, "ol": {"start"}}, url_schemes={"http", "https", "mailto"}
    )
    return html.replace("<p>", '<p style="margin:0 0 12px">').replace("<a ", '<a style="color:#1a5fb4" ')


def as_text(markdown: str) -> str:
    """As a person would have typed it: no stars, links with their address behind them."""
    out: list[str] = []
    lists: list[int | None] = []
    for token in _markdown.parse(markdown):
        if token.type in ("bullet_list_open", "ordered_list_open"):
            lists.append(int(token.attrGet("start") or 1) if token.type.startswith("ordered") else None)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
            out.append("" if lists else "\n")
        elif token.type == "list_item_open":
            out.append("  " * (len(lists) - 1) + _bullet(lists))
        elif token.type == "inline":
            out.append(_inline(token.children or []) + ("\n" if lists else "\n\n"))
        elif token.type in ("fence", "code_block"):
            out.append(token.content + "\n")
    return re.sub(r"\n{3,}", "\n\n", "".join(out)).strip()


def _bullet(lists: list[int | None]) -> str:
    number = lists[-1]
    if number is None:
        return "- "
    lists[-1] = number + 1
    return f"{number}. "


def _inline(tokens: Sequence[Token]) -> str:
    text, links = "", []
    for token in tokens:
        if token.type in ("text", "code_inline", "image"):
            text += token.content
        elif token.type in ("softbreak", "hardbreak"):
            text += "\n"
        elif token.type == "link_open":
            links.append((str(token.attrGet("href") or ""), len(text)))
        elif token.type == "link_close" and links:
            url, begun = links.pop()
            text += "" if text[begun:] == url.removeprefix("mailto:") else f" ({url})"
    return text
