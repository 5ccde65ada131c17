"""The commands as somebody types them: what they print, and what they say to mistakes."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import servers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    def refusal(self) -> str:
        """The one line that says what is wrong."""
        assert self.code == 2, self.out + self.err
        assert self.out == ""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("deskhand: ")
        return lines[0]


class Commands:
    """Runs `deskhand` on a data folder, a few at a time."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._free = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, *words: str, **settings: str) -> Ended:
        async with self._free:
            ended = await asyncio.to_thread(self._run, words, settings)
        assert "Traceback" not in ended.err, ended.err
        return ended

    def _run(self, words: tuple[str, ...], settings: dict[str, str]) -> Ended:
        done = subprocess.run(
            servers.command(*words),
            env=servers.environment(self._data_dir, **settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    async def refused(self, expected: str, *words: str, **settings: str) -> None:
        line = (await self(*words, **settings)).refusal()
        for part in expected.split("|"):
            assert part in line, (words, settings, line)


@pytest.fixture
def deskhand(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


async def test_a_command_that_is_typed_wrongly_is_one_line_that_names_it(deskhand: Commands) -> None:
    await asyncio.gather(
        deskhand.refused("'launch'|--help", "launch"),
        deskhand.refused("--port|deskhand serve --help", "serve", "--port", "abc"),
        deskhand.refused("DESKHAND_PORT|65535", "serve", "--port", "70000"),
        deskhand.refused("--colour", "migrate", "--colour"),
        deskhand.refused("question|deskhand ask --help", "ask"),
        deskhand.refused("source|deskhand ingest --help", "ingest"),
    )


async def test_a_setting_that_cannot_be_used_is_named_with_the_remedy(deskhand: Commands, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    closed = f"postgresql://127.0.0.1:{servers.free_port()}/none"
    await asyncio.gather(
        deskhand.refused("DESKHAND_PORT|integer", "serve", DESKHAND_PORT="http"),
        deskhand.refused("DESKHAND_LOG_LEVEL|'warning'", "migrate", DESKHAND_LOG_LEVEL="loud"),
        deskhand.refused("DESKHAND_DATABASE_URL|postgresql+asyncpg://", "migrate", DESKHAND_DATABASE_URL="nonsense"),
        deskhand.refused("DESKHAND_DATABASE_URL|'mysql'", "migrate", DESKHAND_DATABASE_URL="mysql://x/y"),
        deskhand.refused("DESKHAND_DATA_DIR|file", "demo", DESKHAND_DATA_DIR=str(tmp_path / "file")),
        deskhand.refused("DESKHAND_SECRET_KEY|openssl", "serve", DESKHAND_ENVIRONMENT="production"),
        deskhand.refused("does not answer|DESKHAND_DATABASE_URL", "serve", DESKHAND_DATABASE_URL=closed),
        deskhand.refused("does not answer|DESKHAND_DATABASE_URL", "migrate", DESKHAND_DATABASE_URL=closed),
    )


async def test_a_database_without_tables_is_refused_with_the_command_that_makes_them(deskhand: Commands) -> None:
    await asyncio.gather(*(deskhand.refused("deskhand migrate", *words) for words in (["serve"], ["ask", "Hello"])))


async def test_with_tables_but_nobody_in_them_the_next_step_is_named(deskhand: Commands, tmp_path: Path) -> None:
    (tmp_path / "help.md").write_text("---\ntitle: Delivery\n---\nDelivery takes two days.\n")
    assert (await deskhand("migrate")).out == "The database is up to date.\n"
    assert (await deskhand("migrate")).code == 0
    await asyncio.gather(
        deskhand.refused("deskhand create|deskhand demo", "ask", "How long does delivery take?"),
        deskhand.refused("deskhand create", "ingest", str(tmp_path / "help.md")),
        deskhand.refused("/no/such/[/folder]", "ingest", "/no/such/[/folder]"),
        deskhand.refused("empty|deskhand ask", "ask", " "),
    )


async def test_from_nothing_to_the_first_answer_of_ones_own(deskhand: Commands, tmp_path: Path) -> None:
    pages = tmp_path / "help"
    pages.mkdir()
    (pages / "delivery.md").write_text("# Delivery times\n\nDelivery takes two days within Ireland.\n")
    (pages / "returns.md").write_text("# Returns\n\nYou can return anything within 30 days.\n")
    made = (await deskhand("create", "Café Noir", "--email", "Olive@cafe-noir.example", "--json")).json()
    assert (made["organization"], made["email"]) == ("cafe-noir", "olive@cafe-noir.example")
    assert made["api_key"].startswith("dk_")
    await deskhand.refused("'cafe-noir' already", "create", "cafe noir", "--email", "x@cafe-noir.example")
    await deskhand.refused("deskhand create", "create", "Noir", "--email", "x@")
    assert (await deskhand("ingest", str(pages), "--json")).json()["added"] == 2
    assert (await deskhand("ask", "How long does delivery take?", "--json")).json()["action"] == "answer"
    (pages / "delivery.md").unlink()
    assert (await deskhand("ingest", f"{pages}/", "--json")).json() == {
        "added": 0, "changed": 0, "unchanged": 1, "removed": 1,
    }  # fmt: skip
    await deskhand.refused(f"Nothing was read from elsewhere|{pages}", "ingest", "elsewhere", "--remove")
    assert (await deskhand("ingest", str(pages), "--remove", "--json")).json()["removed"] == 1


async def test_the_doctor_finds_what_is_wrong_and_says_so_by_its_exit_code(deskhand: Commands) -> None:
    ill = await deskhand("doctor", "--json")
    found = {finding["check"]: finding for finding in json.loads(ill.out)}
    assert ill.code == 1
    assert not found["database"]["ok"]
    assert "deskhand migrate" in found["database"]["detail"]
    assert found["encoder"]["ok"]
    await deskhand("migrate")
    healthy = await deskhand("doctor")
    assert healthy.code == 0
    assert "no language model" in healthy.out or "none configured" in healthy.out


async def test_on_the_demo_the_other_commands_work_and_know_that_it_runs(deskhand: Commands, tmp_path: Path) -> None:
    (tmp_path / "kettles.md").write_text(
        '---\ntitle: Which kettles we repair\nquestions: ["Do you repair kettles?"]\n---\n'
        "We repair every steel kettle.\n"
    )
    with servers.started(tmp_path, "demo") as process:
        await deskhand.refused(f"pid {process.child.pid}|PostgreSQL", "serve", "--port", "0")
        await deskhand.refused("PostgreSQL", "worker")
        added = (await deskhand("ingest", str(tmp_path / "kettles.md"), "--json")).json()
        assert (added["added"], added["changed"], added["removed"]) == (1, 0, 0)
        answer = (await deskhand("ask", "Do you repair kettles?", "--json")).json()
        assert answer["action"] == "answer"
        assert "steel kettle" in answer["text"]
        assert answer["citations"][0]["article"] == "kettles"
        await deskhand.refused("'globex'|demo", "ask", "Hello", "-o", "globex")
        readable = await deskhand("ask", "Do you sell helicopters for the moon?")
        assert readable.out.startswith("Handed over: ")
        process.stop()
    log = process.log.read_text()
    assert f":{process.base.rpartition(':')[2]}/demo" in log
    assert (tmp_path / "demo-password.txt").read_text().strip() in log
    assert (tmp_path / "demo-password.txt").stat().st_mode & 0o077 == 0
    assert (tmp_path / "secret.key").stat().st_mode & 0o077 == 0


async def test_a_port_that_is_taken_is_named_with_another(deskhand: Commands) -> None:
    await deskhand("migrate")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        await deskhand.refused(f"Port {port}|PORT={port + 1}", "serve", "--port", str(port))


async def test_help_is_enough_and_needs_nothing(deskhand: Commands, tmp_path: Path) -> None:
    nothing = await deskhand()
    assert nothing.code == 2
    texts = await asyncio.gather(*(deskhand(name, "--help") for name in ("serve", "ask")))
    assert all(ended.code == 0 for ended in texts)
    assert "--organization" in texts[1].out
    for name in ("serve", "worker", "migrate", "demo", "create", "ingest", "ask", "doctor", "eval", "sentiment"):
        assert name in nothing.out
    assert not any(tmp_path.iterdir())  # noqa: ASYNC240
