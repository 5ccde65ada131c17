import json
import os
from dataclasses import fields, replace
from pathlib import Path

import pytest

from core.errors import BadInput
from core.knowledge.articles import Article
from core.knowledge.build.confidence import Case, Family, cases, families, fit, stored, thin
from core.knowledge.confidence import CHOICE, SHIPPED, TOPIC, Confidence, Evidence, shipped
from core.nlp.encoder import Encoder

# Beside the checkout, where `make models` looks too.
DATA = Path(os.environ.get("DATA", Path(__file__).parents[4] / "shared/data"))


@pytest.fixture
def evidence() -> Evidence:
    return Evidence(1.5, 1.0, 0.1, 0.8, 0.3, 1.0, 1.0, 0.7, -0.2, 1.0, 1.0, 1.0, 1.0, 3.0, 0.0, 1.0, 2.0, 2.0)


def test_every_number_is_used_and_points_the_right_way(evidence: Evidence) -> None:
    model = shipped()
    assert {*TOPIC, *CHOICE} == {field.name for field in fields(Evidence)}
    assert tuple(model.topic.weights) == TOPIC
    assert tuple(model.choice.weights) == CHOICE
    assert model.topic.probability(evidence) > model.topic.probability(replace(evidence, surprise=-1.0))
    assert model.topic.probability(evidence) > model.topic.probability(replace(evidence, unknown=0.9))
    assert model.choice.probability(evidence) > model.choice.probability(replace(evidence, lead=0.0))
    for part in (model.topic, model.choice):
        assert part.probability(replace(evidence, named=1.0)) > part.probability(evidence)
        assert part.probability(evidence) > part.probability(replace(evidence, named=-1.0))
    assert model.choice.probability(evidence) > model.choice.probability(replace(evidence, closeness=-2.0))
    assert model.choice.probability(evidence) > model.choice.probability(replace(evidence, read=-4.0))
    assert model.topic.probability(evidence) > model.topic.probability(replace(evidence, read_any=-4.0))
    assert model.choice.probability(evidence) > model.choice.probability(replace(evidence, read_lead=-4.0))


def test_extreme_evidence_stays_a_probability() -> None:
    for value in (-1e9, 1e9):
        assert 0 <= shipped().topic.probability(Evidence(*[value] * len(fields(Evidence)))) <= 1


def test_a_fit_is_stored_and_read_back(tmp_path: Path, evidence: Evidence) -> None:
    known = [
        Case(family, "all", 1.0, replace(evidence, surprise=s, lead=s), right=s > 0, covered=s > -1)
        for family in ("acme", "globex")
        for s in (-2.0, -1.5, -0.5, 0.2, 0.5, 1.0, 2.0)
        for _ in range(40)
    ]
    model = fit(known)
    path = tmp_path / "confidence.json"
    path.write_text(stored(model))
    assert Confidence.read(path) == model
    assert stored(fit(known)) == path.read_text()
    assert model.choice.weights["lead"] > 0
    assert model.topic.weights["surprise"] > 0


def test_articles_are_left_out_evenly() -> None:
    articles = [Article(str(number), "t", "b", None, ("q1", "q2")) for number in range(10)]
    assert [article.id for article in thin(articles, 0.6, None)] == ["1", "3", "4", "6", "8", "9"]
    assert thin(articles, 1.0, 1)[0].questions == ("q1",)


async def test_absent_data_is_named_with_its_source(tmp_path: Path, encoder: Encoder) -> None:
    with pytest.raises(BadInput, match="PolyAI"):
        await cases(Family("banking77", tmp_path, tmp_path / "dev.jsonl", ()), encoder)


@pytest.fixture
def data() -> Path:
    if not DATA.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{DATA} is absent")
        pytest.skip(f"{DATA} is absent: see docs for the public data sets to put there")
    return DATA


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_the_shipped_file_is_what_the_script_makes(encoder: Encoder, data: Path) -> None:
    known = [case for family in families(data) for case in await cases(family, encoder)]
    made, kept = json.loads(stored(fit(known))), json.loads(SHIPPED.read_bytes())
    for part in ("topic", "choice"):
        assert made[part]["weights"] == pytest.approx(kept[part]["weights"], abs=0.02)
        assert made[part]["intercept"] == pytest.approx(kept[part]["intercept"], abs=0.02)
