"""A table's rows as lines that can each be read alone: in a chat, in an e-mail, aloud, and by an encoder.

| Size | Chest (cm) |
|------|------------|            - Size M — Chest: 94 to 99 cm
| M    | 94 to 99   |
"""

import re
from collections.abc import Iterator, Sequence

MARK = "- "
NAME_ENDS = " — "

# "10 to 24", "3" or "XL" says nothing without its column's name, "Replace a zip" and "PAY-104" do.
_NEEDS_ITS_COLUMN = re.compile(r"\d.*|[^a-z\s]{1,4}")
_UNIT = re.compile(r"(?P<name>.+?) \((?P<unit>[^\W\d_]{1,4}|%|°[CF])\)")
_AMOUNT = re.compile(r"[\d.,]+(?: ?(?:to|-|–) ?[\d.,]+)?")


def records(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """One line a row, without line breaks; empty cells are left out, and so are empty rows."""
    for row in rows:
        columns = [*head, *[""] * (len(row) - len(head))]
        first, *others = [(name, " ".join(cell.split())) for name, cell in zip(columns, row, strict=False)]
        said = "; ".join(_cell(name, cell) for name, cell in others if cell)
        called = _called(*first) if first[1] else ""
        if line := NAME_ENDS.join(part for part in (called, said) if part):
            yield MARK + line


def is_record(line: str) -> bool:
    return line.startswith(MARK) and NAME_ENDS in line


def name_of(record: str) -> str:
    """ "Size M" of "- Size M — Chest: 94 to 99 cm"."""
    return record.removeprefix(MARK).partition(NAME_ENDS)[0]


def _called(column: str, cell: str) -> str:
    if not column or not _NEEDS_ITS_COLUMN.fullmatch(cell):
        return cell
    return f"{column}: {cell}" if " " in column or " " in cell else f"{column} {cell}"


def _cell(column: str, cell: str) -> str:
    if (unit := _UNIT.fullmatch(column)) and _AMOUNT.fullmatch(cell):
        return f"{unit['name']}: {cell} {unit['unit']}"
    return f"{column}: {cell}" if column else cell


def terse(body: str) -> str:
    """The text with each column named once: what is said twelve times weighs too much in a vector and in BM25."""
    named: set[str] = set()
    return "\n".join(_unlabelled(line, named) if is_record(line) else line for line in body.split("\n"))


def _unlabelled(record: str, named: set[str]) -> str:
    name, _, rest = record.partition(NAME_ENDS)
    cells = []
    for cell in rest.split("; "):
        column, colon, value = cell.partition(": ")
        cells.append(value if colon and column in named else cell)
        if colon:
            named.add(column)
    return f"{name} {', '.join(cells)}"
