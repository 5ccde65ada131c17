"""`python -m core.nlp.build` rebuilds every model that ships with the project (`make models`)."""

import argparse
from pathlib import Path

from core.nlp.build.wheel import build_encoder

HERE = Path(__file__).parent
MODELS = HERE.parent / "models"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m core.nlp.build", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with goemotions/")
    parser.add_argument("--models", type=Path, default=MODELS, help="folder to write to")
    given = parser.parse_args()
    build_encoder(given.models / "minilm")


if __name__ == "__main__":
    main()
