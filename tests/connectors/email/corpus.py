"""The written mails and what is expected of them: `corpus/dev` was looked at while the rules were made, `corpus/held`
was written afterwards and measured once before anything was changed for it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Written:
    name: str
    raw: bytes
    expected: dict[str, Any]

    def __str__(self) -> str:
        return self.name


def mails(part: str) -> list[Written]:
    found = []
    for path in sorted((FOLDER / part).glob("*.eml")):
        expected = tomllib.loads(path.with_suffix(".toml").read_text(encoding="utf-8"))
        found.append(Written(f"{part}/{path.stem}", path.read_bytes(), expected))
    return found
