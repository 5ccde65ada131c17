"""The rules of the house that a machine can keep. Each failure says what to do instead."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from core.models import Tenant

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "core": set(),
    "connectors": {"core"},
    "bots": {"core", "connectors"},
    "web": {"core", "connectors", "bots"},
}
NOT_FOR_CORE = {*MAY_IMPORT, "migrations", "tests"}
ONE_FILE_EACH = {
    "aiosmtpd",
    "aiosqlite",
    "argon2",
    "asyncpg",
    "chromadb",
    "dns",
    "imap_tools",
    "langchain_openai",
    "langgraph",
    "onnxruntime",
    "pinecone",
    "sentry_sdk",
    "slack_sdk",
    "stripe",
    "tokenizers",
    "transformers",
}
"""Vendors' SDKs, and libraries that we would want to replace in one place."""
ONE_CHANNEL_EACH = {"slack_bolt", "telegram"}
"""Frameworks that a bot is written in: for its own channel's folders alone."""
CHANNELS = re.compile(r"(?i)(?<![a-z])(widget|telegram|slack|stripe)(?![a-z])")
MAY_NAME_CHANNELS = {
    "core/nlp/redact.py": "knows the looks of vendors' secrets, to mask them in texts",
    "core/settings.py": "declares every setting, those of vendors too",
}
NAMELESS = {"utils", "util", "common", "helpers", "helper", "manager", "managers", "base", "misc"}
MAX_FUNCTION = 60
MAX_FILE = 500
TENANTS = {model.__name__ for model in Tenant.__subclasses__()}

FOR_ALL_ORGANIZATIONS = {
    ("core/queue.py", "_claim"): "a worker serves every organization",
    ("core/queue.py", "release_expired"): "a worker serves every organization",
    ("core/queue.py", "renew"): "a worker serves every organization",
    ("core/queue.py", "next_due"): "a worker serves every organization",
    ("core/accounts.py", "sign_in"): "who signs in has not said yet where",
    ("core/accounts.py", "by_api_key"): "the key says whose it is",
    ("connectors/widget/session.py", "_channel"): "the site key says whose it is",
    ("connectors/telegram/settings.py", "_taken"): "a bot serves one channel of one organization",
    ("web/routes/telegram.py", "_channel"): "the address says whose it is",
    ("core/schedule.py", "_with_something_due"): "the clock ticks for every organization",
    ("core/schedule.py", "_mail_alerts"): "the clock ticks for every organization",
    ("core/removals.py", "_taken"): "the clock ticks for every organization",
    ("bots/slack_desk/acting.py", "channels_of"): "the workspace says whose it is, and several may share it",
    ("bots/slack_desk/acting.py", "_post_at"): "the message in the workspace says whose it is",
    ("bots/slack_desk/acting.py", "_noted_at"): "the message in the workspace says whose it is",
    ("connectors/email/listener.py", "channel_of"): "the recipient's address says whose it is",
    ("web/routes/mail.py", "_channel"): "the address says whose it is",
    ("core/channels.py", "connected"): "a process listens for every organization",
    ("core/channels.py", "lease"): "a process listens for every organization",
    ("core/channels.py", "release"): "a process listens for every organization",
}
"""Where a statement may leave out the organization: it runs under `Database.system()`, for this reason."""


@dataclass(frozen=True)
class Source:
    path: str
    tree: ast.Module
    lines: int

    @property
    def folder(self) -> str:
        return self.path.partition("/")[0]


@cache
def sources() -> tuple[Source, ...]:
    """Every Python file that is shipped."""
    found = []
    for folder in MAY_IMPORT:
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            found.append(Source(path.relative_to(ROOT).as_posix(), ast.parse(text), text.count("\n")))
    assert len(found) > 50, "the sources were not found"
    return tuple(found)


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import; write the whole name"
            yield node.module or ""


def in_build(path: str) -> bool:
    """Makes what is shipped, on a developer's machine."""
    return "/build/" in path


def test_folders_import_in_one_direction() -> None:
    wrong = [
        f"{source.path} imports {name}: move what it needs into {source.folder}/, or pass it in from above"
        for source in sources()
        for name in imports(source.tree)
        if (top := name.partition(".")[0]) in NOT_FOR_CORE
        and top != source.folder
        and top not in MAY_IMPORT[source.folder]
    ]
    assert not wrong, "\n".join(wrong)


def test_no_connector_imports_another() -> None:
    wrong = []
    for source in sources():
        own = source.path.split("/")[1]
        if source.folder == "connectors" and own != "registry.py":
            others = [name for name in imports(source.tree) if name.startswith("connectors.")]
            wrong += [
                f"{source.path} imports {name}: what two connectors need belongs in core"
                for name in others
                if name.split(".")[1] != own
            ]
    assert not wrong, "\n".join(wrong)


def test_each_vendors_sdk_is_imported_in_one_place() -> None:
    places = defaultdict(set)
    for source in sources():
        for name in imports(source.tree):
            top = name.partition(".")[0]
            if top in ONE_FILE_EACH and not in_build(source.path):
                places[top].add(source.path)
            if top in ONE_CHANNEL_EACH:
                places[top].add(Path(source.path).stem if source.folder == "web" else source.path.split("/")[1])
    wrong = [
        f"{name} is imported in {', '.join(sorted(found))}: keep one of them and go through it"
        for name, found in places.items()
        if len(found) > 1
    ]
    assert not wrong, "\n".join(wrong)


