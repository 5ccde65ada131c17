"""Reads a business's own files into articles: Markdown pages, FAQ lines (JSONL) and FAQ tables (CSV).

Every error names the file, where it helps the line, and what to do about it, because an admin reads it.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from core.errors import BadInput
from core.knowledge.articles import Article, slug

LARGEST_FILE = 5_000_000  # bytes
LONGEST_BODY = 200_000  # characters: beyond it a "page" is a book, and one answer cannot cite it usefully
LONGEST_QUESTION = 1_000
MOST_ARTICLES = 50_000

PAGES = (".md", ".markdown")
TABLES = (".jsonl", ".csv")

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_ADDRESS = re.compile(r"https?://\S+\Z|/(?!/)\S*\Z", re.IGNORECASE)  # or a path on the business's own site
_FIRST_HEADING = re.compile(r"\A\s*#[ \t]+(.+?)[ \t]*#*[ \t]*(?:\r?\n|\Z)")


def read_folder(folder: Path) -> list[Article]:
    """Every `*.md` page below `folder`, and every FAQ file named `faq….jsonl` or `faq….csv`.

    Hidden files and folders are passed over. Raises `BadInput` where two articles have one id.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder. Name the folder that holds your help pages.")
    articles: list[Article] = []
    origin: dict[str, Path] = {}
    for path in sorted(_sources(folder)):
        for article in read_file(path):
            if article.id in origin:
                raise BadInput(
                    f"{path}: the article id {article.id!r} is already taken by {origin[article.id]}. "
                    "Rename one of them."
                )
            origin[article.id] = path
            articles.append(article)
    if not articles:
        raise BadInput(f"{folder} holds no articles. Put *.md pages, faq.jsonl or faq.csv there.")
    if len(articles) > MOST_ARTICLES:
        raise BadInput(f"{folder} holds {len(articles)} articles; the most is {MOST_ARTICLES}. Split it.")
    return articles


def read_file(path: Path) -> list[Article]:
    """One Markdown page (one article) or one FAQ file (an article a line). Raises `BadInput`."""
    kind = path.suffix.lower()
    if kind not in PAGES + TABLES:
        raise BadInput(f"{path}: cannot read {kind or 'a file without an ending'}. Use .md, .jsonl or .csv.")
    text = _read_text(path)
    if kind in PAGES:
        return [_page(path, text)]
    rows = _jsonl_rows(path, text) if kind == ".jsonl" else _csv_rows(path, text)
    articles = _faq_articles(path, rows)
    if not articles:
        raise BadInput(f"{path} has no questions in it. Add at least one, or remove the file.")
    return articles


def _sources(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if any(part.startswith(".") for part in path.relative_to(folder).parts) or not path.is_file():
            continue
        kind = path.suffix.lower()
        if kind in PAGES or (kind in TABLES and path.name.lower().startswith("faq")):
            yield path


def _read_text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}. Check the path and its permissions.") from error
    if len(raw) > LARGEST_FILE:
        raise BadInput(f"{path} is {len(raw):,} bytes; the most is {LARGEST_FILE:,}. Split it.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{path}, line {line}: not UTF-8 text. Save the file with UTF-8 encoding.") from error
    if "\0" in text:
        raise BadInput(f"{path}: not a text file (it holds zero bytes). Save it as UTF-8 text.")
    return text


def _page(path: Path, text: str) -> Article:
    front: dict[str, Any] = {}
    if matched := _FRONT_MATTER.match(text):
        front = _front_matter(path, matched[1])
        text = text[matched.end() :]
    elif re.match(r"---[ \t]*\r?\n[\w-]+:", text):
        raise BadInput(f"{path}, line 1: the front matter is not closed. Add a line with --- after it.")
    heading = _FIRST_HEADING.match(text)
    title = _optional_text(path, 1, front, "title")
    if heading and title in (None, heading[1]):
        title, text = heading[1], text[heading.end() :]
    questions = _texts(path, 1, front, "questions")
    article_title = title or path.stem.replace("-", " ").replace("_", " ").capitalize()
    return Article(path.stem, article_title, _body(path, 1, text), _url(path, 1, front), questions)


