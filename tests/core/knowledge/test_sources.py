from pathlib import Path

import pytest

from core.errors import BadInput
from core.knowledge.sources import LARGEST_FILE, read_file, read_folder


def test_a_page_with_front_matter(tmp_path: Path) -> None:
    page = tmp_path / "returns.md"
    page.write_text(
        "---\ntitle: Returns\nurl: https://acme.test/returns\n"
        "questions:\n  - Can I send it back?\n---\n\nWithin 30 days.\n"
    )
    (article,) = read_file(page)
    assert article.id == "returns"
    assert article.title == "Returns"
    assert article.url == "https://acme.test/returns"
    assert article.questions == ("Can I send it back?",)
    assert article.body == "Within 30 days."


@pytest.mark.parametrize(
    ("text", "title", "body"),
    [
        ("# Our sizes\n\nFrom XS to XXL.", "Our sizes", "From XS to XXL."),
        ("From XS to XXL.", "Size guide", "From XS to XXL."),
        ("---\ntitle: Sizes\n---\n# Sizes\n\nFrom XS.", "Sizes", "From XS."),
        ("---\ntitle: Sizes\n---\n# Another heading\n\nFrom XS.", "Sizes", "# Another heading\n\nFrom XS."),
    ],
)
def test_a_title_is_found_or_made_from_the_name(tmp_path: Path, text: str, title: str, body: str) -> None:
    page = tmp_path / "size-guide.md"
    page.write_text(text)
    (article,) = read_file(page)
    assert (article.title, article.body) == (title, body)


def test_faq_lines(tmp_path: Path) -> None:
    faq = tmp_path / "faq.jsonl"
    faq.write_text(
        '{"id": "a", "question": "Open on Sunday?", "answer": "No.", "alternatives": ["Sunday hours?"], "url": ""}\n\n'
        '{"question": "Do you ship to Zürich?", "answer": "Yes.", "url": "/help/zurich"}\n'
    )
    first, second = read_file(faq)
    assert (first.id, first.title, first.questions) == ("a", "Open on Sunday?", ("Open on Sunday?", "Sunday hours?"))
    assert first.url is None
    assert (second.id, second.url) == ("do-you-ship-to-zurich", "/help/zurich")


def test_an_faq_table_from_a_spreadsheet(tmp_path: Path) -> None:
    faq = tmp_path / "faq.csv"
    faq.write_text('\ufeffQuestion;Answer;Alternatives\n"Open; on Sunday?";"No,\nsorry.";Sunday?|Weekend?\n', "utf-8")
    (article,) = read_file(faq)
    assert article.body == "No,\nsorry."
    assert article.questions == ("Open; on Sunday?", "Sunday?", "Weekend?")


def test_two_questions_with_one_slug_get_two_ids(tmp_path: Path) -> None:
    faq = tmp_path / "faq.csv"
    faq.write_text("question,answer\nOpen?,Yes.\nOpen!,Yes!\n")
    assert [article.id for article in read_file(faq)] == ["open", "open-2"]


def test_a_folder_is_read_with_its_subfolders_but_not_hidden_or_foreign_files(tmp_path: Path) -> None:
    (tmp_path / "eu").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "eu" / "vat.md").write_text("Prices include VAT.")
    (tmp_path / ".git" / "draft.md").write_text("secret")
    (tmp_path / "orders.csv").write_text("number\n1\n")
    (tmp_path / "faq.jsonl").write_text('{"id": "open", "question": "Open?", "answer": "Yes."}')
    assert [article.id for article in read_folder(tmp_path)] == ["vat", "open"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.md", b"", "line 1: this article has no text"),
        ("a.md", b"---\ntitle: [x\n---\nText", "line 3: front matter"),
        ("a.md", b"---\ntitle: x\nText", "front matter is not closed"),
        ("a.md", b"---\n- x\n---\nText", "must be lines like"),
        ("a.md", b"---\ntitle: 2024\n---\nText", "'title' must be text"),
        ("a.md", b"---\nurl: javascript:alert(1)\n---\nText", "must start with https://"),
        ("a.md", b"---\nurl: //evil.test\n---\nText", "must start with https://"),
        ("a.md", b"---\nquestions: How?\n---\nText", "must be a list"),
        ("a.md", b"first\ncaf\xe9", "line 2: not UTF-8"),
        ("a.md", b"\x00\x01", "not a text file"),
        ("a.md", b"x" * (LARGEST_FILE + 1), "Split it"),
        ("a.pdf", b"%PDF", "cannot read .pdf"),
        ("faq.jsonl", b'{"question": "q", "answer": "a"}\n{"question":', "line 2: not valid JSON"),
        ("faq.jsonl", b'["q", "a"]', "line 1: expected an object"),
        ("faq.jsonl", b'{"question": "q"}', "line 1: 'answer' is missing"),
        ("faq.jsonl", b'{"question": 5, "answer": "a"}', "'question' must be text"),
        ("faq.jsonl", b'{"id":"x","question":"q","answer":"a"}\n{"id":"x","question":"r","answer":"b"}', "line 1"),
        ("faq.jsonl", b"\n", "no questions"),
        ("faq.csv", b"q,a\n1,2\n", "no column 'question'"),
        ("faq.csv", b"question,answer\none,two,three\n", "line 2: 3 columns"),
        ("faq.csv", b'question,answer\n"one" x,two\n', "line 2"),
    ],
)
def test_bad_input_names_the_file_the_line_and_the_remedy(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadInput) as error:
        read_file(path)
    assert str(path) in error.value.detail
    assert told in error.value.detail
    assert error.value.detail.endswith(".")


def test_one_id_in_two_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open.md").write_text("Always.")
    (tmp_path / "faq.jsonl").write_text('{"id": "open", "question": "Open?", "answer": "Yes."}')
    with pytest.raises(BadInput, match=r"'open' is already taken by .*faq\.jsonl"):
        read_folder(tmp_path)


def test_an_empty_or_absent_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no articles"):
        read_folder(tmp_path)
    with pytest.raises(BadInput, match="is not a folder"):
        read_folder(tmp_path / "absent")
    with pytest.raises(BadInput, match="Check the path"):
        read_file(tmp_path / "absent.md")
