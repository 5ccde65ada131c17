"""`python -m core.nlp.build.languages` rebuilds the table that tells languages apart.

It is the model of py3langid (https://github.com/adbar/py3langid, BSD-3-Clause), cut down to the languages we
answer in and to the byte n-grams that tell most about them: 10 MB of memory instead of 78, and the same
answers on short text.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from core.nlp.language import TABLE

LANGUAGES = frozenset(
    {
        *("en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "da", "no", "nn", "fi", "is", "cs", "sk", "tr", "ru"),
        *("uk", "bg", "sr", "mk", "hr", "sl", "ro", "hu", "el", "et", "lv", "lt", "ca", "ja", "zh", "ko", "ar", "fa"),
        *("ur", "he", "hi", "bn", "ta", "th", "vi", "id", "ka"),
    }
)
KEPT = 40_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=TABLE)
    build(parser.parse_args().out)


def build(path: Path) -> None:
    model = LanguageIdentifier.from_model_file(MODEL_FILE)
    columns = [number for number, name in enumerate(model.nb_classes) if name in LANGUAGES]
    table = np.asarray(model.nb_ptc, dtype=np.float32)[:, columns]
    grams = _grams(model)
    kept = _telling(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        grams=np.frombuffer(b"".join(grams[number] for number in kept), dtype=np.uint8),
        lengths=np.array([len(grams[number]) for number in kept], dtype=np.uint8),
        table=table[kept].astype(np.float16),
        prior=np.asarray(model.nb_pc, dtype=np.float32)[columns],
        languages=np.array([model.nb_classes[number] for number in columns]),
    )


def _telling(table: NDArray[np.float32]) -> NDArray[np.intp]:
    """The n-grams that are frequent in some language and rare in most, in their own order."""
    highest = table.max(axis=1)
    worth = np.exp(highest) * (highest - np.median(table, axis=1))
    return np.sort(np.argsort(-worth, kind="stable")[:KEPT])


def _grams(model: LanguageIdentifier) -> dict[int, bytes]:
    """Which bytes each feature of the model's automaton stands for: the shortest way to it."""
    moves = np.frombuffer(model.tk_nextmove, dtype=np.uint32).reshape(-1, 256)
    rows, outputs = np.frombuffer(model.tk_row, dtype=np.uint16), model.tk_output
    reached, frontier = {0: b""}, [0]
    grams: dict[int, bytes] = {}
    while frontier:
        following = []
        for state in frontier:
            for byte, target in enumerate(moves[rows[state]].tolist()):
                if target not in reached:
                    reached[target] = reached[state] + bytes([byte])
                    following.append(target)
                    if outputs[target] >= 0:
                        grams.setdefault(outputs[target], reached[target])
        frontier = following
    return grams


if __name__ == "__main__":
    main()
