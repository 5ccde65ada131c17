"""`make bench`: the rows of the README's table, measured on this machine through the real server."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench import desk, rows, telegram
from tests.bench.mail import mail_to_message
from tests.bench.rows import Row
from tests.bench.server import serving

DEFAULT_OUTPUT = Path("var/bench.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="of each load (default: 20)")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUTPUT)
    options = parser.parse_args()
    measured = []
    for row in _measure(options.seconds):
        print(_line(row), flush=True)  # noqa: T201
        measured.append(row.as_json())
    options.out.parent.mkdir(parents=True, exist_ok=True)
    machine = {"machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    options.out.write_text(json.dumps({**machine, "rows": measured}, indent=1) + "\n")


def _measure(seconds: float) -> Iterator[Row]:
    questions = rows.asked_of_the_demo()
    with tempfile.TemporaryDirectory() as folder:
        with serving(Path(folder)) as server:
            questions = asyncio.run(rows.answered_ones(server, questions))
            encoder_ms = rows.encoder_pass_ms(questions)
            one, p50 = asyncio.run(rows.one_chat(server, questions))
            yield from one
            yield from asyncio.run(rows.hundred_chats(server, questions, seconds))
            yield from asyncio.run(rows.saturated(server, questions, seconds, encoder_ms))
            yield Row("memory while serving, after all that", server.memory_mb(), "MB", 400)
            yield asyncio.run(rows.busy_neighbours(server, questions, p50))
        yield from asyncio.run(desk.desk_under_load(questions, seconds))
        yield rows.start_to_first_answer(Path(folder), questions[0])
    yield from telegram.hundred_people(questions, seconds)
    yield rows.ingest_thousand()
    yield rows.widget_loader()
    yield rows.tickets_page(100)
    yield rows.tickets_page(10_000)
    yield from mail_to_message()


def _line(row: Row) -> str:
    sign = "≥" if row.at_least else "≤"
    figure, goal = f"{row.measured:.1f} {row.unit}", f"{sign} {row.goal:g} {row.unit}"
    return f"| {row.name:<46} | {figure:>12} | {goal:>11} | {'reached' if row.reached else 'MISSED':<7} | {row.note} |"


if __name__ == "__main__":
    main()