def _front_matter(path: Path, text: str) -> dict[str, Any]:
    try:
        front = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        problem = error.problem or "not valid YAML"
        raise BadInput(f"{path}, line {line}: front matter: {problem}. Quote unusual values.") from error
    except yaml.YAMLError as error:
        raise BadInput(f"{path}: front matter is not valid YAML. Quote unusual values.") from error
    if front is None:
        return {}
    if not isinstance(front, dict):
        raise BadInput(f"{path}, line 2: front matter must be lines like `title: Returns`.")
    return front


def _jsonl_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise BadInput(
                f"{path}, line {number}: not valid JSON ({error.msg}). Write one complete object a line."
            ) from error
        if not isinstance(row, dict):
            raise BadInput(f'{path}, line {number}: expected an object like {{"question": …, "answer": …}}.')
        yield number, row


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = _csv_header(path, cells)
                continue
            if len(cells) != len(header):
                raise BadInput(
                    f"{path}, line {reader.line_num}: {len(cells)} columns, the header has {len(header)}. "
                    'Put cells that hold the separator in "quotes".'
                )
            row: dict[str, Any] = dict(zip(header, cells, strict=True))
            if "alternatives" in row:
                row["alternatives"] = [part for part in row["alternatives"].split("|") if part.strip()]
            yield reader.line_num, row
    except csv.Error as error:
        raise BadInput(f'{path}, line {reader.line_num}: {error}. Double each " inside a cell.') from error


def _csv_header(path: Path, cells: Iterable[str]) -> list[str]:
    header = [cell.strip().lower() for cell in cells]
    for needed in ("question", "answer"):
        if needed not in header:
            raise BadInput(
                f"{path}, line 1: no column {needed!r}. The first line names the columns: "
                "question,answer and, if wanted, id,alternatives,url."
            )
    return header


def _faq_articles(path: Path, rows: Iterable[tuple[int, dict[str, Any]]]) -> list[Article]:
    articles: list[Article] = []
    lines: dict[str, int] = {}
    for number, row in rows:
        question = _required_text(path, number, row, "question")
        answer = _required_text(path, number, row, "answer")
        given = _optional_text(path, number, row, "id")
        identity = given or _free_slug(question, lines)
        if identity in lines:
            raise BadInput(
                f"{path}, line {number}: the id {identity!r} is already used on line {lines[identity]}. "
                "Give each article its own id."
            )
        lines[identity] = number
        title = _optional_text(path, number, row, "title") or question
        questions = tuple(dict.fromkeys((question, *_texts(path, number, row, "alternatives"))))
        articles.append(Article(identity, title, _body(path, number, answer), _url(path, number, row), questions))
    return articles


def _free_slug(question: str, taken: dict[str, int]) -> str:
    plain = name = slug(question)
    count = 1
    while name in taken:
        count += 1
        name = f"{plain}-{count}"
    return name


def _body(path: Path, line: int, text: str) -> str:
    body = text.replace("\r\n", "\n").strip()
    if not body:
        raise BadInput(f"{path}, line {line}: this article has no text. Write it, or remove the article.")
    if len(body) > LONGEST_BODY:
        raise BadInput(
            f"{path}, line {line}: {len(body):,} characters in one article; the most is {LONGEST_BODY:,}. "
            "Split it by topic."
        )
    return body


def _optional_text(path: Path, line: int, row: dict[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadInput(f"{path}, line {line}: {key!r} must be text. Put the value in quotes.")
    if key != "answer" and len(value) > LONGEST_QUESTION:
        raise BadInput(
            f"{path}, line {line}: {key!r} has {len(value):,} characters; the most is {LONGEST_QUESTION:,}. Shorten it."
        )
    return value.strip() or None


def _required_text(path: Path, line: int, row: dict[str, Any], key: str) -> str:
    value = _optional_text(path, line, row, key)
    if value is None:
        raise BadInput(f"{path}, line {line}: {key!r} is missing or empty. Every line needs it.")
    return value


def _texts(path: Path, line: int, row: dict[str, Any], key: str) -> tuple[str, ...]:
    values = row.get(key) or []
    if not isinstance(values, list):
        raise BadInput(f"{path}, line {line}: {key!r} must be a list of texts.")
    texts = (_optional_text(path, line, {key: value}, key) for value in values)
    return tuple(dict.fromkeys(text for text in texts if text))


def _url(path: Path, line: int, row: dict[str, Any]) -> str | None:
    url = _optional_text(path, line, row, "url")
    if url and not _ADDRESS.match(url):
        raise BadInput(f"{path}, line {line}: the url {url!r} must start with https://, http:// or /.")
    return url
