"""How well messages are sorted into categories that an organization defines with a sentence and a few examples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.nlp.categorizer import Categorizer, Category
from core.nlp.encoder import Encoder
from tests.evaluation.data import LABELLED, rows
from tests.evaluation.table import Row

OURS = LABELLED / "categories"
AT_ONCE = 12
"""Of a public set's intents, so many are an organization's categories; the next ones' questions belong to none."""
Asked = Sequence[tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class Sorting:
    categories: Sequence[tuple[str, str, Sequence[str]]]
    """Name, sentence, examples."""
    asked: Asked


def of_ours(name: str) -> Sorting:
    defined = json.loads((OURS / f"{name}.categories.json").read_text(encoding="utf-8"))
    asked = [(row["text"], row["category"]) for row in rows(OURS / f"{name}.jsonl")]
    return Sorting([(one["name"], one["description"], one["examples"]) for one in defined], asked)


def of_intents(folder: Path, name: str) -> list[Sorting]:
    """Every AT_ONCE intents are one organization; half as many of the next intents' questions belong to none."""
    articles = rows(folder / "knowledge" / "faq.jsonl", name)
    asked = [(row["text"], row["expected"][0]) for row in rows(folder / "test.jsonl", name) if row["expected"]]
    found = []
    for start in range(0, len(articles) - AT_ONCE, AT_ONCE):
        inside = {article["id"] for article in articles[start : start + AT_ONCE]}
        covered = [(text, intent) for text, intent in asked if intent in inside]
        after = {article["id"] for article in articles[start + AT_ONCE : start + 2 * AT_ONCE]}
        others = [(text, None) for text, intent in asked if intent in after][::2]
        examples = [
            (one["id"], "", [one["question"], *one.get("alternatives", [])])
            for one in articles[start : start + AT_ONCE]
        ]
        found.append(Sorting(examples, [*covered, *others]))
    return found


def measure(encoder: Encoder, name: str, sortings: Sequence[Sorting]) -> list[Row]:
    found = [pair for sorting in sortings for pair in _sorted(encoder, sorting)]
    inside = [said == meant for said, meant in found if meant is not None]
    assigned = [said == meant for said, meant in found if said is not None]
    none = [said is None for said, meant in found if meant is None]
    return [
        Row(name, "sorted into the right category", float(np.mean(inside)), note=f"{len(inside)} messages"),
        Row(name, "right among sorted", float(np.mean(assigned)), note=f"{len(assigned)} messages"),
        Row(name, "of no category, left so", float(np.mean(none)), note=f"{len(none)} messages"),
    ]


def _sorted(encoder: Encoder, sorting: Sorting) -> list[tuple[str | None, str | None]]:
    categories = [
        Category(
            name,
            encoder.encode_now(f"{name}. {sentence}" if sentence else name.replace("_", " ")).vector,
            np.stack([encoder.encode_now(example).vector for example in examples]),
        )
        for name, sentence, examples in sorting.categories
    ]
    categorizer = Categorizer(categories)
    return [(categorizer.assign(encoder.encode_now(text).vector), meant) for text, meant in sorting.asked]


def every(encoder: Encoder, data: Path) -> list[Row]:
    """Raises `AbsentError` where a public set is missing."""
    found = measure(
        encoder, "categories of a hotel and a bank, heldout", [of_ours("hotel.heldout"), of_ours("bank.heldout")]
    )
    for name in ("banking77", "clinc150"):
        found += measure(encoder, f"{name} test, {AT_ONCE} intents as categories", of_intents(data / name, name))
    return found
