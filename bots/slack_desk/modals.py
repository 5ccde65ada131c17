"""The desk's modals. `metadata` comes back with the submission: which ticket, draft and version it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bots.slack_desk import rich, words
from bots.slack_desk.rich import Json

LAST_MESSAGE_LENGTH = 2000
MOST_OPTIONS = 100


def edit(metadata: str, text: str, question: str) -> Json:
    """The draft's text to change, with the customer's last message on top."""
    return _modal(
        "edit",
        "Edit the draft",
        "Send",
        metadata,
        _asked(question),
        _text_input("text", "What the customer gets", text),
        _send_and_resolve(),
    )


def reply(metadata: str, question: str) -> Json:
    return _modal(
        "reply",
        "Reply",
        "Send",
        metadata,
        _asked(question),
        _text_input("text", "What the customer gets", hint="Markdown: **bold**, [words](https://…), lists."),
        _send_and_resolve(),
    )


def correct(metadata: str, text: str) -> Json:
    """For a reply that was sent already."""
    return _modal("correct", "Send a correction", "Send", metadata, _text_input("text", "What it should say", text))


def reject(metadata: str) -> Json:
    options = [_option(value, f"Because {label}") for value, label in words.REJECTIONS.items()]
    element = {"type": "radio_buttons", "action_id": "reason", "options": options, "initial_option": options[0]}
    return _modal("reject", "Reject the draft", "Reject", metadata, _input("reason", "Why?", element))


def assign(metadata: str, members: Sequence[tuple[str, str]], current: str | None) -> Json:
    """`members`: (id, name)."""
    return _choice("assign", "Assign", metadata, "Who takes it?", members, current)


def snooze(metadata: str) -> Json:
    return _choice("snooze", "Snooze", metadata, "How long?", words.SNOOZES, None)


def priority(metadata: str, current: str) -> Json:
    return _choice("priority", "Priority", metadata, "How urgent is it?", list(words.PRIORITIES.items()), current)


def category(metadata: str, known: Sequence[str], current: str | None) -> Json:
    """A known category, or a new one."""
    blocks = [_text_input("new", "A new one", "", optional=True, multiline=False, longest=64)]
    if known:
        options = [(each, each) for each in known]
        blocks.insert(0, _select("known", "Category", options, current, optional=True))
    return _modal("category", "Category", "Save", metadata, *blocks)


def merge(metadata: str) -> Json:
    element = _text_input("number", "Number of the ticket to keep", "", multiline=False, longest=12)
    explained = _words(
        "This ticket's conversation is answered from the other ticket. Both must be of the same customer."
    )
    return _modal("merge", "Merge", "Merge", metadata, explained, element)


def faq(metadata: str, question: str, answer: str) -> Json:
    return _modal(
        "faq",
        "Save as FAQ",
        "Save",
        metadata,
        _text_input("question", "Question", question, multiline=False, longest=300),
        _text_input("answer", "Answer", answer),
    )


def _modal(callback_id: str, title: str, submit: str, metadata: str, *blocks: Json) -> Json:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": _plain(title),
        "submit": _plain(submit),
        "close": _plain("Cancel"),
        "private_metadata": metadata,
        "blocks": list(blocks),
    }


def _asked(question: str) -> Json:
    return rich.block(rich.quote(rich.shortened(question, LAST_MESSAGE_LENGTH)))


def _send_and_resolve() -> Json:
    element = {"type": "checkboxes", "action_id": "resolve", "options": [_option("resolve", "Send and resolve")]}
    return _input("resolve", "Afterwards", element, optional=True)


def _choice(
    name: str, title: str, metadata: str, label: str, options: Sequence[tuple[str, str]], current: str | None
) -> Json:
    return _modal(name, title, title, metadata, _select(name, label, options, current))


def _select(
    name: str, label: str, options: Sequence[tuple[str, str]], current: str | None, *, optional: bool = False
) -> Json:
    choices = [_option(value, text) for value, text in options[:MOST_OPTIONS]]
    element: Json = {"type": "static_select", "action_id": name, "options": choices}
    chosen = next((choice for choice in choices if choice["value"] == current), None)
    if chosen:
        element["initial_option"] = chosen
    return _input(name, label, element, optional=optional)


def _text_input(name: str, label: str, initial: str = "", *, hint: str = "", **options: Any) -> Json:
    longest = options.get("longest", rich.LONGEST)
    element: Json = {
        "type": "plain_text_input",
        "action_id": name,
        "multiline": options.get("multiline", True),
        "max_length": longest,
    }
    if initial.strip():
        element["initial_value"] = rich.shortened(initial, longest)
    block = _input(name, label, element, optional=options.get("optional", False))
    if hint:
        block["hint"] = _plain(hint)
    return block


def _input(name: str, label: str, element: Json, *, optional: bool = False) -> Json:
    return {"type": "input", "block_id": name, "label": _plain(label), "element": element, "optional": optional}


def _words(text: str) -> Json:
    return {"type": "context", "elements": [_plain(text)]}


def _option(value: str, label: str) -> Json:
    return {"text": _plain(rich.shortened(label, 75)), "value": rich.shortened(value, 150)}


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": False}
