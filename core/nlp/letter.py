"""What a message says between its salutation and its closing.

"Hi, how long does delivery take? Many thanks, Dana" asks no more than its middle, but all of it would go into the
vector that is compared with articles, and the answer would be less sure than to the question alone.
"""

import re
import tomllib
from functools import cache
from pathlib import Path

PHRASES = Path(__file__).parent / "phrases" / "letter.toml"
LONGEST = 4000
_NAME = r"[^\W\d_][\w.'’-]*"


def gist(text: str) -> str:
    """`text` without salutation, pleasantries, closing and the name below; all of it, where nothing else is left."""
    if len(text) > LONGEST:
        return text
    begin, bare, end, name = _patterns()
    left = text.strip()
    for pattern in (begin, begin, bare, name, end, name, end):  # "Many thanks, / kind regards, / Dana" ends twice
        shorter = pattern.sub("", left, count=1).strip()
        left = shorter if _says_something(shorter) else left
    return left if left != text.strip() else text


def _says_something(text: str) -> bool:
    return sum(character.isalnum() for character in text) > 2


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    with PHRASES.open("rb") as file:
        known = {name: "|".join(phrases) for name, phrases in tomllib.load(file).items()}
    named = rf"(?:[ ]{_NAME}){{0,4}}"
    begin = rf"^\W*(?:(?:{known['salutations']}){named}|{known['pleasantries']})\s*(?:[,!.;–—-]+|\n|$)+\s*"
    bare = rf"^\W*(?:{known['bare']})(?:[ ](?:{known['addressed']}))?[ ]+"
    end = (
        rf"(?:^|(?<=[.?!…,;\n])|(?<=[.?!…,;\n] ))[ \t]*(?:{known['closings']})"
        rf"(?:[ \t]*[,.!;:–—-]+[ \t]*|[ \t]*\n\s*|[ \t]+(?=\S+$)|\s*$)(?:{_NAME}(?:[ ]{_NAME}){{0,3}})?[\s.!,]*$"
    )
    name = r"\n[ \t]*\n\s*[-–—]?[ \t]*[^\W\d_a-z][\w.'’-]*(?:[ ][^\W\d_a-z][\w.'’-]*){0,2}[\s.]*$"
    flags = (re.IGNORECASE, re.IGNORECASE, re.IGNORECASE, re.NOFLAG)
    return tuple(re.compile(pattern, flag) for pattern, flag in zip((begin, bare, end, name), flags, strict=True))
