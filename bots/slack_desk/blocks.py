"""The desk's messages: a ticket, a draft, what was said. Pure; limits are those of Block Kit.

What a customer wrote is only ever put into rich text or plain text, where Slack parses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bots.slack_desk import rich, words
from bots.slack_desk.cards import DraftCard, MessageCard, NoteCard, TicketCard
from bots.slack_desk.rich import Json
from core.agent.state import Answer
from core.messages import Citation

MOST_SOURCES = 10
CONTEXT_LENGTH = 400
SUBJECT_LENGTH = 44
"""So that a ticket's facts are on one line; what was asked is quoted below it."""
WHEN = "{date_short_pretty} at {time}"


@dataclass(frozen=True, slots=True)
class Post:
    """One message: `text` is what notifications and screen readers say."""

    text: str
    blocks: list[Json]


def ticket(card: TicketCard) -> Post:
    blocks = [
        rich.block(rich.section(*_headline(card))),
        _context(_plain(f"👤 {card.customer}"), _plain(f"Handed over: {card.reason}")),
        rich.block(rich.quote(card.question)),
        rich.block(rich.section(*_status(card))),
    ]
    if card.merged_into is None:
        blocks.append(_actions(*_ticket_buttons(card)))
    return Post(_fallback(f"#{card.number} {card.subject} ({card.customer})"), blocks)


def _headline(card: TicketCard) -> list[Json]:
    facts = [card.source, card.category, words.PRIORITIES.get(card.priority, card.priority)]
    facts.append(words.MOODS.get(card.mood or "", card.mood))
    line = " · ".join(rich.shortened(fact, 80) for fact in facts if fact)
    elements = [
        rich.link(card.url, f"#{card.number}", "bold"),
        rich.text(f" {rich.shortened(card.subject, SUBJECT_LENGTH)}", "bold"),
        rich.text(f" · {line}"),
    ]
    if card.due_at and card.status != "resolved":
        due = card.due_at
        words_before = " · ⏰ overdue, was due " if card.overdue else " · due "
        elements += [rich.text(words_before), rich.date(due, "{ago}", f"{due:%d %b %H:%M} UTC")]
    return elements


def _status(card: TicketCard) -> list[Json]:
    who = rich.shortened(card.assignee, 200) if card.assignee else None
    if card.merged_into:
        return [rich.text(f"⚪ Merged into #{card.merged_into}")]
    if card.status == "resolved":
        rating = [rich.text(f" · rated {'★' * card.rating}{'☆' * (5 - card.rating)}")] if card.rating else []
        comment = [rich.text(f" “{rich.shortened(card.rating_comment, 300)}”")] if card.rating_comment else []
        by = f" by {rich.shortened(card.resolved_by, 200)}" if card.resolved_by else ""
        blocked = ", the sender is blocked" if card.blocked else ""
        ended = f"🚫 Spam, closed{by}{blocked}" if card.spam else f"🟢 Resolved{by}{blocked}"
        return [rich.text(ended), *rating, *comment]
    if card.snoozed_until:
        until = card.snoozed_until
        return [rich.text("🟣 Snoozed until "), rich.date(until, WHEN, f"{until:%d %b %H:%M} UTC"), *_with(who)]
    if card.status == "pending":
        return [rich.text("🔵 Waiting for the customer"), *_with(who), *_bot(card)]
    if who:
        return [rich.text(f"🟡 {who} has it"), *_bot(card)]
    return [rich.text("🔴 Open, nobody has it"), *_bot(card)]


def _with(who: str | None) -> list[Json]:
    return [rich.text(f" · {who} has it")] if who else []


def _bot(card: TicketCard) -> list[Json]:
    silent = card.handler == "person"
    return [rich.text(" · the bot is silent" if silent else " · the bot answers what it can")]


def _ticket_buttons(card: TicketCard) -> list[Json]:
    if card.status == "resolved":
        spammer = _button("unblock", "Unblock the sender") if card.blocked else _button("block", "Block the sender")
        return [_button("reopen", "Reopen"), *([spammer] if card.spam or card.blocked else [])]
    take = [] if card.assignee else [_button("take", "Take it", style="primary")]
    more = [("priority", "Priority…"), ("category", "Category…"), ("merge", "Merge…"), ("spam", "Spam")]
    if card.handler == "person":
        more.append(("hand_back", "Hand back to the bot"))
    snooze = _button("wake", "Wake up") if card.snoozed_until else _button("snooze", "Snooze")
    return [
        *take,
        _button("reply", "Reply"),
        _button("assign", "Assign"),
        snooze,
        _button("resolve", "Resolve"),
        _overflow("more", more),
    ]


