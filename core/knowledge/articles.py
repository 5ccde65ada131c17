"""An article: the smallest thing a business writes down and an answer can cite."""

import re
import unicodedata
from dataclasses import dataclass

_APART = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Article:
    """One help page or one FAQ entry.

    `id` is unique within a knowledge base (a file's stem, an FAQ line's id). `body` is Markdown. `questions`
    are the ways customers ask for it (an FAQ's question and its alternatives), possibly none.
    """

    id: str
    title: str
    body: str
    url: str | None = None
    questions: tuple[str, ...] = ()


def slug(text: str, longest: int = 60) -> str:
    """Lower-case ASCII words joined by hyphens, cut to `longest`; "article" where nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _APART.sub("-", plain).strip("-")[:longest].strip("-") or "article"
