"""Fits the coefficients in `confidence.json` on the dev parts of several knowledge bases.

    python -m core.knowledge.build.confidence ../shared/data

Each knowledge base is taken whole, and again with articles left out (so that real questions go uncovered) and with
fewer example questions. The table it prints judges each by coefficients fitted on the others only; what it stores is
fitted on all. Nothing is drawn at random, so the same data give the same file.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from core.errors import BadInput
from core.knowledge.articles import Article
from core.knowledge.chunking import split
from core.knowledge.confidence import CHOICE, SHIPPED, TOPIC, Confidence, Evidence, Logistic
from core.knowledge.index import IndexedArticle, IndexedView, KnowledgeIndex
from core.knowledge.metrics import at_threshold, auroc, expected_calibration_error
from core.knowledge.sources import read_folder
from core.nlp.encoder import Encoder, Meaning

HERE = Path(__file__).parents[3]
OURS = HERE / "tests/data"
RIDGE = 30.0  # of some thousand questions' weight: keeps coefficients small, hardly moves the fit
UNCOVERED = 0.25  # the share of questions that a knowledge does not cover, as assumed in the fit
WHOLE = 0.5  # the weight of the knowledge as it is, beside its thinned-out variants together
ODD = {"boiler": 0.75}  # a list of error codes teaches that words decide, which is true of few others
HARD = 0.5  # customers seldom ask for what a page nearly says as often as those of trades/fit do
NOWHERE = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Family:
    """A knowledge base with questions about it, and the ways it is thinned out: each (share of the articles kept,
    most example questions an article)."""

    name: str
    knowledge: Path
    questions: Path
    thinned: tuple[tuple[float, int | None], ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Case:
    """One question put to one knowledge."""

    family: str
    variant: str
    weight: float
    evidence: Evidence
    right: bool
    covered: bool


def families(data: Path) -> list[Family]:
    """Large public ones, and small ones of many trades."""
    public = {
        "banking77": ((0.6, None), (0.7, 1), (0.8, 2)),
        "clinc150": ((0.6, None), (0.7, 1), (0.7, 2)),
        "covid_faq": ((0.7, None),),
    }
    found = [
        Family(name, data / name / "knowledge", data / name / "dev.jsonl", thinned) for name, thinned in public.items()
    ]
    shop = OURS / "webshop/questions.dev.jsonl"
    found.append(Family("webshop", HERE / "web/demo/knowledge", shop, ((0.75, None), (0.75, 0), (0.8, 1))))
    asked = [path for kind in ("faq", "codes") for path in sorted((OURS / kind).glob("*/dev.jsonl"))]
    asked += sorted((OURS / "trades/fit_plain").glob("*/questions.jsonl"))
    # Not those of trades/reader: the reader has learned their answers, and is surer of them than of anybody else's.
    hard = sorted((OURS / "trades/fit").glob("*/questions.jsonl"))
    weights = [ODD.get(path.parent.name, 1.0) for path in asked] + [HARD] * len(hard)
    thinned = ((0.75, None), (0.66, None))
    return found + [
        Family(path.parent.name, path.parent / "knowledge", path, thinned, weight)
        for path, weight in zip(asked + hard, weights, strict=True)
    ]


async def cases(family: Family, encoder: Encoder) -> list[Case]:
    if not family.knowledge.is_dir() or not family.questions.is_file():
        raise BadInput(
            f"{family.questions.parent} is missing. Put the public data set {family.name} there "
            "(banking77: PolyAI task-specific-datasets; clinc150: clinc/oos-eval; covid_faq: deepset-ai/COVID-QA) "
            "as described in docs, or name another folder."
        )
    threadpool_limits(1, user_api="blas")  # as where it serves
    articles = read_folder(family.knowledge)
    asked = [json.loads(line) for line in family.questions.read_text(encoding="utf-8").splitlines()]
    meanings = await encoder.read_many([question["text"] for question in asked])
    found: list[Case] = []
    seen: dict[str, Meaning] = {}
    for kept, most in ((1.0, None), *family.thinned):
        index = KnowledgeIndex(await indexed(thin(articles, kept, most), encoder, seen))
        known = {article.id for article in index.articles}
        rows = []
        for question, meaning in zip(asked, meanings, strict=True):
            result = index.search(question["text"], meaning, k=1)
            expected = known.intersection(question["expected"])
            if result.evidence:
                rows.append((result.evidence, result.hits[0].article.id in expected, bool(expected)))
        share = family.weight * (WHOLE if kept == 1 else (1 - WHOLE) / len(family.thinned))
        weights = _weights([covered for _, _, covered in rows], share)
        found += [
            Case(family.name, f"{kept:.0%}/{'all' if most is None else most}", weight, *row)
            for row, weight in zip(rows, weights, strict=True)
        ]
    return found


def thin(articles: Sequence[Article], kept: float, most: int | None) -> list[Article]:
    """Leaves articles out at even distances, and questions beyond the first `most`."""
    left = [a for n, a in enumerate(articles) if int((n + 1) * kept) > int(n * kept)]
    return left if most is None else [replace(article, questions=article.questions[:most]) for article in left]


async def indexed(
    articles: Iterable[Article], encoder: Encoder, seen: dict[str, Meaning] | None = None
) -> list[IndexedArticle]:
    """`seen` keeps what was read, for the same texts in another selection."""
    seen = {} if seen is None else seen
    found = []
    for article in articles:
        views = split(article)
        new = [view.text for view in views if view.text not in seen]
        seen.update(zip(new, await encoder.read_many(new), strict=True))
        meanings = [seen[view.text] for view in views]
        stored = tuple(
            IndexedView(NOWHERE, article.id, v.kind, v.text, v.heading, v.body, v.position, m.vector, m.tokens)
            for v, m in zip(views, meanings, strict=True)
        )
        found.append(IndexedArticle(article.id, NOWHERE, article.title, article.url, stored))
    return found


def _weights(covered: Sequence[bool], share: float) -> list[float]:
    """Each variant weighs `share`, split between covered and not as is assumed in the field."""
    inside = sum(covered)
    outside = len(covered) - inside
    if not outside:
        return [share / inside] * inside
    return [share * ((1 - UNCOVERED) / inside if flag else UNCOVERED / outside) for flag in covered]


def fit(known: Sequence[Case]) -> Confidence:
    inside = [case for case in known if case.covered]
    both = {case.family for case in known if not case.covered}
    mixed = [case for case in known if case.family in both]
    topic = _logistic(TOPIC, mixed, [case.covered for case in mixed])
    return Confidence(topic, _logistic(CHOICE, inside, [case.right for case in inside]))


def _logistic(names: Sequence[str], known: Sequence[Case], labels: Sequence[bool]) -> Logistic:
    """Ridge-penalised logistic regression by Newton's method, on standardised numbers."""
    x = np.array([[getattr(case.evidence, name) for name in names] for case in known])
    y = np.array(labels, dtype=np.float64)
    weight = np.array([case.weight for case in known])
    weight *= len(known) / weight.sum()
    mean = np.average(x, axis=0, weights=weight)
    scale = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weight)) + 1e-9
    design = np.column_stack([np.ones(len(x)), (x - mean) / scale])
    penalty = np.diag([0.0, *[RIDGE] * len(names)])
    found: NDArray[np.float64] = np.zeros(design.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ found))
        gradient = design.T @ (weight * (p - y)) + penalty @ found
        hessian = (design * (weight * p * (1 - p))[:, None]).T @ design + penalty
        found = found - np.linalg.solve(hessian, gradient)
    slopes = found[1:] / scale
    intercept = float(found[0] - slopes @ mean)
    return Logistic(round(intercept, 4), {n: round(float(s), 4) for n, s in zip(names, slopes, strict=True)})


