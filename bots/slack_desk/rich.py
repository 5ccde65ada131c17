"""Text as Slack's rich text: nothing in it is parsed, so a customer's words cannot mention, link or format.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

Json = dict[str, Any]
LONGEST = 3000
"""Of one text anywhere in a message; longer ones are cut, and the whole is in the console."""
STYLES = {"strong": "bold", "em": "italic", "s": "strike"}
LINKABLE = re.compile(r"(?i)(?:https?://|mailto:)[^\s]+")
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def text(words: str, *styles: str) -> Json:
    """`words` must not be empty."""
    element: Json = {"type": "text", "text": words}
    if styles:
        element["style"] = dict.fromkeys(styles, True)
    return element


def link(url: str | None, words: str, *styles: str) -> Json:
    """Plain text when `url` is no web address: Slack refuses the whole message for one."""
    if not url or len(url) > LONGEST or not LINKABLE.fullmatch(url):
        return text(words, *styles)
    element = text(words, *styles)
    return {**element, "type": "link", "url": url}


def date(moment: datetime, form: str, fallback: str) -> Json:
    """A time that each reader sees in their own zone; `{ago}` stays true as time passes."""
    return {"type": "date", "timestamp": int(moment.timestamp()), "format": form, "fallback": fallback}


def user(user_id: str) -> Json:
    """A mention: it notifies."""
    return {"type": "user", "user_id": user_id}


def section(*elements: Json) -> Json:
    return {"type": "rich_text_section", "elements": list(elements)}


def quote(words: str) -> Json:
    return {"type": "rich_text_quote", "elements": [text(shortened(words))]}


def numbered(items: Iterable[list[Json]]) -> Json:
    return {"type": "rich_text_list", "style": "ordered", "elements": [section(*item) for item in items]}


def bullets(items: Iterable[list[Json]]) -> Json:
    return {"type": "rich_text_list", "style": "bullet", "elements": [section(*item) for item in items]}


def block(*parts: Json) -> Json:
    return {"type": "rich_text", "elements": list(parts)}


def clean(words: str) -> str:
    """Without what JSON or Slack cannot carry; never empty."""
    return UNSEEN.sub("", words.replace("\r\n", "\n").replace("\r", "\n")).strip() or "(empty)"


def shortened(words: str, most: int = LONGEST) -> str:
    """At most `most` UTF-16 units, which is how Slack counts."""
    words = clean(words)
    if units(words) <= most:
        return words
    kept = words.encode("utf-16-le")[: 2 * (most - 2)].decode("utf-16-le", "ignore").rstrip()
    return kept + " …"


def units(words: str) -> int:
    return len(words.encode("utf-16-le", "surrogatepass")) // 2


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["strikethrough"])


def markdown(source: str) -> list[Json]:
    """Our own messages, written in Markdown, as parts of one rich text block; never empty."""
    parts = list(_parts(_parser().parse(shortened(source))))
    return _without_last_break(parts) or [section(text(shortened(source)))]


def _parts(tokens: list[Token]) -> Iterator[Json]:
    """One part a block of the source. Nested lists and quotes are kept flat, with their indent."""
    lists: list[str] = []
    quoted = 0
    for token in tokens:
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                lists.append("ordered" if token.type.startswith("ordered") else "bullet")
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "blockquote_open":
                quoted += 1
            case "blockquote_close":
                quoted -= 1
            case "fence" | "code_block":
                yield {"type": "rich_text_preformatted", "elements": [text(token.content.rstrip("\n") or " ")]}
            case "inline":
                heading = token.map is not None and _is_heading(tokens, token)
                inside = list(_inline(token.children or [], ("bold",) if heading else ()))
                if inside:
                    yield _part(inside, lists, quoted)


def _is_heading(tokens: list[Token], token: Token) -> bool:
    return tokens[tokens.index(token) - 1].type == "heading_open"


def _part(inside: list[Json], lists: list[str], quoted: int) -> Json:
    if lists:
        indent = min(len(lists) - 1, 8)
        return {"type": "rich_text_list", "style": lists[-1], "indent": indent, "elements": [section(*inside)]}
    if quoted:
        return {"type": "rich_text_quote", "elements": inside}
    return section(*inside, text("\n"))


def _inline(tokens: list[Token], styles: tuple[str, ...]) -> Iterator[Json]:
    current, url = list(styles), ""
    for token in tokens:
        name = token.type.removesuffix("_open").removesuffix("_close")
        if token.type == "link_open":
            url = str(token.attrGet("href") or "")
        elif token.type == "link_close":
            url = ""
        elif name in STYLES:
            current.append(STYLES[name]) if token.nesting == 1 else current.remove(STYLES[name])
        elif token.type in ("softbreak", "hardbreak"):
            yield text("\n")
        elif words := token.content:
            used = [*current, "code"] if token.type == "code_inline" else current
            yield link(url, words, *used) if url else text(words, *used)


def _without_last_break(parts: list[Json]) -> list[Json]:
    """Items of one list are joined, and the empty line after the last paragraph goes."""
    joined: list[Json] = []
    for part in parts:
        before = joined[-1] if joined else {}
        same = [part.get(key) == before.get(key) for key in ("type", "style", "indent")]
        if part["type"] == "rich_text_list" and all(same):
            before["elements"] += part["elements"]
        else:
            joined.append(part)
    if joined and joined[-1]["type"] == "rich_text_section":
        joined[-1]["elements"].pop()
    return joined


def escaped(words: str) -> str:
    """For mrkdwn and fallback texts. https://docs.slack.dev/messaging/formatting-message-text#escaping"""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


MARKED = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")


def as_markdown(mrkdwn: str, names: dict[str, str] | None = None) -> str:
    """What a person typed in Slack, for the customer: links kept, mentions as names, entities undone."""

    def plain(match: re.Match[str]) -> str:
        target, label = match.group(1), match.group(2)
        if target.startswith("@"):
            return (names or {}).get(target[1:]) or label or "a colleague"
        if target.startswith(("#", "!")):
            return label or target[1:].partition("^")[0]
        return f"[{label}]({target})" if label and label != target else target

    found = MARKED.sub(plain, mrkdwn)
    return found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
