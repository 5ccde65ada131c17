"""The week as a picture: a bar a day, what the bot answered below and what went to people above."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, ImageFont

from core.reports import Weekly

SCALE = 2
WIDTH, HEIGHT = 720 * SCALE, 320 * SCALE
LEFT, RIGHT, TOP, BOTTOM = 56 * SCALE, 24 * SCALE, 56 * SCALE, 44 * SCALE
BOT, PEOPLE, INK, FAINT, PAPER = "#2f7d64", "#e0a030", "#1d1c1d", "#dddddd", "#ffffff"


def draw(report: Weekly) -> bytes:
    """A PNG."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    canvas = ImageDraw.Draw(image)
    days = [(f"{day.start:%a}", day.answered, day.escalated + day.silent) for day in report.days]
    top = _round_up(max([bot + people for _, bot, people in days] or [0]))
    _grid(canvas, top)
    _legend(canvas)
    step = (WIDTH - LEFT - RIGHT) / max(len(days), 1)
    for number, (name, bot, people) in enumerate(days):
        middle = LEFT + step * (number + 0.5)
        _bar(canvas, middle, step * 0.28, top, bot, people)
        canvas.text((middle, HEIGHT - BOTTOM + 10 * SCALE), name, INK, _font(14), anchor="mt")
    output = io.BytesIO()
    image.save(output, "PNG", optimize=True)
    return output.getvalue()


def _bar(canvas: ImageDraw.ImageDraw, middle: float, half: float, top: int, bot: int, people: int) -> None:
    split, end = _y(bot, top), _y(bot + people, top)
    if bot:
        canvas.rectangle((middle - half, split, middle + half, _y(0, top)), BOT)
    if people:
        canvas.rectangle((middle - half, end, middle + half, split), PEOPLE)
    if bot + people:
        canvas.text((middle, end - 4 * SCALE), str(bot + people), INK, _font(13), anchor="mb")


def _grid(canvas: ImageDraw.ImageDraw, top: int) -> None:
    for value in sorted({0, top // 2, top}):
        y = _y(value, top)
        canvas.line((LEFT, y, WIDTH - RIGHT, y), FAINT, SCALE)
        canvas.text((LEFT - 8 * SCALE, y), str(value), INK, _font(12), anchor="rm")


def _legend(canvas: ImageDraw.ImageDraw) -> None:
    x, y = LEFT, 18 * SCALE
    for color, words in ((BOT, "answered by the bot"), (PEOPLE, "to people")):
        canvas.rectangle((x, y, x + 12 * SCALE, y + 12 * SCALE), color)
        canvas.text((x + 18 * SCALE, y + 6 * SCALE), words, INK, _font(14), anchor="lm")
        x += 18 * SCALE + canvas.textlength(words, _font(14)) + 24 * SCALE


def _y(value: int, top: int) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top


def _round_up(value: int) -> int:
    """A round number that leaves room: the axis ends there."""
    step = 10 ** max(len(str(value)) - 1, 0)
    return max(-(-value // step) * step, 4)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow brings one along."""
    return ImageFont.load_default(size * SCALE)
