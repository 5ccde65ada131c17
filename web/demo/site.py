"""The demo shop's site: a front page and a help centre written from the same articles that the assistant cites."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import nh3
from markdown_it import MarkdownIt

from core.knowledge import sources
from core.knowledge.articles import Article

HERE = Path(__file__).resolve().parent
MORE = "More"
TAGS = {"a", "blockquote", "br", "code", "div", "em", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre", "strong"} | {
    "table", "tbody", "td", "th", "thead", "tr", "ul"
}  # fmt: skip
DAYS = {"mon": "Mon", "tue": "Tue", "wed": "Wed", "thu": "Thu", "fri": "Fri", "sat": "Sat", "sun": "Sun"}


class Site:
    """Every page of the shop, written once. Raises `BadInput` when an article cannot be read."""

    def __init__(self, knowledge: Path) -> None:
        articles = {article.id: article for article in sources.read_folder(knowledge)}
        topics = list(_topics(articles))
        shop = _toml("shop.toml")
        self._layout = Template(_template("layout").safe_substitute(_facts(shop)))
        suggestions = "".join(f"<li>{escape(text)}</li>" for text in shop["widget"]["suggestions"])
        self._pages = {
            "": self._page(
                "Cobblewren: bags, rainwear and lights for riding every day",
                _template("front").substitute(suggestions=suggestions, tagline=escape(shop["tagline"])),
                "front",
            ),
            "help": self._page("Help centre · Cobblewren", _help(topics), "help"),
        }
        for name, group in topics:
            for article in group:
                body = _article(article, name, group)
                self._pages[f"help/{article.id}"] = self._page(f"{article.title} · Cobblewren", body, "help")
        self.missing = self._page("Page not found · Cobblewren", _template("missing").substitute(), "missing")

    def page(self, path: str) -> str | None:
        """The HTML at `/demo/<path>`, or None."""
        return self._pages.get(path.strip("/"))

    def _page(self, title: str, main: str, name: str) -> str:
        return self._layout.substitute(title=escape(title), main=main, page=name)


def _article(article: Article, topic: str, group: Sequence[Article]) -> str:
    related = "".join(_link(other) for other in group if other.id != article.id)
    return _template("article").substitute(
        title=escape(article.title), topic=escape(topic), body=markdown(article.body), related=related
    )


def _help(topics: Sequence[tuple[str, Sequence[Article]]]) -> str:
    sections = "".join(
        f"<section><h2>{escape(name)}</h2><ul>{''.join(map(_link, group))}</ul></section>" for name, group in topics
    )
    return _template("help").substitute(sections=sections, count=sum(len(group) for _, group in topics))


def _link(article: Article) -> str:
    words = escape(" ".join((article.title, *article.questions)).lower())
    return f'<li data-words="{words}"><a href="/demo/help/{escape(article.id)}">{escape(article.title)}</a></li>'


def markdown(text: str) -> str:
    """Markdown with tables to HTML that may stand in a page: no scripts, styles, images or foreign schemes."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    # A wide table scrolls by itself on a phone, and by keyboard, instead of pushing the page sideways.
    frame = {"class": "table", "tabindex": "0", "role": "region", "aria-label": "Table"}
    opening = "".join(f' {name}="{value}"' for name, value in frame.items())
    parser.add_render_rule("table_open", lambda *_: f"<div{opening}><table>")
    parser.add_render_rule("table_close", lambda *_: "</table></div>")
    return nh3.clean(
        parser.render(text),
        tags=TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        tag_attribute_values={"div": {name: {value} for name, value in frame.items()}},
        url_schemes={"http", "https", "mailto"},
    )


def _topics(articles: dict[str, Article]) -> Iterator[tuple[str, list[Article]]]:
    rest = dict(articles)
    for topic in _toml("topics.toml")["topic"]:
        group = [rest.pop(slug) for slug in topic["articles"] if slug in rest]
        if group:
            yield topic["name"], group
    if rest:
        yield MORE, list(rest.values())


def _facts(shop: dict[str, Any]) -> dict[str, str]:
    facts = {key: escape(shop["contact"][key]) for key in ("email", "phone", "address")}
    facts["color"] = escape(shop["widget"]["color"])
    return facts | {f"{name}_hours": _hours(days) for name, days in shop["hours"].items()}


def _hours(days: dict[str, str]) -> str:
    """`Mon–Fri 09:00–17:30, Sat 10:00–14:00`: neighbouring days of the same hours become one span."""
    spans: list[list[str]] = []
    for day, hours in days.items():
        if spans and spans[-1][2] == hours:
            spans[-1][1] = day
        else:
            spans.append([day, day, hours])
    return ", ".join(
        f"{DAYS[first]}{f'–{DAYS[last]}' if last != first else ''} {hours.replace('-', '–')}"
        for first, last, hours in spans
    )


def _template(name: str) -> Template:
    return Template((HERE / "pages" / f"{name}.html").read_text(encoding="utf-8"))


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))
