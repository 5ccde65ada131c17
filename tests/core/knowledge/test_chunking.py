import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.knowledge.articles import Article
from core.knowledge.chunking import LONGEST_PASSAGE, split
from core.knowledge.plaintext import parse

PAGE = """You can return almost anything.

## How to return

Do this:

1. Sign in.
2. Choose the order.
   - or several
3. Print the label.

## Costs

| Country | Price |
|---------|-------|
| UK      | free  |
| Norway  | £16   |

### Refunds

See [Refunds](https://acme.test/refunds) or mail [us@acme.test](mailto:us@acme.test). It is **quick**.
"""


def test_an_article_is_seen_from_its_title_headings_and_passages() -> None:
    views = split(Article("returns", "Returns", PAGE))
    assert [(view.kind, view.heading) for view in views] == [
        ("title", ""),
        ("passage", ""),
        ("heading", "How to return"),
        ("passage", "How to return"),
        ("heading", "Costs"),
        ("passage", "Costs"),
        ("heading", "Costs › Refunds"),
        ("passage", "Costs › Refunds"),
    ]
    assert [view.position for view in views] == list(range(8))
    steps, table, refunds = (view for view in views if view.kind == "passage" and view.heading)
    assert steps.body == "Do this:\n1. Sign in.\n2. Choose the order.\n  - or several\n3. Print the label."
    assert steps.text.startswith("Returns. How to return. Do this: 1. Sign in.")
    assert table.body == "- Country UK — Price: free\n- Norway — Price: £16"
    assert table.text == "Returns. Costs. - Country UK Price: free - Norway £16"
    assert refunds.body == "See Refunds (https://acme.test/refunds) or mail us@acme.test. It is quick."


def test_an_faq_is_seen_from_its_questions_and_its_answer_alone() -> None:
    views = split(Article("a", "Open?", "No, closed.", None, ("Open?", "Open on Sunday?")))
    assert [(view.kind, view.text) for view in views] == [
        ("question", "Open?"),
        ("question", "Open on Sunday?"),
        ("passage", "No, closed."),
    ]


def test_long_text_is_cut_between_paragraphs() -> None:
    paragraphs = [" ".join(f"word{n}" for n in range(90)) + "." for _ in range(5)]
    passages = [view for view in split(Article("a", "A", "\n\n".join(paragraphs))) if view.kind == "passage"]
    assert [view.body.count("\n\n") for view in passages] == [1, 1, 0]


def test_steps_stay_whole_with_their_lead_in() -> None:
    filler = " ".join(["word"] * 150) + "."
    steps = "\n".join(f"{n}. Press the button number {n} and wait for the light." for n in range(1, 13))
    passages = [v for v in split(Article("a", "A", f"{filler}\n\nTo reset it\n\n{steps}")) if v.kind == "passage"]
    assert len(passages) == 2
    assert passages[1].body.startswith("To reset it\n1. Press")
    assert passages[1].body.endswith("12. Press the button number 12 and wait for the light.")


def test_a_huge_table_is_cut_between_rows() -> None:
    rows = "\n".join(f"| model {n} | fits racks up to {n} mm and bags of {n} litres |" for n in range(100))
    passages = [v for v in split(Article("a", "A", f"| Model | Fits |\n|-|-|\n{rows}")) if v.kind == "passage"]
    assert len(passages) > 2
    lines = [line for passage in passages for line in passage.body.split("\n")]
    assert lines == [f"- model {n} — Fits: fits racks up to {n} mm and bags of {n} litres" for n in range(100)]


@pytest.mark.parametrize("markdown", ["<script>alert(1)</script>", "<!-- note -->", "***", "[](", "# Only a heading"])
def test_odd_markdown_shows_no_code(markdown: str) -> None:
    shown = " ".join(view.body for view in split(Article("a", "A", markdown)))
    assert "<" not in shown


@given(st.text(max_size=400), st.lists(st.text(max_size=30), max_size=3))
def test_any_text_can_be_cut(body: str, questions: list[str]) -> None:
    views = split(Article("a", "Title", body, None, tuple(questions)))
    assert [view.position for view in views] == list(range(len(views)))
    assert all(bool(view.body) == (view.kind == "passage") for view in views)


@given(st.lists(st.integers(1, 120), min_size=1, max_size=12))
def test_every_paragraph_is_kept_once_and_in_order(lengths: list[int]) -> None:
    paragraphs = [" ".join(f"p{n}w{m}" for m in range(length)) + "." for n, length in enumerate(lengths)]
    passages = [v.body for v in split(Article("a", "A", "\n\n".join(paragraphs))) if v.kind == "passage"]
    assert "\n\n".join(passages) == "\n\n".join(paragraphs)
    assert all(len(body.split()) <= LONGEST_PASSAGE + 60 for body in passages)


def test_a_link_label_equal_to_its_address_is_written_once() -> None:
    (block,) = parse("See <https://acme.test> and [here](#top).")
    assert block.text == "See https://acme.test and here."
