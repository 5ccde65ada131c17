"""The buttons below the bot's messages, and what pressing one sends back (64 bytes at most)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, KeyboardButton, ReplyKeyboardMarkup

from connectors.telegram.words import LANGUAGES, say
from core.ratings import SCORES

FACES = ("😠", "🙁", "😐", "🙂", "😀")
Pressed = Literal["helpful", "person", "rate", "language", "erase"]
_CODES: dict[str, Pressed] = {"h": "helpful", "p": "person", "r": "rate", "l": "language", "e": "erase"}


@dataclass(frozen=True, slots=True)
class Press:
    what: Pressed
    about: str = ""
    value: str = ""


def read(data: str) -> Press | None:
    """None for what no button of ours sends: whoever writes their own client may send anything."""
    code, about, value, *_ = (*data.split(":"), "", "")
    return Press(_CODES[code], about, value) if code in _CODES else None


def below_answer(message_id: UUID, language: str | None) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        [
            [
                InlineKeyboardButton(say("helpful", language), callback_data=f"h:{message_id.hex}:1"),
                InlineKeyboardButton(say("unhelpful", language), callback_data=f"h:{message_id.hex}:0"),
            ],
            [_person(language)],
        ]
    )


def person_only(language: str | None) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[_person(language)]])


def ratings(ticket_number: int) -> InlineKeyboardMarkup:
    faces = zip(FACES, SCORES, strict=True)
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(face, callback_data=f"r:{ticket_number}:{score}") for face, score in faces]]
    )


def languages() -> InlineKeyboardMarkup:
    names = [InlineKeyboardButton(name, callback_data=f"l:{code}") for code, name in LANGUAGES.items()]
    return InlineKeyboardMarkup([names[place : place + 2] for place in range(0, len(names), 2)])


def erase(language: str | None) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(say("erase", language), callback_data="e:ask")]])


def really_erase(language: str | None) -> InlineKeyboardMarkup:
    yes = InlineKeyboardButton(say("erase_yes", language), callback_data="e:yes")
    no = InlineKeyboardButton(say("erase_no", language), callback_data="e:no")
    return InlineKeyboardMarkup([[yes, no]])


def questions(choices: Sequence[str]) -> ReplyKeyboardMarkup:
    """Common questions; pressing one asks it."""
    return ReplyKeyboardMarkup(
        [[KeyboardButton(choice)] for choice in choices], resize_keyboard=True, one_time_keyboard=True
    )


def _person(language: str | None) -> InlineKeyboardButton:
    return InlineKeyboardButton(say("person", language), callback_data="p")
