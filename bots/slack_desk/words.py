"""What the desk calls things."""

from __future__ import annotations

PRIORITIES = {"urgent": "🔥 Urgent", "high": "⬆️ High", "normal": "Normal", "low": "⬇️ Low"}
MOODS = {"negative": "😠 negative", "neutral": "😐 neutral", "positive": "🙂 positive"}
REJECTIONS = {
    "wrong": "it is wrong",
    "tone": "the tone is off",
    "outdated": "a source is outdated",
    "should_not_answer": "this should not be answered",
}
CONFIDENCE = (
    (0.9, "Very likely right"),
    (0.75, "Probably right"),
    (0.5, "Uncertain"),
    (0.0, "Hardly more than a guess"),
)
SNOOZES = (
    ("1", "For an hour"),
    ("3", "For three hours"),
    ("tomorrow", "Until tomorrow, 9:00"),
    ("monday", "Until Monday, 9:00"),
)


def confidence(value: float) -> str:
    words = next(text for least, text in CONFIDENCE if value >= least)
    return f"{words} ({value:.0%})"
