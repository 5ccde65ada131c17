import hashlib
import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.knowledge.build.confidence import indexed
from core.knowledge.index import KnowledgeIndex, _tokens_of
from core.knowledge.reader import MADE_OF, SHIPPED, Page, shipped
from core.knowledge.sources import read_folder
from core.nlp.encoder import SHIPPED as ENCODER
from core.nlp.encoder import Encoder
from core.nlp.runtime import session
from core.nlp.tokens import NO_TOKENS, Tokens

TRADES = Path(__file__).parents[2] / "data/trades"
PARTS = ("reader", "fit", "fit_plain", "fresh", "fresh_plain")


async def page(encoder: Encoder, title: str, answer: str) -> Page:
    asking, passage = await encoder.read_many([title, answer])
    return Page(asking.tokens, passage.tokens)


async def judge(encoder: Encoder, question: str, pages: Sequence[Page]) -> list[float]:
    message = (await encoder.read(question)).tokens
    return shipped().judge(message, np.ones(len(message), dtype=np.float32), pages).tolist()


async def test_the_page_that_has_the_answer_beats_its_neighbours(encoder: Encoder) -> None:
    pages = [
        await page(encoder, "Delivery costs", "Delivery costs 4.90 euros and is free from 50 euros."),
        await page(encoder, "Delivery times", "Parcels take one to three working days."),
        await page(encoder, "Returning goods", "You can send anything back within 30 days."),
    ]
    for question, right in (
        ("how much do you charge for shipping", 0),
        ("when will my order get here", 1),
        ("don't like it, want to send it back", 2),
    ):
        logits = await judge(encoder, question, pages)
        assert int(np.argmax(logits)) == right, question


async def test_a_page_is_judged_the_same_whatever_stands_beside_it(encoder: Encoder) -> None:
    short = await page(encoder, "Opening hours", "We are open from 9 to 5.")
    long = await page(encoder, "Parking", "Park behind the house. " * 20)
    alone = await judge(encoder, "when do you open", [short])
    assert (await judge(encoder, "when do you open", [long, short]))[1] == pytest.approx(alone[0], abs=1e-4)


async def test_pages_without_a_title_or_without_a_passage_are_read(encoder: Encoder) -> None:
    whole = await page(encoder, "Opening hours", "We are open from 9 to 5.")
    found = await judge(encoder, "when do you open", [Page(whole.asking, NO_TOKENS), Page(NO_TOKENS, whole.passage)])
    assert np.isfinite(found).all()


async def test_very_long_messages_and_pages_are_cut(encoder: Encoder) -> None:
    whole = await page(encoder, "Opening hours " * 60, "We are open from 9 to 5. " * 40)
    assert len(whole) == 256
    assert np.isfinite(await judge(encoder, "when do you open " * 60, [whole])).all()


async def test_it_computes_what_it_was_trained_to_compute(encoder: Encoder) -> None:
    """`reader.sample.jsonl` is what PyTorch made of one business's questions when the weights were written."""
    folder = min(place for place in (TRADES / "reader").iterdir() if place.is_dir())
    articles = await indexed(read_folder(folder / "knowledge"), encoder)
    index = KnowledgeIndex(articles, read=False)
    asked = [json.loads(line)["text"] for line in (folder / "questions.jsonl").read_text("utf-8").splitlines()]
    kept = [json.loads(line)["logits"] for line in SHIPPED.with_suffix(".sample.jsonl").read_text("utf-8").splitlines()]
    assert len(kept) == len(asked)
    for text, expected in zip(asked[:30], kept, strict=False):
        meaning = await encoder.read(text)
        hits = index.search(text, meaning, k=len(kept[0])).hits
        pages = [Page(*map(Tokens.joined, _tokens_of(hit.article))) for hit in hits]
        found = shipped().judge(meaning.tokens, index.rarity(meaning.tokens), pages)
        assert found == pytest.approx(expected, abs=0.02), text


def test_shipped_encoder_and_reader_were_made_of_the_questions_in_the_repository() -> None:
    files = sorted((TRADES / "reader").glob("*/**/*.jsonl"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    for path in (ENCODER / "model.onnx", SHIPPED):
        assert session(path).get_modelmeta().custom_metadata_map == {MADE_OF: digest}, path.name


def test_no_business_is_learned_from_and_measured() -> None:
    parts = {part: {place.name for place in _businesses(part)} for part in PARTS}
    for one, other in combinations(PARTS, 2):
        assert not parts[one] & parts[other], (one, other)


@pytest.mark.parametrize("part", PARTS)
def test_every_question_and_claim_is_about_an_article_that_exists(part: str) -> None:
    for folder in _businesses(part):
        known = {row["id"] for row in _rows(folder / "knowledge/faq.jsonl")}
        for row in _rows(folder / "questions.jsonl"):
            assert set(row["expected"]) <= known, (folder.name, row)
        if (claims := folder / "claims.jsonl").exists():
            for row in _rows(claims):
                assert row["article"] in known, (folder.name, row)


def _businesses(part: str) -> list[Path]:
    return [place for place in (TRADES / part).iterdir() if place.is_dir()]


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
