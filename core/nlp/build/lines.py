"""Grow the support lines that the sentiment model learns from, out of hand-written templates.

`data/` holds the templates (complaints, calm, ...) and what their {slots} may become (slots.txt). A line
is one or two filled templates of the same fold, then written as people write: mentions, hashtags, capitals, typos.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

DATA = Path(__file__).parent / "data"
TEMPLATES = (
    "complaints.txt",
    "calm.txt",
    "posts.txt",
    "plain.txt",
    "urgent.txt",
    "asking.txt",
    "everyday.txt",
    "written.txt",
)
SLOTS = "slots.txt"
FOLDS = 5

Slots = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    label: str
    frustration: float
    urgency: float
    fold: int  # templates of one fold never meet those of another


FRUSTRATION = (0.0, 0.35, 0.8, 1.0)
URGENCY = (0.0, 0.15, 0.75, 1.0)

TAGS = {
    "negative": [
        "fail",
        "badservice",
        "customerservice",
        "disappointed",
        "neveragain",
        "delayed",
        "annoyed",
        "help",
        "notcool",
    ],
    "neutral": ["help", "question", "travel", "customerservice", "support", "monday", "newphone"],
    "positive": ["thankyou", "happy", "love", "grateful", "bestservice", "customerservice", "win", "travel"],
}
EMOJI = {
    "negative": ["😡", "😤", "🙄", "😒", "👎", "😞", "😠", "🤦", "😩", "😭", "🤬", "💔", "😑"],
    "neutral": ["🤔", "🙂", "👋", "📦", "🤷", "✈️", "😅"],
    "positive": ["😊", "😍", "❤️", "👍", "🙏", "🎉", "😀", "🥰", "👏", "💙"],
}
GREETINGS = ["hi", "hello", "hey", "hi there", "good morning", "dear team", "hi {co}", "hello {co} team", "so", "um"]
CLOSINGS = ["thanks", "thank you", "regards, {person}", "please help", "thx", "please advise", "{person}", "cheers"]
SHORT = {"you": "u", "your": "ur", "please": "pls", "are": "r", "because": "cuz", "with": "w/", "hours": "hrs"}


def grow(per_template: int, seed: int) -> list[Line]:
    rng = random.Random(seed)
    slots = _read_slots()
    industries = sorted({name.split(".")[0] for name in slots if "." in name})
    templates = list(_read_templates())
    lines: dict[str, Line] = {}
    for template in templates:
        # A template without slots has fewer ways to be written.
        for _ in range(per_template if "{" in template.text else max(2, per_template // 3)):
            line = _write(template, templates, slots, rng.choice(industries), rng)
            lines.setdefault(line.text, line)
    return list(lines.values())


def _read_slots() -> Slots:
    slots = {}
    for row in (DATA / SLOTS).read_text(encoding="utf-8").splitlines():
        if row and not row.startswith("#"):
            name, values = row.split(" = ", 1)
            slots[name] = [value.strip() for value in values.split(" | ")]
    return slots


def _read_templates() -> Iterator[Line]:
    label, frustration, urgency = "neutral", 0.0, 0.0
    number = 0
    for name in TEMPLATES:
        for row in (DATA / name).read_text(encoding="utf-8").splitlines():
            if row.startswith("["):
                label, level, hurry = row.strip("[]").split()[:3]
                frustration, urgency = FRUSTRATION[int(level)], URGENCY[int(hurry)]
            elif row and not row.startswith("# "):
                yield Line(row, label, frustration, urgency, number % FOLDS)
                number += 1


def _write(template: Line, templates: list[Line], slots: Slots, industry: str, rng: random.Random) -> Line:
    text = _fill(template.text, slots, industry, rng)
    line = template
    if rng.random() < 0.3:
        other = rng.choice(templates)
        if other.fold == template.fold and (joined := _joined(template, other)):
            second = _fill(other.text, slots, industry, rng)
            first, second = (text, second) if rng.random() < 0.6 else (second, text)
            text, line = first + rng.choice([". ", "! ", " ", ", ", "... ", "? ", " and "]) + second, joined
    return replace(line, text=_dress(text, line.label, slots, industry, rng))


def _joined(one: Line, other: Line) -> Line | None:
    """What two sentences in one message amount to; None where nobody could say."""
    labels = {one.label, other.label}
    if labels == {"negative", "positive"}:
        return None
    label = next((label for label in ("negative", "positive") if label in labels), "neutral")
    frustration = max(one.frustration, other.frustration)
    urgency = max(one.urgency, other.urgency)
    return replace(one, label=label, frustration=frustration, urgency=urgency)


def _fill(text: str, slots: Slots, industry: str, rng: random.Random) -> str:
    text = re.sub(r"\(([^()]*\|[^()]*)\)", lambda match: rng.choice(match[1].split("|")), text)
    while found := re.search(r"\{(\w+)\}", text):
        values = slots.get(f"{industry}.{found[1]}") or slots[found[1]]
        text = text[: found.start()] + rng.choice(values) + text[found.end() :]
    return text


def _dress(text: str, label: str, slots: Slots, industry: str, rng: random.Random) -> str:
    if rng.random() < 0.12:
        text = f"{_fill(rng.choice(GREETINGS), slots, industry, rng)}, {text}"
    if label != "positive" and rng.random() < 0.08:
        text = f"{text}. {_fill(rng.choice(CLOSINGS), slots, industry, rng)}"
    if text.endswith("?") and rng.random() < 0.4:
        text = text[:-1]  # in a hurry nobody types it
    text = _misspelt(text, rng)
    text = _cased(text, label, rng)
    text += _ending(text, label, rng)
    if rng.random() < 0.45:
        handle = "@" + re.sub(r"\W", "", rng.choice(slots["co"]))
        handle = handle.lower() if rng.random() < 0.4 else handle
        text = f"{handle} {text}" if rng.random() < 0.85 else f"{text} {handle}"
    if rng.random() < 0.1:
        text += "".join(f" #{tag}" for tag in rng.sample(TAGS[label], rng.randint(1, 2)))
    if rng.random() < 0.08:
        text += " " + rng.choice(EMOJI[label]) * rng.choice([1, 1, 2, 3])
    if rng.random() < 0.05:
        text += f" http://t.co/{rng.getrandbits(40):x}"
    return text


def _misspelt(text: str, rng: random.Random) -> str:
    if rng.random() < 0.12:
        text = text.replace("'", "")
    if rng.random() < 0.1:
        text = " ".join(SHORT.get(word, word) for word in text.split(" "))
    if rng.random() < 0.1 and len(text) > 12:
        place = rng.randrange(1, len(text) - 2)
        swapped = text[place + 1] + text[place] if rng.random() < 0.5 else text[place]
        text = text[:place] + swapped + text[place + 2 :]
    return text


def _cased(text: str, label: str, rng: random.Random) -> str:
    chance = rng.random()
    if chance < (0.07 if label == "negative" else 0.025):
        return text.upper()
    if chance < 0.6:
        text = re.sub(r"(^|[.!?] +)([a-z])", lambda match: match[1] + match[2].upper(), text)
        return re.sub(r"\bi\b", "I", text)
    if chance < 0.68:
        word = rng.choice(text.split(" "))
        return text.replace(word, word.upper(), 1)
    return text


def _ending(text: str, label: str, rng: random.Random) -> str:
    if text[-1] in "?!.":
        return rng.choice(["", "", "", text[-1] * rng.randint(1, 3)]) if text[-1] != "." else ""
    choices = {
        "negative": ["", "", "", ".", ".", "!", "!!", "!!!", "...", "?!"],
        "neutral": ["", "", "", "", ".", ".", ".", "!"],
        "positive": ["", "", ".", "!", "!", "!!", "!!!", " :)", " xx"],
    }
    return rng.choice(choices[label])
