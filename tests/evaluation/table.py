"""The table that `make eval` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Unit = Literal["%", "", "ms", "x"]
HEAD = ("set", "figure", "measured", "goal", "", "beside it", "")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `measured` and `beside` (the same figure of simpler ways) are shares where the unit is "%"."""

    data: str
    figure: str
    measured: float | None
    unit: Unit = "%"
    goal: float | None = None
    at_least: bool = True
    beside: Mapping[str, float | None] = field(default_factory=dict)
    note: str = ""

    @property
    def reached(self) -> bool | None:
        if self.goal is None or self.measured is None:
            return None
        return self.measured >= self.goal if self.at_least else self.measured <= self.goal

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "reached": self.reached}

    def cells(self) -> tuple[str, ...]:
        sign = "≥" if self.at_least else "≤"
        goal = "" if self.goal is None else f"{sign} {_figure(self.goal, self.unit, short=True)}"
        verdict = {True: "reached", False: "MISSED", None: ""}[self.reached]
        known = {name: value for name, value in self.beside.items() if value is not None}
        beside = ", ".join(f"{name}: {_figure(value, self.unit)}" for name, value in known.items())
        return (self.data, self.figure, _figure(self.measured, self.unit), goal, verdict, beside, self.note)


def _figure(value: float | None, unit: Unit, *, short: bool = False) -> str:
    if value is None:
        return "–"
    if unit == "%":
        return f"{100 * value:.3g} %" if short else f"{100 * value:.1f} %"
    if unit == "":
        return f"{value:g}" if short else f"{value:.3f}"
    return f"{value:g} {unit}" if short else f"{value:.2f} {unit}"


def lines(rows: Iterable[Row]) -> list[str]:
    return grid(HEAD, [row.cells() for row in rows])


def grid(head: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table whose columns also line up on a terminal."""
    widths = [max(len(row[column]) for row in (head, *cells)) for column in range(len(head))]

    def line(row: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"

    return [line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, cells)]