def report(known: Sequence[Case]) -> None:
    """Every variant judged by coefficients that never saw its family."""
    write = sys.stdout.write
    write(
        f"{'knowledge':26}{'recall@1':>9}{'auroc':>7}{'ece':>7}   at threshold: right / covered answered / escalated\n"
    )
    for family in dict.fromkeys(case.family for case in known):
        model = fit([case for case in known if case.family != family])
        for variant in dict.fromkeys(case.variant for case in known if case.family == family):
            some = [case for case in known if case.family == family and case.variant == variant]
            sure = [model.topic.probability(c.evidence) * model.choice.probability(c.evidence) for c in some]
            right, covered = [case.right for case in some], [case.covered for case in some]
            recall = sum(right) / sum(covered)
            line = f"{family} {variant:14}"
            line = (
                f"{line:26}{recall:9.3f}{auroc(sure, right) or 0:7.3f}{expected_calibration_error(sure, right):7.3f}  "
            )
            for threshold in (0.7, 0.75, 0.8, 0.85, 0.9):
                found = at_threshold(threshold, sure, right, covered)
                line += f" {threshold}: {found.precision:.3f}/{found.coverage:.2f}/{found.escalated:.2f}"
            write(line + "\n")


def stored(model: Confidence) -> str:
    def part(logistic: Logistic) -> Mapping[str, object]:
        return {"intercept": logistic.intercept, "weights": dict(logistic.weights)}

    return json.dumps({"topic": part(model.topic), "choice": part(model.choice)}, indent=2) + "\n"


async def build(data: Path) -> Confidence:
    encoder = Encoder()
    try:
        known = [case for family in families(data) for case in await cases(family, encoder)]
    finally:
        encoder.close()
    report(known)
    return fit(known)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with banking77, clinc150 and covid_faq")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    given = parser.parse_args()
    try:
        given.out.write_text(stored(asyncio.run(build(given.data))), encoding="utf-8")
    except BadInput as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
