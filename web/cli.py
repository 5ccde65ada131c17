"""The `deskhand` command."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine
from typing import Annotated, Any

import typer
from rich.console import Console

from core.errors import AppError
from core.settings import Settings, load_settings

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
    try:
        app()
    except AppError as error:
        err.print(f"[red]deskhand:[/] {error.detail}", soft_wrap=True, highlight=False)
        sys.exit(2)


def _settings(port: int | None = None, host: str | None = None) -> Settings:
    overrides = {name: value for name, value in (("port", port), ("host", host)) if value is not None}
    settings = load_settings(**overrides)
    from web import logs

    logs.configure(settings)
    return settings


def _run(work: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)
    except KeyboardInterrupt:
        sys.exit(130)


@app.command()
def serve(
    port: Port = None,
    host: Host = None,
    worker: Annotated[bool, typer.Option(help="Answer messages in this process too.")] = True,
) -> None:
    """Serve the widget, the API and the console."""
    settings = _settings(port, host)
    from web import commands

    _run(commands.serve(settings, out, work=worker))


@app.command()
def worker() -> None:
    """Answer messages without serving the web; for installations of several processes on PostgreSQL."""
    settings = _settings()
    from web import commands

    _run(commands.work(settings, out))


@app.command()
def migrate() -> None:
    """Create the database's tables, or bring them up to date."""
    settings = _settings()
    from web import commands

    _run(commands.migrate(settings, out))


@app.command()
def demo(port: Port = None, host: Host = None) -> None:
    """Load an invented shop with its help centre, and serve it."""
    settings = _settings(port, host)
    from web import commands

    _run(commands.demo(settings, out))


@app.command()
def ingest(
    source: Annotated[str, typer.Argument(help="A folder, a .md, .jsonl or .csv file, or the address of one.")],
    organization: OrganizationOption = None,
    as_json: AsJson = False,
) -> None:
    """Make a folder or file of help articles part of the knowledge; ingested again, it is brought up to date."""
    settings = _settings()
    from web import commands

    _run(commands.ingest(settings, out, err, source, organization, as_json=as_json))


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What a customer would write.")],
    organization: OrganizationOption = None,
    as_json: AsJson = False,
) -> None:
    """Show what the agent would say to a question. Nothing is stored or sent."""
    settings = _settings()
    from web import commands

    _run(commands.ask(settings, out, question, organization, as_json=as_json))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check the installation: settings, folders, database, models. Exit code 1 if something is wrong."""
    settings = _settings()
    from web import doctor as examination

    results = asyncio.run(examination.examine(settings))
    if as_json:
        print(json.dumps([result.as_json() for result in results]))  # noqa: T201
    else:
        examination.show(results, out)
    if any(not result.ok for result in results):
        raise typer.Exit(1)
