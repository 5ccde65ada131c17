"""What is measured: one function a row of the table."""

from __future__ import annotations

import asyncio
import gzip
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from core.knowledge.sources import read_folder
from core.nlp.encoder import Encoder
from tests.bench import seed
from tests.bench.load import Measured, ask, crowd, visitor
from tests.bench.server import Server, environment, serving
from web.paths import DEMO_KNOWLEDGE, WIDGET

WARM_UP = 30
NO_PAUSE = (0.0, 0.0)
HUMAN_PAUSE = (1.0, 3.0)


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    measured: float
    unit: str
    goal: float
    at_least: bool = False
    note: str = ""

    @property
    def reached(self) -> bool:
        return self.measured >= self.goal if self.at_least else self.measured <= self.goal

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "measured": round(self.measured, 2),
            "unit": self.unit,
            "goal": self.goal,
            "reached": self.reached,
            "note": self.note,
        }


def encoder_pass_ms(questions: Sequence[str]) -> float:
    """CPU of one bare pass of the encoder over one of the questions, in this process."""

    async def passes() -> float:
        encoder = Encoder(1)
        for question in questions[:WARM_UP]:
            await encoder.embed(question)
        started = time.process_time()
        for question in questions:
            await encoder.embed(question)
        took = time.process_time() - started
        encoder.close()
        return took / len(questions) * 1000

    return asyncio.run(passes())


def asked_of_the_demo() -> list[str]:
    """The ways to ask that the demo's articles list."""
    return [question for article in read_folder(DEMO_KNOWLEDGE) for question in article.questions]


async def answered_ones(server: Server, questions: Sequence[str]) -> list[str]:
    """Those that get a cited answer: the rows below are about these."""
    answered = []
    for question in questions:
        # A visitor each: who is handed over to a person hears nothing more from the bot.
        async with visitor(server.base) as socket:
            measured = Measured()
            await ask(socket, question, measured)
        if measured.cited:
            answered.append(question)
    return answered


async def one_chat(server: Server, questions: Sequence[str]) -> tuple[list[Row], float]:
    """Also returns the median, for the busy neighbour's row."""
    measured = Measured()
    async with visitor(server.base) as socket:
        for question in questions[:WARM_UP]:
            await ask(socket, question, Measured())
        for question in questions:
            await ask(socket, question, measured)
            await asyncio.sleep(0.05)
    p50, p95 = quantile(measured.replies, 0.5), quantile(measured.replies, 0.95)
    note = f"{len(measured.replies)} questions"
    return [Row("one chat, cited answer, p50", p50, "ms", 20, note=note), Row("… p95", p95, "ms", 40)], p50


async def hundred_chats(server: Server, questions: Sequence[str], seconds: float) -> list[Row]:
    measured = await crowd(server.base, questions, 100, seconds, HUMAN_PAUSE)
    note = f"{len(measured.replies)} answers, {len(measured.errors)} errors"
    return [
        Row("100 chats, each asking every 1 to 3 s, p95", quantile(measured.replies, 0.95), "ms", 200, note=note),
        Row("… lost or failed", len(measured.errors) + len(measured.acks) - len(measured.replies), "", 0),
        Row("… ack, p99", quantile(measured.acks, 0.99), "ms", 100),
    ]


async def saturated(server: Server, questions: Sequence[str], seconds: float, encoder_ms: float) -> list[Row]:
    cpu, started = server.cpu_seconds(), time.perf_counter()
    measured = await crowd(server.base, questions, 24, seconds, NO_PAUSE)
    took, cpu = time.perf_counter() - started, server.cpu_seconds() - cpu
    answers = len(measured.replies)
    ratio = cpu / max(answers, 1) * 1000 / encoder_ms
    note = f"{cpu / max(answers, 1) * 1000:.1f} ms of CPU an answer, bare encoder {encoder_ms:.1f} ms"
    return [
        Row("saturated, answers a second", answers / took, "/s", 100, at_least=True),
        Row("… CPU of an answer, in bare encoder passes", ratio, "x", 4, note=note),
        Row("… ack, p99", quantile(measured.acks, 0.99), "ms", 100),
    ]


async def busy_neighbours(server: Server, questions: Sequence[str], idle_p50: float) -> Row:
    with _spinning(multiprocessing.cpu_count()):
        _, p50 = await one_chat(server, questions)
    return Row("a busy neighbour on each core, p50", p50 / idle_p50, "x idle", 3)


def start_to_first_answer(data_dir: Path, question: str) -> Row:
    """From the command to the cited answer, the demo loaded once before (warm disk)."""

    async def first(server: Server) -> None:
        async with visitor(server.base) as socket:
            await ask(socket, question, Measured())

    with serving(data_dir) as server:
        asyncio.run(first(server))
        return Row("start to first answered question", time.perf_counter() - server.started, "s", 4)


def ingest_thousand() -> Row:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        seed.organization(path / "var")
        (path / "faq.jsonl").write_text(seed.thousand_articles(), encoding="utf-8")
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "web.cli", "ingest", str(path / "faq.jsonl"), "--json"],
            env=environment(path / "var"),
            check=True,
            capture_output=True,
        )
        return Row("1,000 short articles ingested", time.perf_counter() - started, "s", 20)


def tickets_page(tickets: int) -> Row:
    """CPU of the server for one page of 25, of so many tickets."""
    with tempfile.TemporaryDirectory() as folder:
        key = seed.tickets(Path(folder), tickets)
        with serving(Path(folder), "serve") as server, httpx.Client(base_url=server.base) as client:
            client.headers["Authorization"] = f"Bearer {key}"
            for _ in range(WARM_UP):
                assert len(client.get("/api/v1/tickets?limit=25").raise_for_status().json()["items"]) == 25
            cpu = server.cpu_seconds()
            for _ in range(200):
                client.get("/api/v1/tickets?limit=25")
            took = (server.cpu_seconds() - cpu) / 200 * 1000
    return Row(f"a page of 25 of {tickets:,} tickets, CPU", took, "ms", 10)


def widget_loader() -> Row:
    size = len(gzip.compress((WIDGET / "widget.js").read_bytes(), 9)) / 1000
    return Row("widget loader, gzipped", size, "kB", 15)


@contextmanager
def _spinning(cores: int) -> Iterator[None]:
    busy = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(cores)]
    for process in busy:
        process.start()
    try:
        yield
    finally:
        for process in busy:
            process.terminate()
            process.join()


def _spin() -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        json.dumps(list(range(1000)))


def quantile(values: Sequence[float], share: float) -> float:
    if len(values) < 2:
        return values[0] if values else float("inf")
    return statistics.quantiles(values, n=1000, method="inclusive")[round(share * 1000) - 1]
