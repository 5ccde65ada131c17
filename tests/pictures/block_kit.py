"""Block Kit as HTML, for the pictures in docs/ only: close to Slack's looks, not a copy of them."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import Any

Json = dict[str, Any]
STYLE = """
body { margin: 0; padding: 6px 0; background: #fff; font: 15px/1.46 Lato, sans-serif; color: #1d1c1d; width: 860px }
.messages { padding: 12px 20px }
.message { display: grid; grid-template-columns: 36px 1fr; gap: 2px 10px; margin: 10px 0 }
.message.reply { margin-left: 46px }
.avatar { width: 36px; height: 36px; border-radius: 6px; background: #2f5d50; color: #fff; font-weight: 900;
  display: grid; place-items: center; grid-row: span 2 }
.avatar.person { background: #b8562f }
.who { font-weight: 900 } .who small { font-weight: 400; color: #616061; font-size: 12px; margin-left: 6px }
.app { background: #e8e8e8; color: #616061; font-size: 10px; font-weight: 700; padding: 1px 4px; border-radius: 3px;
  margin-left: 5px; vertical-align: 2px }
.block { margin: 5px 0; white-space: pre-wrap; overflow-wrap: anywhere }
.quote { border-left: 4px solid #ddd; padding-left: 12px; margin: 4px 0 }
.context { color: #616061; font-size: 13px; display: flex; gap: 14px; flex-wrap: wrap }
.actions { display: flex; gap: 8px; flex-wrap: wrap; margin: 8px 0 4px }
button { font: 700 13px Lato, sans-serif; background: #fff; border: 1px solid #bbb; border-radius: 6px; color: #1d1c1d;
  padding: 5px 12px }
button.primary { background: #007a5a; border-color: #007a5a; color: #fff }
button.danger { color: #e01e5a; border-color: #e01e5a }
a { color: #1264a3; text-decoration: none }
.user { background: #e8f1f8; color: #1264a3; padding: 0 2px; border-radius: 3px }
ol, ul { margin: 2px 0; padding-left: 26px }
code { background: #f4f4f4; border: 1px solid #ddd; border-radius: 3px; padding: 1px 3px; color: #c01343;
  font-size: 12px }
.file { border: 1px solid #ddd; border-radius: 8px; padding: 8px 12px; display: inline-block; margin-top: 4px }
.modal { width: 520px; margin: 24px auto; border: 1px solid #ddd; border-radius: 10px; box-shadow: 0 6px 30px #0003 }
.modal header { font-weight: 900; font-size: 20px; padding: 16px 24px; border-bottom: 1px solid #eee }
.modal main { padding: 12px 24px } .modal footer { padding: 14px 24px; text-align: right; border-top: 1px solid #eee }
.modal footer button { margin-left: 10px } label { font-weight: 700; display: block; margin: 12px 0 5px }
.typed { border: 1px solid #868686; border-radius: 5px; padding: 8px 12px; white-space: pre-wrap; min-height: 66px }
.option { display: block; font-weight: 400; margin: 6px 0 }
.option i { display: inline-block; width: 15px; height: 15px;
  border: 1.5px solid #868686; border-radius: 3px; margin-right: 8px; vertical-align: -2px }
h2 { font-size: 18px; margin: 12px 0 4px }
"""


def page(*bodies: str) -> str:
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{''.join(bodies)}"


def message(body: str, *, who: str = "Deskhand", at: str = "9:41", reply: bool = False, app: bool = True) -> str:
    badge = "<span class=app>APP</span>" if app else ""
    avatar = f"<div class='avatar{'' if app else ' person'}'>{escape(who[0])}</div>"
    head = f"<div class=who>{escape(who)}{badge}<small>{at}</small></div>"
    return f"<div class='message{' reply' if reply else ''}'>{avatar}{head}<div>{body}</div></div>"


def blocks(found: list[Json]) -> str:
    return "".join(f"<div class=block>{_block(each)}</div>" for each in found)


def modal(view: Json) -> str:
    submit = f"<button class=primary>{escape(view['submit']['text'])}</button>" if view.get("submit") else ""
    return (
        f"<div class=modal><header>{escape(view['title']['text'])}</header><main>{blocks(view['blocks'])}</main>"
        f"<footer><button>{escape(view['close']['text'])}</button>{submit}</footer></div>"
    )


def _block(block: Json) -> str:
    match block["type"]:
        case "rich_text":
            return "".join(_part(part) for part in block["elements"])
        case "context":
            return f"<div class=context>{''.join(f'<span>{_words(each)}</span>' for each in block['elements'])}</div>"
        case "actions":
            return f"<div class=actions>{''.join(_element(each) for each in block['elements'])}</div>"
        case "header":
            return f"<h2>{escape(block['text']['text'])}</h2>"
        case "input":
            return f"<label>{escape(block['label']['text'])}</label>{_element(block['element'])}"
        case _:
            return _words(block["text"])


def _part(part: Json) -> str:
    if part["type"] == "rich_text_list":
        tag = "ol" if part["style"] == "ordered" else "ul"
        return f"<{tag}>{''.join(f'<li>{_part(item)}</li>' for item in part['elements'])}</{tag}>"
    inside = "".join(_inline(element) for element in part["elements"])
    return f"<div class=quote>{inside}</div>" if part["type"] == "rich_text_quote" else f"<div>{inside}</div>"


def _inline(element: Json) -> str:
    match element["type"]:
        case "date":
            return _date(element)
        case "user":
            return "<span class=user>@Sam</span>"
        case "link":
            shown = f"<a>{escape(element.get('text') or element['url'])}</a>"
        case _:
            shown = escape(element["text"])
    for style, tag in (("bold", "b"), ("italic", "i"), ("strike", "s"), ("code", "code")):
        if element.get("style", {}).get(style):
            shown = f"<{tag}>{shown}</{tag}>"
    return shown


def _date(element: Json) -> str:
    moment = datetime.fromtimestamp(element["timestamp"], UTC)
    if element["format"] != "{ago}":
        return f"today at {moment:%H:%M}"
    minutes = round((moment - datetime.now(UTC)).total_seconds() / 60)
    hours = f"{abs(minutes) // 60} hours" if abs(minutes) >= 120 else f"{abs(minutes)} minutes"
    return f"in {hours}" if minutes >= 0 else f"{hours} ago"


def _words(text: Json) -> str:
    return escape(text["text"])


def _element(element: Json) -> str:
    match element["type"]:
        case "button":
            return f"<button class='{element.get('style', '')}'>{_words(element['text'])}</button>"
        case "overflow":
            return "<button>⋯</button>"
        case "plain_text_input":
            return f"<div class=typed>{escape(element.get('initial_value', ''))}</div>"
        case _:
            options = element["options"]
            return "".join(f"<span class=option><i></i>{_words(option['text'])}</span>" for option in options)
