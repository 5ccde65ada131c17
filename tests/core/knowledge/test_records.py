import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.knowledge.plaintext import parse
from core.knowledge.records import is_record, name_of, records, terse


@pytest.mark.parametrize(
    ("head", "row", "line"),
    [
        (["Code", "Meaning", "Do"], ["PAY-104", "Timed out", "Again"], "PAY-104 — Meaning: Timed out; Do: Again"),
        (["Repair", "Price"], ["Replace a zip", "£18"], "Replace a zip — Price: £18"),
        (["Size", "Chest (cm)"], ["M", "94 to 99"], "Size M — Chest: 94 to 99 cm"),
        (["Size", "Chest (cm)"], ["M", "as ordered"], "Size M — Chest (cm): as ordered"),
        (["Pieces in one order", "Discount"], ["10 to 24", "8%"], "Pieces in one order: 10 to 24 — Discount: 8%"),
        (["Zone", "Price", "Free from"], ["3", "£20", ""], "Zone 3 — Price: £20"),
        (["", "Price"], ["Small", "£3"], "Small — Price: £3"),
        (["Day", "Hours"], ["", "9 to 5"], "Hours: 9 to 5"),
        (["", ""], ["Phone", "0117\n496"], "Phone — 0117 496"),
        (["Size"], ["XL"], "Size XL"),
        (["Day"], ["Monday", "9 to 5"], "Monday — 9 to 5"),
    ],
)  # fmt: skip
def test_a_row_reads_alone(head: list[str], row: list[str], line: str) -> None:
    assert list(records(head, [row])) == [f"- {line}"]


def test_a_table_has_a_line_for_each_row_that_says_anything() -> None:
    (block,) = parse("| Size | Chest (cm) |\n|-|-|\n| S | 88 |\n| | |\n| *M* | 94 |")
    assert block.parts == ("- Size S — Chest: 88 cm", "- Size M — Chest: 94 cm")
    assert [name_of(line) for line in block.parts] == ["Size S", "Size M"]
    assert parse("| Size | Chest |\n|-|-|") == []


def test_what_is_embedded_names_each_column_once() -> None:
    body = "Prices:\n- UK — Price: £3; Days: 2\n- Norway — Price: £16; Days: 5\n\n- no row: of a table"
    assert terse(body) == "Prices:\n- UK Price: £3, Days: 2\n- Norway £16, 5\n\n- no row: of a table"


cells = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12)


@given(st.lists(cells, min_size=2, max_size=4), st.lists(st.lists(cells, min_size=2, max_size=4), max_size=5))
def test_every_cell_is_kept(head: list[str], rows: list[list[str]]) -> None:
    told = list(records(head, rows))
    kept = [row for row in rows if any(cell.strip() for cell in row)]
    assert len(told) == len(kept)
    for line, row in zip(told, kept, strict=True):
        assert "\n" not in line
        assert all(" ".join(cell.split()) in line for cell in row)
        assert is_record(line) or not row[0].strip() or not any(cell.strip() for cell in row[1:])
