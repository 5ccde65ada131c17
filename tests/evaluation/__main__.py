"""`make eval`: everything the brain promises, measured, with the goal and simpler ways beside each figure."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

from core.errors import BadInput
from core.knowledge.metrics import Bin
from core.nlp.encoder import Encoder
from core.nlp.sentiment import SentimentModel
from core.settings import Settings, load_settings
from tests.evaluation import categories, compute, guards, knowledge, tone
from tests.evaluation.data import AbsentError, fresh_trades, knowledge_sets, trades
from tests.evaluation.table import Row, grid, lines
from web import logs

PARTS = ("knowledge", "sentiment", "guards", "compute")
OUTPUT = Path("var/eval.json")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with the public data sets")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure only this part; may be repeated")
    parser.add_argument("--out", type=Path, default=OUTPUT)
    given = parser.parse_args()
    settings = load_settings()
    logs.configure(settings)
    found = asyncio.run(_measure(settings, given.data, given.only or PARTS))
    found.show()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(found.as_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


class Report:
    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.curves: dict[str, list[Bin | None]] = {}
        self.absent: list[str] = []

    def show(self) -> None:
        print(*lines(self.rows), sep="\n")  # noqa: T201
        if self.curves:
            print("\nReliability: of the first articles promised so surely, so many were right (of how many)\n")  # noqa: T201
            print(*self._curves(), sep="\n")  # noqa: T201
        for line in self.absent:
            print(f"\nNot measured: {line}")  # noqa: T201
        missed = [row for row in self.rows if row.reached is False]
        goals = sum(row.goal is not None for row in self.rows)
        print(f"\n{goals - len(missed)} of {goals} goals reached")  # noqa: T201

    def _curves(self) -> list[str]:
        cells = [
            [f"{10 * place} to {10 * place + 10} %", *(_bin(curve[place]) for curve in self.curves.values())]
            for place in range(10)
        ]
        return grid(["promised", *self.curves], cells)

    def as_json(self) -> dict[str, object]:
        return {
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "rows": [row.as_json() for row in self.rows],
            "reliability": {name: [asdict(found) for found in curve if found] for name, curve in self.curves.items()},
            "absent": self.absent,
        }


def _bin(found: Bin | None) -> str:
    return "" if found is None else f"{100 * found.right:.0f} % ({found.count})"


async def _measure(settings: Settings, data: Path, parts: tuple[str, ...] | list[str]) -> Report:
    report = Report()
    if "knowledge" in parts:
        await _knowledge(settings, data, report)
    encoder, model = Encoder(1), SentimentModel()
    if "sentiment" in parts:
        async for rows in _sentiment(encoder, model, data, report):
            report.rows += rows
    if "guards" in parts:
        try:
            report.rows += categories.every(encoder, data)
        except AbsentError as error:
            report.absent.append(str(error))
        report.rows += guards.every(encoder)
    encoder.close()
    if "compute" in parts:
        report.rows += await compute.measure(settings)
    return report


async def _knowledge(settings: Settings, data: Path, report: Report) -> None:
    measured = []
    for each in knowledge_sets(data):
        try:
            measured.append(await knowledge.measure(settings, each))
        except AbsentError as error:
            report.absent.append(str(error))
    together = {
        "ten trades heldout": trades(),
        "six trades fresh": fresh_trades(),
        "six plain trades fresh": fresh_trades("fresh_plain"),
    }
    for name, sets in together.items():
        measured.append(knowledge.together(name, [await knowledge.measure(settings, each) for each in sets]))
    for found in measured:
        report.rows += knowledge.rows(found)
        report.curves[found.of.name] = knowledge.curve(found)
    encoder = Encoder(settings.encoder_sessions)
    try:
        report.rows += await knowledge.unseen(data, encoder, measured)
    except BadInput as error:
        report.absent.append(f"knowledge as if never seen. {error}")
    finally:
        encoder.close()


async def _sentiment(encoder: Encoder, model: SentimentModel, data: Path, report: Report) -> AsyncIterator[list[Row]]:
    sets = (
        ("posts to companies, ours", lambda: tone.to_companies(), (0.80, 0.92)),
        ("tweeteval dev", lambda: tone.posts(data), None),
        ("goemotions test", lambda: tone.comments(data), None),
    )
    for name, read, goals in sets:
        try:
            sample = read()
        except AbsentError as error:
            report.absent.append(str(error))
            continue
        ours = await tone.felt(encoder, model, [text for text, _ in sample], name)
        yield tone.measure(name, sample, ours, goals)
    yield await tone.degrees(encoder, model)


if __name__ == "__main__":
    sys.exit(main())