def draft(card: DraftCard, number: int, url: str | None) -> Post:
    blocks = [rich.block(rich.section(*_draft_headline(card))), rich.block(*rich.markdown(_marked(card)))]
    if rich.units(card.text) > rich.LONGEST:
        blocks.append(_context(_plain("This is the beginning. Read and edit the whole in the console.")))
    if card.citations:
        blocks.append(
            rich.block(rich.section(rich.text("Sources", "bold")), rich.numbered(_sources(card.citations, card.site)))
        )
    else:
        blocks.append(_context(_plain("No source supports this draft.")))
    if card.unproven:
        blocks.append(_context(_plain("⚠️ No document proves the sentences in italics: check them before you send.")))
    blocks.append(_draft_end(card, url))
    return Post(_fallback(f"Draft for #{number}: {card.text}"), blocks)


def _draft_headline(card: DraftCard) -> list[Json]:
    return [rich.text("✍️ Draft", "bold"), rich.text(f" · {words.confidence(card.confidence)}")]


def _marked(card: DraftCard) -> str:
    text = card.text
    for sentence in card.unproven:
        text = text.replace(sentence, f"⚠️ *{sentence.strip()}*", 1)
    return text


def _sources(citations: Sequence[Citation], site: str) -> list[list[Json]]:
    """Each page once, however many of its passages were used."""
    pages = dict.fromkeys((each.title, each.url) for each in citations)
    return [[rich.link(_full(url, site), rich.shortened(title, 200))] for title, url in [*pages][:MOST_SOURCES]]


def _full(url: str | None, site: str) -> str | None:
    """Pages that we serve ourselves may be named by their path."""
    return f"{site}{url}" if url and url.startswith("/") and not url.startswith("//") else url


def _draft_end(card: DraftCard, url: str | None) -> Json:
    if card.state == "pending":
        version = str(card.version)
        too_long = rich.units(card.text) > rich.LONGEST
        edit = (
            _button("console", "Edit in the console", url=url) if too_long and url else _button("edit", "Edit", version)
        )
        return _actions(
            _button("send", "Send", version, style="primary"),
            edit,
            _button("reject", "Reject", version, style="danger"),
            _button("regenerate", "Regenerate", version),
        )
    who = rich.shortened(card.decided_by, 200) if card.decided_by else "a former member"
    when = (
        [rich.text(", "), rich.date(card.decided_at, WHEN, f"{card.decided_at:%d %b %H:%M} UTC")]
        if card.decided_at
        else []
    )
    if card.state == "sent":
        sent = "Edited and sent" if card.edited else "Sent"
        sign, end = ("↩️", [rich.text(", then taken back")]) if card.taken_back else ("✅", [])
        return rich.block(rich.section(rich.text(f"{sign} {sent} by {who}"), *when, *end))
    if card.state == "rejected":
        why = words.REJECTIONS.get(card.reject_reason or "")
        return rich.block(rich.section(rich.text(f"🚫 Rejected by {who}{': ' + why if why else ''}"), *when))
    return rich.block(rich.section(rich.text("⌛ Outdated: something newer was said.")))


def earlier(before: Sequence[tuple[str, str]], number: int) -> Post:
    """(who, what) of the messages before the question, shortened."""
    parts = [rich.section(rich.text("Earlier in this conversation", "bold"))]
    for who, what in before:
        parts.append(rich.section(rich.text(f"{rich.shortened(who, 80)}:", "italic")))
        parts.append(rich.quote(rich.shortened(what, CONTEXT_LENGTH)))
    return Post(f"#{number} Earlier in this conversation", [rich.block(*parts)])


def said(card: MessageCard, number: int) -> Post:
    """A message of either side, with what became of it."""
    who = rich.shortened(card.name, 200)
    heading = {
        "customer": f"💬 {who} wrote",
        "ai": f"🤖 {who} answered",
        "agent": f"↩️ {who} replied",
        "system": f"ℹ️ {who} told the customer",
    }[card.author]
    blocks = [rich.block(rich.section(rich.text(heading, "bold"), *_remark(card)))]
    if card.state != "retracted" and card.text.strip():
        blocks.append(rich.block(*([rich.quote(card.text)] if card.author == "customer" else rich.markdown(card.text))))
    if card.files:
        blocks.append(_context(_plain("📎 " + ", ".join(card.files))))
    if card.trouble:
        blocks.append(_context(_plain(f"⚠️ Not delivered: {card.trouble}")))
    if card.undo:
        blocks.append(_actions(_button("undo", "Undo")))
    elif card.state == "received":
        blocks.append(_actions(_button("reply", "Reply"), _button("draft", "Draft an answer")))
    elif card.author == "agent" and card.state == "sent":
        changes = [("correct", "Correct…"), ("retract", "Take back"), ("faq", "Save as FAQ…")]
        blocks.append(_actions(_overflow("sent", changes)))
    return Post(_fallback(f"#{number} {heading}: {'' if card.state == 'retracted' else card.text}"), blocks)


