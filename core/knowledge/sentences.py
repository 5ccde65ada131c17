"""Splits plain text into sentences without being fooled by "e.g.", "No. 5", "2.5 kg" or web addresses."""

import re

_ABBREVIATIONS = (
    r"(?<!\be\.g)(?<!\bi\.e)(?<!\betc)(?<!\bvs)(?<!\bapprox)(?<!\bincl)(?<!\bmin)(?<!\bmax)"
    r"(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\bInc)(?<!\bLtd)(?<!\bCo)(?<!\bU\.S)(?<!\bU\.K)"
)
# A number after "No." makes it "number five"; a bare "No." is an answer and ends its sentence.
_END = re.compile(
    rf"{_ABBREVIATIONS}(?<!^\d)(?<!^\d\d)[.…]+[\"'”’)\]]*(?=\s+[\"'“‘(\[¿¡]?[^\sa-z])(?!(?<=\bNo\.)\s+\d)"
    r"|[!?][.!?…]*[\"'”’)\]]*(?=\s)"
    r"|[。！？]|\n+",
    re.MULTILINE,
)


def sentences(text: str) -> list[str]:
    """The sentences of a text in order, stripped, each an exact part of it. A line break always ends one."""
    found, start = [], 0
    for end in _END.finditer(text):
        found.append(text[start : end.end()].strip())
        start = end.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]
