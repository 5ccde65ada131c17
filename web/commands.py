"""What the commands do, once their settings are read."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sqlalchemy import select

from core import accounts, retention
from core import migrate as schema
from core.agent.profile import profile_of
from core.agent.state import REPLIES, Outcome, Question
from core.db import Database
from core.errors import BadInput
from core.helpdesk import Helpdesk
from core.knowledge import fetch, store
from core.models import Member, Organization, new_id
from core.nlp.encoder import Encoder
from core.secrets import SecretBox
from core.settings import Settings
from core.single import only_process
from web import serving
from web.connecting import connect
from web.demo import load as demo_shop
from web.founding import found, slug_of
from web.listeners import listening

LONGEST_NAME = 200
ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


@asynccontextmanager
async def _database(settings: Settings, *, checked: bool = True) -> AsyncIterator[Database]:
    db = Database(settings.url)
    try:
        if checked:
            await schema.check(db)
        yield db
    finally:
        await db.close()


async def migrate(settings: Settings, out: Console) -> None:
    async with _database(settings, checked=False) as db:
        await schema.migrate(db)
    out.print("The database is up to date.")


async def serve(settings: Settings, out: Console, *, work: bool) -> None:
    async with _database(settings):
        pass  # a schema of another version must stop the start, not the first customer
    await serving.serve(settings, lambda url: out.print(f"Deskhand serves on {url}"), work=work)


async def work(settings: Settings, out: Console) -> None:
    with _alone(settings):
        async with _database(settings):
            pass
        helpdesk = Helpdesk.build(settings, connect)
        await helpdesk.warm_up()
        async with helpdesk.running(), listening(helpdesk):
            out.print("Deskhand's worker runs.")
            await asyncio.Event().wait()


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    if not settings.embedded:
        yield
        return
    with only_process(Path(settings.url.database or "")):
        yield


async def demo(settings: Settings, out: Console) -> None:
    box = SecretBox(settings.key())
    async with _database(settings, checked=False) as db:
        await schema.migrate(db)
        encoder = Encoder(settings.encoder_sessions)
        with _bar(out, "Reading the demo shop's help centre", transient=True) as advance:
            loaded = await demo_shop.load(db, encoder, box, settings.data_dir, advance)
        encoder.close()

    def announce(url: str) -> None:
        out.print(
            f"\n  [bold]{loaded.organization.name}[/], the demo shop, is open.\n\n"
            f"  Shop with the chat   {url}/demo\n"
            f"  Console              {url}/console\n"
            f"     e-mail            {demo_shop.ADMIN_EMAIL}\n"
            f"     password          {loaded.password}\n"
            f"  API                  {url}/api/docs\n\n"
            "  Stop with Ctrl+C. Everything is kept in "
            f"{settings.data_dir}/; delete it to start afresh.\n",
            highlight=False,
        )

    await serving.serve(settings, announce)


async def create(settings: Settings, out: Console, name: str, email: str, *, as_json: bool) -> None:
    name, email, slug = name.strip(), email.strip().lower(), slug_of(name)
    if not name or len(name) > LONGEST_NAME or not ADDRESS.fullmatch(email):
        raise BadInput('Give a name and an e-mail address: deskhand create "Café Noir" --email you@cafe-noir.example')
    password, site_key = secrets.token_urlsafe(9), secrets.token_urlsafe(12)
    async with _database(settings, checked=False) as db:
        await schema.migrate(db)
        defaults = accounts.OrganizationSettings().model_dump()
        organization = Organization(id=new_id(), slug=slug, name=name, settings=defaults)
        admin = Member(
            email=email,
            name=email.partition("@")[0],
            role="admin",
            password_hash=accounts.hash_password(password),
        )
        api_key = await found(db, SecretBox(settings.key()), organization, admin, site_key)
    if as_json:
        made = {"organization": slug, "email": email, "password": password}
        print(json.dumps({**made, "site_key": site_key, "api_key": api_key}))  # noqa: T201
        return
    out.print(
        f"\n  [bold]{escape(name)}[/] is set up. The password and the API key are shown this once.\n\n"
        f"  Console    e-mail      {escape(email)}\n"
        f"             password    {password}\n"
        f"  API key                {api_key}\n"
        f"  Your site  data-site-key={json.dumps(site_key)}\n\n"
        f"  Next: deskhand ingest FOLDER, then deskhand serve.\n",
        highlight=False,
        soft_wrap=True,
    )


async def ingest(
    settings: Settings, out: Console, err: Console, source: str, slug: str | None, *, as_json: bool
) -> None:
    articles = await fetch.read(source)
    if not articles:
        raise BadInput(f"There are no articles in {source}. Give a folder with .md files, or a .jsonl or .csv file.")
    async with _database(settings) as db:
        organization = await _organization(db, slug)
        encoder = Encoder(settings.encoder_sessions)
        with _bar(err, f"Reading {len(articles)} articles", len(articles)) as advance:
            done = await store.ingest(db, organization.id, encoder, articles, fetch.place_of(source), progress=advance)
        encoder.close()
    if as_json:
        print(json.dumps(asdict(done)))  # noqa: T201
    else:
        out.print(
            f"{escape(organization.name)}: {done.added} added, {done.changed} changed, "
            f"{done.unchanged} unchanged, {done.removed} removed."
        )


async def remove(settings: Settings, out: Console, source: str, slug: str | None, *, as_json: bool) -> None:
    async with _database(settings) as db:
        organization = await _organization(db, slug)
        async with db.read(organization.id) as scope:
            known = await store.sources(scope)
        if source not in known and fetch.place_of(source) not in known:
            raise BadInput(f"Nothing was read from {source}. Articles came from: {', '.join(known) or 'nowhere yet'}.")
        encoder = Encoder(settings.encoder_sessions)
        place = fetch.place_of(source)
        done = await store.ingest(db, organization.id, encoder, [], place if place in known else source)
        encoder.close()
    if as_json:
        print(json.dumps(asdict(done)))  # noqa: T201
    else:
        out.print(f"{escape(organization.name)}: {done.removed} articles removed.")


async def ask(settings: Settings, out: Console, text: str, slug: str | None, *, as_json: bool) -> None:
    if not text.strip():
        raise BadInput('The question is empty. Try: deskhand ask "How long does delivery take?"')
    async with _database(settings) as db:
        organization = await _organization(db, slug)
        helpdesk = Helpdesk.build(settings, connect)
        async with helpdesk.running(work=False):
            index = await helpdesk.shelf.index(organization.id, organization.knowledge_version)
            outcome = await helpdesk.agent.run(
                Question(text=text, knowledge=index, profile=profile_of(organization.name, organization.settings))
            )
    if as_json:
        print(json.dumps(_as_json(outcome)))  # noqa: T201
        return
    _show(outcome, out)


async def erase(settings: Settings, out: Console, who: str, slug: str | None, *, yes: bool, as_json: bool) -> None:
    async with _database(settings) as db:
        organization = await _organization(db, slug)
        async with db.write(organization.id) as scope:
            found = await retention.known_as(scope, who.strip())
            kept = [await retention.kept(scope, customer_id) for customer_id in found]
            for customer_id in found if yes else ():
                await retention.erase(scope, customer_id)
    if not found:
        raise BadInput(
            f"{organization.name} knows nobody by {who!r}. Give the e-mail address, or their id on a channel."
        )
    sums = {name: sum(getattr(each, name) for each in kept) for name in ("conversations", "messages", "tickets")}
    if as_json:
        print(json.dumps({"erased": yes, "customers": len(found), **sums}))  # noqa: T201
        return
    counts = ", ".join(f"{count} {name}" for name, count in sums.items())
    done = "Erased" if yes else "With --yes this is erased for good"
    out.print(f"{done}: {len(found)} customers by that name, with {counts}.")


def _as_json(outcome: Outcome) -> dict[str, Any]:
    answer = outcome.answer
    return {
        "action": outcome.decision.action,
        "reason": outcome.decision.reason,
        "confidence": round(outcome.confidence, 4),
        "text": answer.text if answer else None,
        "citations": [citation.as_json() for citation in answer.citations] if answer else [],
        "sentiment": outcome.reading.sentiment.label,
        "language": outcome.reading.language,
    }


def _show(outcome: Outcome, out: Console) -> None:
    decision, answer = outcome.decision, outcome.answer
    if decision.action == "clarify":
        out.print(f"[green]Asked back[/] (confidence {outcome.confidence:.0%})\n")
    elif decision.action in REPLIES:
        out.print(f"[green]Answered[/] (confidence {outcome.confidence:.0%})\n")
    else:
        out.print(f"[yellow]Handed over[/]: {decision.reason} (confidence {outcome.confidence:.0%})\n")
    if answer:
        if decision.action == "escalate":
            out.print("[dim]The draft for the agent:[/]")
        out.print(answer.text, markup=False, highlight=False)
        for number, citation in enumerate(answer.citations, 1):
            out.print(f"  [{number}] {citation.title}  {citation.url or ''}", markup=False, highlight=False)


async def _organization(db: Database, slug: str | None) -> Organization:
    async with db.system() as scope:
        found = list(await scope.session.scalars(select(Organization).order_by(Organization.slug)))
    if not found:
        raise BadInput("There is no organization yet. `deskhand create` makes yours, `deskhand demo` one to look at.")
    if slug is None and len(found) == 1:
        return found[0]
    names = ", ".join(organization.slug for organization in found)
    if slug is None:
        raise BadInput(f"There are several organizations. Say which with --organization: {names}.")
    for organization in found:
        if organization.slug == slug:
            return organization
    raise BadInput(f"There is no organization {slug!r}. There is: {names}.")


@contextmanager
def _bar(console: Console, title: str, total: int | None = None, *, transient: bool = False) -> Iterator[Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=transient) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.advance(task, done)