def names_and_texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every identifier and every string that is not a docstring or a note below a field."""
    notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in notes:
            yield node.lineno, node.value
        for attribute in ("id", "attr", "arg", "name"):
            if isinstance(name := getattr(node, attribute, None), str):
                yield getattr(node, "lineno", 0), name.replace("_", " ")


def test_core_names_no_channel() -> None:
    wrong = [
        f"{source.path}:{line} names {match[0]!r}: core never asks which channel; the connector decides"
        for source in sources()
        if source.folder == "core" and source.path not in MAY_NAME_CHANNELS and not in_build(source.path)
        for line, text in names_and_texts(source.tree)
        if (match := CHANNELS.search(text))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_environment_is_read_in_the_settings_only() -> None:
    wrong = [
        f"{source.path}:{node.lineno} reads the environment: declare it in core/settings.py"
        for source in sources()
        if source.path != "core/settings.py"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute | ast.Name | ast.alias)
        and (getattr(node, "attr", None) or getattr(node, "id", None) or getattr(node, "name", None))
        in ("environ", "getenv", "environb", "putenv")
    ]
    assert not wrong, "\n".join(wrong)


def test_files_are_named_for_what_is_in_them() -> None:
    wrong = [
        f"{source.path}: say what it is about, not that it is {part}"
        for source in sources()
        for part in source.path.removesuffix(".py").split("/")
        if part in NAMELESS
    ]
    assert not wrong, "\n".join(wrong)


def test_functions_and_files_are_small() -> None:
    wrong = [f"{s.path} has {s.lines} lines: split it by what it does" for s in sources() if s.lines > MAX_FILE]
    for source in sources():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > MAX_FUNCTION:
                    wrong.append(f"{source.path}: {node.name}() has {length} lines: name its parts")
    assert not wrong, "\n".join(wrong)


def called(node: ast.AST) -> str:
    """`select` of both `select(…)` and `sa.select(…)`; with its owner for methods of ours."""
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return name
        case ast.Call(func=ast.Attribute(value=ast.Name(id="sa" | "sqlalchemy"), attr=name)):
            return name
        case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="session"), attr="get" | "get_one" as name)):
            return name
        case _:
            return ""


def tenants_in(call: ast.Call) -> set[str]:
    """The tenants' models among what is selected: `Ticket`, `Ticket.id`, `models.Ticket`, `table`."""
    names = set()
    for argument in call.args:
        for node in ast.walk(argument):
            if isinstance(node, ast.Name | ast.Attribute):
                names.add(node.id if isinstance(node, ast.Name) else node.attr)
    return names & TENANTS


def statements(tree: ast.AST, function: str = "") -> Iterator[tuple[str, ast.stmt]]:
    """Each simple statement, and the name of the function that it is in."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from statements(node, node.name)
        elif isinstance(node, ast.stmt) and not hasattr(node, "body"):
            yield function, node
        else:
            yield from statements(node, function)


def bare_statements(source: Source) -> Iterator[str]:
    for function, statement in statements(source.tree):
        if any(called(node) == "ours" for node in ast.walk(statement)):
            continue
        if (source.path, function) in FOR_ALL_ORGANIZATIONS:
            continue
        for node in ast.walk(statement):
            if called(node) in ("select", "update", "delete", "get", "get_one", "aliased"):
                assert isinstance(node, ast.Call)
                for model in tenants_in(node):
                    yield f"{source.path}:{node.lineno} {called(node)} of {model} without an organization"


REMEDY = """
Start from scope.select(Model, ...), scope.update(Model), scope.delete(Model) or scope.get(Model, id); or, in a
statement built once, compare Model.organization_id with ours(). What truly serves every organization runs
under Database.system() and is listed, with its reason, in FOR_ALL_ORGANIZATIONS."""


def test_every_query_of_a_tenants_table_names_the_organization() -> None:
    wrong = [bare for source in sources() if source.path != "core/tenancy.py" for bare in bare_statements(source)]
    assert not wrong, "\n".join(wrong) + REMEDY


def test_what_serves_every_organization_still_exists() -> None:
    for path, function in FOR_ALL_ORGANIZATIONS:
        (source,) = [source for source in sources() if source.path == path]
        assert function in {name for name, _ in statements(source.tree)}, f"{path}: no {function}(); drop its line"


BARE = [
    "rows = await scope.session.scalars(select(Ticket))",
    "rows = select(Ticket.id, func.max(Message.id)).where(Ticket.status == 'open')",
    "async def f(scope):\n    return await scope.session.execute(sa.delete(models.Draft))",
    "CLOSE = update(Ticket).where(Ticket.id == bindparam('id'))",
    "ticket = await scope.session.get(Ticket, ticket_id)",
    "with x:\n    rows = scope.select(Ticket).where(Ticket.id.in_(select(Draft.ticket_id)))",
]


@pytest.mark.parametrize("code", BARE)
def test_the_rule_on_queries_catches(code: str) -> None:
    assert list(bare_statements(Source("web/routes/made_up.py", ast.parse(code), 1)))


FINE = [
    "rows = await scope.session.scalars(scope.select(Ticket).where(Ticket.id == x))",
    "CLOSE = update(Ticket).where(Ticket.organization_id == ours(), Ticket.id == bindparam('id'))",
    "organization = await scope.session.get(Organization, scope.organization_id)",
    "number = select(func.count()).select_from(scope.select(Document).subquery())",
]


@pytest.mark.parametrize("code", FINE)
def test_the_rule_on_queries_lets_pass(code: str) -> None:
    assert not list(bare_statements(Source("web/routes/made_up.py", ast.parse(code), 1)))
