"""The `deskhand` command."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from typer._click.exceptions import NoArgsIsHelpError, UsageError  # Typer offers it nowhere else

from core.errors import AppError
from core.settings import Settings, load_settings
from web import folders

T = TypeVar("T")
app = typer.Typer(
    name="deskhand",
    help="An AI helpdesk that answers from your documents, and hands over to people when it cannot.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console()
err = Console(stderr=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
OrganizationOption = Annotated[
    str | None,
    typer.Option("--organization", "-o", help="Its short name; not needed where there is only one."),
]
Port = Annotated[int | None, typer.Option("--port", help="Overrides DESKHAND_PORT and PORT.")]
Host = Annotated[str | None, typer.Option("--host", help="Overrides DESKHAND_HOST.")]
# The commands import what they need as they run: `--help` must not wait for the encoder.


def main() -> None:
    """Runs the command. Bad input is one line on stderr and exit code 2."""
    gc.disable()  # while modules are imported, nothing becomes garbage: looking for it costs half a second
    try:
        sys.exit(app(prog_name="deskhand", standalone_mode=False))
    except AppError as error:
        _refuse(error.detail)
    except UsageError as error:
        if isinstance(error, NoArgsIsHelpError):  # which it has printed
            sys.exit(2)
        command = error.ctx.command_path if error.ctx else "deskhand"
        _refuse(f"{error.format_message().rstrip('.')}. See `{command} --help`.")
    except typer.Abort:
        sys.exit(130)


def _refuse(detail: str) -> NoReturn:
    err.print(f"[red]deskhand:[/] {escape(' '.join(detail.split()))}", soft_wrap=True, highlight=False)
    sys.exit(2)


def _settings(port: int | None = None, host: str | None = None) -> Settings:
    overrides = {name: value for name, value in (("port", port), ("host", host)) if value is not None}
    settings = load_settings(**overrides)
    from web import logs

    logs.configure(settings)
    return settings


def _installation(port: int | None = None, host: str | None = None) -> Settings:
    """The settings of a command that keeps something."""
    settings = _settings(port, host)
    folders.check(settings)
    return settings


def _run(work: Coroutine[Any, Any, T]) -> T:
    gc.freeze()
    gc.enable()
    try:
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    except KeyboardInterrupt:
        sys.exit(130)


@app.command()
def serve(
    port: Port = None,
    host: Host = None,
    worker: Annotated[bool, typer.Option(help="Answer messages in this process too.")] = True,
) -> None:
    """Serve the widget, the API and the console."""
    settings = _installation(port, host)
    from web import commands

    _run(commands.serve(settings, out, work=worker))


@app.command()
def worker() -> None:
    """Answer messages without serving the web; for installations of several processes on PostgreSQL."""
    settings = _installation()
    from web import commands

    _run(commands.work(settings, out))


@app.command()
def migrate() -> None:
    """Create the database's tables, or bring them up to date."""
    settings = _installation()
    from web import commands

    _run(commands.migrate(settings, out))


@app.command()
def demo(port: Port = None, host: Host = None) -> None:
    """Load an invented shop with its help centre, and serve it."""
    settings = _installation(port, host)
    from web import commands

    _run(commands.demo(settings, out))


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Of your business, as customers know it.")],
    email: Annotated[str, typer.Option("--email", help="The first admin's address, to sign in to the console with.")],
    as_json: AsJson = False,
) -> None:
    """Set up your organization: an admin, a chat for your site and an API key."""
    settings = _installation()
    from web import commands

    _run(commands.create(settings, out, name, email, as_json=as_json))


@app.command()
def ingest(
    source: Annotated[str, typer.Argument(help="A folder, a .md, .jsonl or .csv file, or the address of one.")],
    organization: OrganizationOption = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take out what was read from there before.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a folder or file of help articles part of the knowledge; ingested again, it is brought up to date.

    A folder's .md files are a page each (front matter: title, url, questions); its files named faq….jsonl or faq….csv
    have an article a line: question, answer and, if wanted, id, alternatives (in a .csv with | between them) and url.
    """
    settings = _installation()
    from web import commands

    if remove:
        _run(commands.remove(settings, out, source, organization, as_json=as_json))
    else:
        _run(commands.ingest(settings, out, err, source, organization, as_json=as_json))


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What a customer would write.")],
    organization: OrganizationOption = None,
    as_json: AsJson = False,
) -> None:
    """Show what the agent would say to a question. Nothing is stored or sent."""
    settings = _installation()
    from web import commands

    _run(commands.ask(settings, out, question, organization, as_json=as_json))


@app.command("eval")
def evaluate(
    knowledge: Annotated[Path, typer.Option("--knowledge", help="A folder with *.md pages, faq.jsonl, or both.")],
    questions: Annotated[
        Path,
        typer.Option("--questions", help='A .jsonl file: {"id", "text", "expected": \\[article ids]} a line.'),
    ],
    as_json: AsJson = False,
    details: Annotated[
        Path | None, typer.Option("--details", help="Write what became of each question here, a line each.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="Answer only if at least so sure, 0 to 1.")
    ] = None,
) -> None:
    """Measure the agent on questions whose right article is known, in a throw-away organization.

    Answered: it would send an answer with a citation by itself; all else counts as escalated.
    Right: the first article cited is among the expected; none is expected where the knowledge has no answer.

    precision: right among answered. coverage: answered among covered questions.
    auroc and ece: how well the confidence tells, and promises, that the first article found is right.
    ms: one question through the whole agent.
    """
    settings = _settings()
    from web import evaluation

    files = evaluation.Files(knowledge, questions, details)
    _run(evaluation.evaluate(settings, out, err, files, threshold=threshold, as_json=as_json))


@app.command()
def erase(
    who: Annotated[str, typer.Argument(help="Their e-mail address, or their id on a channel.")],
    organization: OrganizationOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it you are told what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget a customer for good, here and in Slack: conversations, files, tickets, and what was noted of them."""
    settings = _installation()
    from web import commands

    _run(commands.erase(settings, out, who, organization, yes=yes, as_json=as_json))


@app.command()
def sentiment(as_json: AsJson = False) -> None:
    """Read a text a line, and write a line on how its writer feels: label, frustration, urgency."""
    settings = _settings()
    from web import feelings

    _run(feelings.sentiment(settings, as_json=as_json))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check the installation: settings, folders, database, models. Exit code 1 if something is wrong."""
    settings = _settings()
    from web import doctor as examination

    results = _run(examination.examine(settings))
    if as_json:
        print(json.dumps([result.as_json() for result in results]))  # noqa: T201
    else:
        examination.show(results, out)
    if any(not result.ok for result in results):
        raise typer.Exit(1)


if __name__ == "__main__":
    main()