def _remark(card: MessageCard) -> list[Json]:
    remarks = {
        "held": " · goes out in a few seconds",
        "queued": " · on its way",
        "sent": " · ✅ sent",
        "failed": " · ❌ could not be delivered",
        "retracted": " · taken back",
    }
    edited = " · edited" if card.edited and card.state != "retracted" else ""
    text = remarks.get(card.state, "") + edited
    return [rich.text(text)] if text else []


def given(name: str, by: str | None, number: int) -> Post:
    words = f"👉 {rich.shortened(name, 200)} has this ticket now{', from ' + rich.shortened(by, 200) if by else ''}."
    return Post(_fallback(f"#{number} {words}"), [rich.block(rich.section(rich.text(words)))])


def calling(post: Post, user: str) -> Post:
    """With a mention of a user of the workspace."""
    called = rich.block(rich.section(rich.user(user)))
    return Post(f"<@{user}> {post.text}", [*post.blocks, called])


def note(card: NoteCard, number: int) -> Post:
    heading = f"📝 Note by {rich.shortened(card.name, 200)}"
    blocks = [rich.block(rich.section(rich.text(heading, "bold"))), rich.block(*rich.markdown(card.text))]
    return Post(_fallback(f"#{number} {heading}: {card.text}"), blocks)


def pointer(card: TicketCard, where: str) -> Post:
    """Left behind when a ticket moves to another channel; `where` is that channel's id."""
    heading = [rich.link(card.url, f"#{card.number}", "bold"), rich.text(f" {rich.shortened(card.subject, 200)}")]
    moved = {"type": "section", "text": {"type": "mrkdwn", "text": f"➡️ This ticket is now in <#{where}>."}}
    return Post(_fallback(f"#{card.number} has moved"), [rich.block(rich.section(*heading)), moved])


def plain(words: str) -> Post:
    """A private explanation: fixed words and names, nothing parsed."""
    return Post(_fallback(words), [rich.block(rich.section(rich.text(rich.shortened(words))))])


def answered(question: str, answer: Answer | None, site: str) -> Post:
    """What the knowledge base says to an agent's own question."""
    heading = rich.block(rich.section(rich.text(rich.shortened(question, 300), "bold")))
    if answer is None:
        return Post(_fallback(question), [heading, _context(_plain("The documents say nothing about this."))])
    sure = _context(_plain(words.confidence(answer.confidence)))
    blocks = [heading, rich.block(*rich.markdown(answer.text)), sure]
    if answer.citations:
        blocks.append(
            rich.block(rich.section(rich.text("Sources", "bold")), rich.numbered(_sources(answer.citations, site)))
        )
    return Post(_fallback(question), blocks)


def with_link(post: Post, label: str, url: str) -> Post:
    return Post(post.text, [*post.blocks, _actions(_button("console", label, url=url))])


def with_button(post: Post, action_id: str, label: str, value: str) -> Post:
    return Post(post.text, [*post.blocks, _actions(_button(action_id, label, value))])


def _button(action_id: str, label: str, value: str = "-", *, style: str | None = None, url: str | None = None) -> Json:
    button: Json = {"type": "button", "action_id": action_id, "text": _label(label), "value": value}
    if style:
        button["style"] = style
    if url:
        button["url"] = url
    return button


def _overflow(action_id: str, options: list[tuple[str, str]]) -> Json:
    choices = [{"text": _label(label), "value": value} for value, label in options]
    return {"type": "overflow", "action_id": action_id, "options": choices}


def _label(words: str) -> Json:
    return {"type": "plain_text", "text": words, "emoji": True}


def _actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def _context(*elements: Json) -> Json:
    return {"type": "context", "elements": list(elements)}


def _plain(words: str) -> Json:
    return {"type": "plain_text", "text": rich.shortened(words, CONTEXT_LENGTH), "emoji": False}


def _fallback(words: str) -> str:
    """Slack parses this one, so it is escaped."""
    return rich.escaped(rich.shortened(" ".join(words.split()), CONTEXT_LENGTH))
