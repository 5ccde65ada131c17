"""The sets that are measured, and where those that are not ours come from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from web.paths import DEMO_KNOWLEDGE

LABELLED = Path(__file__).parents[1] / "data"
SOURCES = {
    "banking77": "Banking77 by PolyAI (task-specific-datasets on GitHub, CC BY 4.0): knowledge/faq.jsonl, test.jsonl",
    "clinc150": "CLINC150 by Larson et al. (clinc/oos-eval on GitHub, CC BY 3.0): knowledge/faq.jsonl, test.jsonl",
    "covid_faq": "COVID-QA's FAQ part by deepset (COVID-QA on GitHub, Apache-2.0): knowledge/faq.jsonl, dev.jsonl",
    "goemotions": 'GoEmotions by Google Research (Apache-2.0): {"text", "emotions"} a line in test.jsonl',
    "tweeteval_sentiment": 'TweetEval (sentiment) by Cardiff NLP, SemEval-2017: {"text", "label"} a line in dev.jsonl',
}


class AbsentError(Exception):
    """A public data set is not where it was looked for. The text says which to put there, and from whom."""


@dataclass(frozen=True, slots=True)
class Set:
    """Questions about a knowledge. `family` is its name among those that confidence is fitted on."""

    name: str
    family: str
    knowledge: Path
    questions: Path


def knowledge_sets(data: Path) -> list[Set]:
    parts = {"banking77": "test", "clinc150": "test", "covid_faq": "dev"}
    public = [Set(f"{n} {p}", n, data / n / "knowledge", data / n / f"{p}.jsonl") for n, p in parts.items()]
    shop = Set("webshop heldout", "webshop", DEMO_KNOWLEDGE, LABELLED / "webshop" / "questions.heldout.jsonl")
    return [*public, shop]


def trades() -> list[Set]:
    """Small FAQ of many trades, to be measured together; no question of the dentist's is ever fitted on."""
    folders = sorted(path for path in (LABELLED / "faq").iterdir() if path.is_dir())
    return [Set(folder.name, folder.name, folder / "knowledge", folder / "heldout.jsonl") for folder in folders]


def fresh_trades(part: str = "fresh") -> list[Set]:
    """Businesses that nothing was learned from, neither their answers nor how sure to be."""
    folders = sorted(path for path in (LABELLED / "trades" / part).iterdir() if path.is_dir())
    return [Set(folder.name, folder.name, folder / "knowledge", folder / "questions.jsonl") for folder in folders]


def need(path: Path, name: str) -> Path:
    """`path`, which belongs to the set `name`."""
    if not path.exists():
        raise AbsentError(f"{path} is absent. Put there {SOURCES.get(name, 'it back: it belongs to the repository')}.")
    return path


def rows(path: Path, name: str = "") -> list[dict[str, Any]]:
    return [json.loads(line) for line in need(path, name).read_text(encoding="utf-8").splitlines()]
