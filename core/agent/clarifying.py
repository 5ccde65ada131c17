"""Asking back which of a few articles is meant, and understanding what the customer picks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from core.agent import wording
from core.agent.state import Utterance
from core.knowledge.index import Retrieval

_OPTION = re.compile(r"^(\d)\. (.+)$", re.MULTILINE)
_NUMBER = re.compile(r"\W*(?:(?:number|option|nr|no|the|n°|nummer|numero|número)\W*)?([1-9])\b\W*", re.IGNORECASE)
# The ordinals and "the last one" in the languages that the question is asked in.
_ORDINALS = (
    ("first", "1st", "erste", "ersten", "erstes", "premier", "première", "primera", "primero", "primo", "prima"),
    ("second", "2nd", "zweite", "zweiten", "zweites", "deuxième", "second", "segunda", "segundo", "secondo", "tweede"),
    ("third", "3rd", "dritte", "dritten", "drittes", "troisième", "tercera", "tercero", "terzo", "derde", "terceiro"),
)
LONGEST_PICK = 5  # words


def question(titles: Sequence[str], language: str) -> str:
    """ "Which of these do you mean?", with the titles numbered from 1."""
    options = "\n".join(f"{number}. {title}" for number, title in enumerate(titles, 1))
    return f"{wording.in_language(wording.DID_YOU_MEAN, language)}\n\n{options}"


def just_offered(history: Sequence[Utterance]) -> tuple[str, ...]:
    """The titles that our last message offered; none if it was something else."""
    last = next((said.text for said in reversed(history) if said.author != "system"), "")
    if not any(last.startswith(opening) for opening in wording.DID_YOU_MEAN.values()):
        return ()
    return tuple(title for _, title in _OPTION.findall(last))


def picked(text: str, offered: Sequence[str]) -> str | None:
    """The offered title that a message chooses: "2", "the second one", or the title itself."""
    plain = " ".join(text.lower().split()).strip(" .!?")
    for title in offered:
        if plain == title.lower().strip(" .!?"):
            return title
    if number := _NUMBER.fullmatch(text):
        return offered[int(number[1]) - 1] if int(number[1]) <= len(offered) else None
    words = re.findall(r"\w+", plain)
    if len(words) > LONGEST_PICK:
        return None
    return next((title for title, names in zip(offered, _ORDINALS, strict=False) if set(names) & set(words)), None)


def settled(retrieval: Retrieval, pick: str) -> Retrieval:
    """A search for the picked title, its article first: which one is right, the customer has said."""
    chosen = [hit for hit in retrieval.hits if hit.article.title == pick][:1]
    if not chosen:
        return retrieval
    others = [hit for hit in retrieval.hits if hit is not chosen[0]]
    return replace(retrieval, hits=(*chosen, *others), confidence=retrieval.topic)
