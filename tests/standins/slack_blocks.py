"""What Slack refuses in messages, modals and home views, in its own words.

https://docs.slack.dev/reference/block-kit/blocks and …/block-elements, …/composition-objects, …/views
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Json = dict[str, Any]
Problem = str
MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
MESSAGE_CHARACTERS = 13_200
"""Not documented: messages whose blocks hold more text fail with `msg_blocks_too_long` (slackapi/bolt-js#2509)."""
SPECIAL = re.compile(r"<([@#!][^>]*)>")
LINK = re.compile(r"<((?:https?|mailto|tel|slack):[^>|]*)(?:\|[^>]*)?>")


def problems_of_message(blocks: Any) -> list[Problem]:
    return list(_blocks(blocks, MESSAGE_BLOCKS, inputs=False))


def problems_of_view(view: Any) -> list[Problem]:
    """Of a modal or a home tab."""
    return list(_view(view))


def characters(blocks: list[Json]) -> int:
    """All the text that is shown."""
    return sum(len(text) for text in texts(blocks))


def texts(node: Any) -> Iterator[str]:
    """Every text object's text, in order."""
    if isinstance(node, dict):
        if node.get("type") in ("mrkdwn", "plain_text", "text", "link"):
            yield node.get("text") or node.get("url") or ""
        else:
            for child in node.values():
                yield from texts(child)
    elif isinstance(node, list):
        for child in node:
            yield from texts(child)


def lines(blocks: list[Json]) -> Iterator[str]:
    """What can be read, as it is laid out."""
    for block in blocks:
        if block["type"] == "rich_text":
            for part in block["elements"]:
                items = part["elements"] if part["type"] == "rich_text_list" else [part]
                yield from ("".join(texts(item)).strip() for item in items)
        else:
            yield from texts(block)


def mrkdwn(node: Any) -> Iterator[str]:
    """Every text in which Slack looks for mentions, links and formatting."""
    if isinstance(node, dict):
        if node.get("type") == "mrkdwn":
            yield node["text"]
        else:
            for child in node.values():
                yield from mrkdwn(child)
    elif isinstance(node, list):
        for child in node:
            yield from mrkdwn(child)


def mentions(node: Any) -> list[str]:
    """Whom the blocks notify, and which channels they name: `@U1`, `!channel`; dates notify nobody."""
    found = [match for text in mrkdwn(node) for match in SPECIAL.findall(text)]
    found += [f"@{element['user_id']}" for element in _typed_nodes(node, "user")]
    return [each for each in found if not each.startswith("!date^")]


def links(node: Any) -> list[str]:
    """The addresses that can be clicked in texts, in order."""
    found = [match for text in mrkdwn(node) for match in LINK.findall(text)]
    return found + [element["url"] for element in _typed_nodes(node, "link")]


def _typed_nodes(node: Any, kind: str) -> Iterator[Json]:
    if isinstance(node, dict):
        if node.get("type") == kind:
            yield node
        for child in node.values():
            yield from _typed_nodes(child, kind)
    elif isinstance(node, list):
        for child in node:
            yield from _typed_nodes(child, kind)


def _view(view: Any) -> Iterator[Problem]:
    if not isinstance(view, dict) or view.get("type") not in ("modal", "home"):
        yield "invalid `type` [json-pointer:/view/type]"
        return
    if view["type"] == "modal":
        yield from _plain(view.get("title"), 24, "/view/title")
        for name in ("submit", "close"):
            if view.get(name) is not None:
                yield from _plain(view[name], 24, f"/view/{name}")
        if any(block.get("type") == "input" for block in view.get("blocks", ())) and not view.get("submit"):
            yield "missing required field: submit [json-pointer:/view]"
    yield from _at_most(view.get("private_metadata", ""), 3000, "/view/private_metadata")
    yield from _at_most(view.get("callback_id", ""), 255, "/view/callback_id")
    yield from _blocks(view.get("blocks"), VIEW_BLOCKS, inputs=True, at="/view")


def _blocks(blocks: Any, most: int, *, inputs: bool, at: str = "") -> Iterator[Problem]:
    if not isinstance(blocks, list) or not blocks:
        yield f"no blocks [json-pointer:{at}/blocks]"
        return
    if len(blocks) > most:
        yield f"no more than {most} items allowed [json-pointer:{at}/blocks]"
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        where = f"{at}/blocks/{number}"
        kind = block.get("type") if isinstance(block, dict) else None
        check = BLOCKS.get(str(kind))
        if check is None or (kind == "input" and not inputs):
            yield f"unsupported type: {kind} [json-pointer:{where}/type]"
            continue
        block_id = block.get("block_id")
        if block_id is not None:
            yield from _length(block_id, 1, 255, f"{where}/block_id")
            if block_id in seen:
                yield f"`block_id` {block_id!r} already exists [json-pointer:{where}/block_id]"
            seen.add(block_id)
        yield from check(block, where)


def _section(block: Json, at: str) -> Iterator[Problem]:
    if "text" not in block and not block.get("fields"):
        yield f"missing required field: text [json-pointer:{at}]"
    if "text" in block:
        yield from _text(block["text"], 3000, f"{at}/text")
    fields = block.get("fields", [])
    if len(fields) > 10:
        yield f"no more than 10 items allowed [json-pointer:{at}/fields]"
    for number, field in enumerate(fields):
        yield from _text(field, 2000, f"{at}/fields/{number}")
    if "accessory" in block:
        yield from _element(block["accessory"], f"{at}/accessory")


def _header(block: Json, at: str) -> Iterator[Problem]:
    yield from _plain(block.get("text"), 150, f"{at}/text")


def _context(block: Json, at: str) -> Iterator[Problem]:
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 10:
        yield f"must have 1 to 10 items [json-pointer:{at}/elements]"
    for number, element in enumerate(elements):
        if element.get("type") == "image":
            yield from _image(element, f"{at}/elements/{number}")
        else:
            yield from _text(element, 3000, f"{at}/elements/{number}")


def _actions(block: Json, at: str) -> Iterator[Problem]:
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 25:
        yield f"must have 1 to 25 items [json-pointer:{at}/elements]"
    names = [element.get("action_id") for element in elements if element.get("action_id")]
    if len(names) != len(set(names)):
        yield f"`action_id` already exists [json-pointer:{at}/elements]"
    for number, element in enumerate(elements):
        yield from _element(element, f"{at}/elements/{number}")


def _divider(block: Json, at: str) -> Iterator[Problem]:
    if block.keys() - {"type", "block_id"}:
        yield f"invalid additional property [json-pointer:{at}]"


def _image(block: Json, at: str) -> Iterator[Problem]:
    if not block.get("image_url") and not block.get("slack_file"):
        yield f"missing required field: image_url [json-pointer:{at}]"
    yield from _length(block.get("alt_text"), 1, 2000, f"{at}/alt_text")


def _input(block: Json, at: str) -> Iterator[Problem]:
    yield from _plain(block.get("label"), 2000, f"{at}/label")
    if block.get("hint"):
        yield from _plain(block["hint"], 2000, f"{at}/hint")
    yield from _element(block.get("element") or {}, f"{at}/element")


def _element(element: Json, at: str) -> Iterator[Problem]:
    check = ELEMENTS.get(str(element.get("type")))
    if check is None:
        yield f"unsupported type: {element.get('type')} [json-pointer:{at}/type]"
        return
    if "action_id" in element:
        yield from _length(element["action_id"], 1, 255, f"{at}/action_id")
    if element.get("confirm"):
        yield from _confirm(element["confirm"], f"{at}/confirm")
    if element.get("placeholder"):
        yield from _plain(element["placeholder"], 150, f"{at}/placeholder")
    yield from check(element, at)


def _button(element: Json, at: str) -> Iterator[Problem]:
    yield from _plain(element.get("text"), 75, f"{at}/text")
    yield from _at_most(element.get("value", ""), 2000, f"{at}/value")
    yield from _at_most(element.get("url", ""), 3000, f"{at}/url")
    if element.get("style") not in (None, "primary", "danger"):
        yield f"invalid style [json-pointer:{at}/style]"


def _confirm(confirm: Json, at: str) -> Iterator[Problem]:
    yield from _plain(confirm.get("title"), 100, f"{at}/title")
    yield from _text(confirm.get("text"), 300, f"{at}/text")
    for name in ("confirm", "deny"):
        yield from _plain(confirm.get(name), 30, f"{at}/{name}")


def _options(least: int, most: int) -> Callable[[Json, str], Iterator[Problem]]:
    def check(element: Json, at: str) -> Iterator[Problem]:
        options = element.get("options") or []
        if not least <= len(options) <= most:
            yield f"must have {least} to {most} items [json-pointer:{at}/options]"
        for number, option in enumerate(options):
            yield from _text(option.get("text"), 75, f"{at}/options/{number}/text")
            yield from _length(option.get("value"), 1, 150, f"{at}/options/{number}/value")
        initial = element.get("initial_option")
        if initial is not None and initial not in options:
            yield f"must be one of the options [json-pointer:{at}/initial_option]"
        for chosen in element.get("initial_options", ()):
            if chosen not in options:
                yield f"must be one of the options [json-pointer:{at}/initial_options]"

    return check


def _typed(element: Json, at: str) -> Iterator[Problem]:
    most = element.get("max_length", 3000)
    if not 1 <= most <= 3000:
        yield f"must be from 1 to 3000 [json-pointer:{at}/max_length]"
    yield from _at_most(element.get("initial_value", ""), most, f"{at}/initial_value")


def _anything(_element: Json, _at: str) -> Iterator[Problem]:
    return iter(())


def _text(text: Any, most: int, at: str) -> Iterator[Problem]:
    if not isinstance(text, dict) or text.get("type") not in ("mrkdwn", "plain_text"):
        yield f"must be a text object [json-pointer:{at}]"
        return
    yield from _length(text.get("text"), 1, most, f"{at}/text")


def _plain(text: Any, most: int, at: str) -> Iterator[Problem]:
    if not isinstance(text, dict) or text.get("type") != "plain_text":
        yield f"must be a plain_text object [json-pointer:{at}]"
        return
    yield from _length(text.get("text"), 1, most, f"{at}/text")


def _at_most(value: Any, most: int, at: str) -> Iterator[Problem]:
    yield from _length(value, 0, most, at)


def _length(value: Any, least: int, most: int, at: str) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield f"must provide a string [json-pointer:{at}]"
    elif len(value) < least:
        yield f"must be more than {least - 1} characters [json-pointer:{at}]"
    elif len(value) > most:
        yield f"must be less than {most + 1} characters [json-pointer:{at}]"


PARTS = {"rich_text_section", "rich_text_quote", "rich_text_preformatted"}
STYLES = {"bold", "italic", "strike", "code", "underline", "highlight"}


def _rich_text(block: Json, at: str) -> Iterator[Problem]:
    parts = block.get("elements") or []
    if not parts:
        yield f"must have 1 or more items [json-pointer:{at}/elements]"
    for number, part in enumerate(parts):
        yield from _rich_part(part, f"{at}/elements/{number}")


def _rich_part(part: Json, at: str) -> Iterator[Problem]:
    elements = part.get("elements") or []
    if not elements:
        yield f"must have 1 or more items [json-pointer:{at}/elements]"
    if part.get("type") == "rich_text_list":
        if part.get("style") not in ("bullet", "ordered") or not 0 <= part.get("indent", 0) <= 8:
            yield f"invalid list [json-pointer:{at}]"
        for number, item in enumerate(elements):
            yield from _rich_part(item, f"{at}/elements/{number}")
        return
    if part.get("type") not in PARTS:
        yield f"unsupported type: {part.get('type')} [json-pointer:{at}/type]"
    for number, element in enumerate(elements):
        yield from _rich_element(element, f"{at}/elements/{number}")


def _rich_element(element: Json, at: str) -> Iterator[Problem]:
    if set(element.get("style", {})) - STYLES:
        yield f"invalid style [json-pointer:{at}/style]"
    match element.get("type"):
        case "text":
            yield from _length(element.get("text"), 1, 3000, f"{at}/text")
        case "link":
            yield from _length(element.get("url"), 1, 3000, f"{at}/url")
            if not re.match(r"(https?|mailto|tel):", element.get("url", "")):
                yield f"must be a valid URL [json-pointer:{at}/url]"
        case "date":
            if not isinstance(element.get("timestamp"), int) or not element.get("format"):
                yield f"invalid date [json-pointer:{at}]"
        case "emoji":
            yield from _length(element.get("name"), 1, 255, f"{at}/name")
        case "user":
            yield from _length(element.get("user_id"), 1, 255, f"{at}/user_id")
        case other:
            yield f"unsupported type: {other} [json-pointer:{at}/type]"


BLOCKS: dict[str, Callable[[Json, str], Iterator[Problem]]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "divider": _divider,
    "image": _image,
    "rich_text": _rich_text,
    "input": _input,
}
ELEMENTS: dict[str, Callable[[Json, str], Iterator[Problem]]] = {
    "button": _button,
    "overflow": _options(1, 5),
    "static_select": _options(1, 100),
    "radio_buttons": _options(1, 10),
    "checkboxes": _options(1, 10),
    "users_select": _anything,
    "datetimepicker": _anything,
    "plain_text_input": _typed,
    "image": _image,
}
