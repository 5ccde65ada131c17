"""Whatever a customer writes: the desk's messages are within Slack's limits, and nothing in them is Slack's markup."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.slack_desk import blocks, home, modals, rich
from bots.slack_desk.blocks import Post
from bots.slack_desk.cards import DraftCard, MessageCard, NoteCard, TicketCard
from core.messages import Citation
from tests.standins import slack_blocks

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
ID = UUID(int=1)
NASTY = "<!channel> <@U123> <https://evil.example|click> *bold* `code` &amp; <!subteam^S1>"
anything = st.one_of(
    st.text(max_size=200),
    st.text(alphabet="<>&|*_~`\n@!#^ a", max_size=400),
    st.sampled_from([NASTY, "x" * 9000, "🛒" * 4000]),
)
urls = st.one_of(
    st.none(), st.sampled_from(["https://shop.example/a b", "/help/x", "javascript:x", "https://e.x/" + "p" * 4000])
)
citations = st.lists(st.builds(Citation, st.just("a"), anything, urls, anything), max_size=12).map(tuple)
tickets = st.builds(
    TicketCard,
    number=st.integers(1, 2**31),
    subject=anything,
    status=st.sampled_from(["open", "pending", "resolved"]),
    reason=anything,
    priority=st.sampled_from(["low", "normal", "high", "urgent"]),
    category=st.one_of(st.none(), anything),
    mood=st.sampled_from([None, "negative", "neutral", "positive"]),
    source=anything,
    customer=anything,
    question=anything,
    url=urls,
    assignee=st.one_of(st.none(), anything),
    due_at=st.sampled_from([None, NOON]),
    snoozed_until=st.sampled_from([None, NOON]),
    merged_into=st.sampled_from([None, 7]),
    resolved_by=st.one_of(st.none(), anything),
    rating=st.sampled_from([None, 1, 5]),
    rating_comment=st.one_of(st.none(), anything),
)
drafts = st.builds(
    DraftCard,
    id=st.just(ID),
    text=anything,
    citations=citations,
    confidence=st.floats(0, 1),
    state=st.sampled_from(["pending", "sent", "rejected", "stale"]),
    version=st.integers(1, 99),
    unproven=st.lists(anything, max_size=2).map(tuple),
    decided_by=st.one_of(st.none(), anything),
    decided_at=st.sampled_from([None, NOON]),
)
messages = st.builds(
    MessageCard,
    id=st.just(ID),
    author=st.sampled_from(["customer", "ai", "agent", "system"]),
    name=anything,
    text=anything,
    at=st.just(NOON),
    files=st.lists(anything, max_size=3).map(tuple),
    state=st.sampled_from(["received", "held", "queued", "sent", "failed", "retracted"]),
    trouble=st.one_of(st.none(), anything),
    undo=st.booleans(),
)


def assert_accepted(post: Post) -> None:
    assert slack_blocks.problems_of_message(post.blocks) == []
    assert slack_blocks.characters(post.blocks) <= slack_blocks.MESSAGE_CHARACTERS
    assert slack_blocks.mentions(post.blocks) == []
    assert 0 < len(post.text) <= 4000
    assert "<" not in post.text


@given(tickets)
@settings(max_examples=60, deadline=None)
def test_any_ticket_is_accepted_by_slack(card: TicketCard) -> None:
    post = blocks.ticket(card)
    assert_accepted(post)
    assert not set(slack_blocks.links(post.blocks)) - {card.url}


@given(drafts)
@settings(max_examples=60, deadline=None)
def test_any_draft_is_accepted_by_slack(card: DraftCard) -> None:
    assert_accepted(blocks.draft(card, 1042, "https://desk.example/console"))


def test_a_page_is_named_once_and_can_be_opened() -> None:
    used = tuple(Citation("a", title, url, quote) for title, url, quote in [
        ("Returns", "/help/returns", "one"), ("Returns", "/help/returns", "two"),
        ("Delivery", "https://shop.example/delivery", "three"), ("Elsewhere", "//evil.example", "four"),
    ])  # fmt: skip
    card = DraftCard(ID, "Yes.", used, 0.9, "pending", 1, site="https://desk.example")
    post = blocks.draft(card, 1042, None)
    assert slack_blocks.links(post.blocks) == ["https://desk.example/help/returns", "https://shop.example/delivery"]
    assert [text for text in slack_blocks.texts(post.blocks) if text == "Returns"] == ["Returns"]


@given(messages)
@settings(max_examples=60, deadline=None)
def test_anything_said_is_accepted_by_slack(card: MessageCard) -> None:
    post = blocks.said(card, 1042)
    assert_accepted(post)
    if card.author == "customer":
        assert slack_blocks.links(post.blocks) == []


@given(anything, anything)
@settings(max_examples=40, deadline=None)
def test_any_text_fits_into_the_modals(text: str, other: str) -> None:
    views = [
        modals.edit("m", text, other),
        modals.reply("m", text),
        modals.correct("m", text),
        modals.category("m", [text, other], text),
        modals.assign("m", [("1", text)], None),
        modals.faq("m", text, other),
    ]
    for view in views:
        assert slack_blocks.problems_of_view(view) == []


@given(anything, anything, urls)
@settings(max_examples=30, deadline=None)
def test_any_queue_fits_into_the_home_tab(subject: str, name: str, url: str | None) -> None:
    row = home.Row(ID, 7, subject, "open", "high", name, None, NOON, url)
    mine = home.Queue(name, [row] * 30, [row] * 30, 30, 30, away=False, channel_id=ID)
    assert slack_blocks.problems_of_view(home.home([mine, mine])) == []
    assert_accepted(home.listing("Open tickets", [row] * 30, 31))


def ticket(**fields: object) -> TicketCard:
    values: dict[str, object] = {
        "number": 1042,
        "subject": "Refund not received",
        "status": "open",
        "reason": "The customer asked for a person.",
        "priority": "high",
        "category": "Billing",
        "mood": "negative",
        "source": "E-mail",
        "customer": "Dana (dana@example.com)",
        "question": "Where is my refund?",
        "url": "https://desk.example/console#1042",
    }
    return TicketCard(**{**values, **fields})  # type: ignore[arg-type]


def draft(**fields: object) -> DraftCard:
    values: dict[str, object] = {
        "id": ID,
        "text": "Refunds take **five** days.\n\n- by card\n- by [PayPal](https://shop.example/paypal)",
        "citations": (Citation("refunds", "Refunds & returns", "https://shop.example/refunds", "five days"),),
        "confidence": 0.82,
        "state": "pending",
        "version": 3,
    }
    return DraftCard(**{**values, **fields})  # type: ignore[arg-type]


def shown(post: Post) -> str:
    return "".join(slack_blocks.texts(post.blocks))


def action_ids(post: Post) -> list[str]:
    return [
        element["action_id"] for block in post.blocks if block["type"] == "actions" for element in block["elements"]
    ]


def test_one_line_says_what_the_ticket_is() -> None:
    post = blocks.ticket(ticket(due_at=NOON))
    (line,) = post.blocks[0]["elements"]
    assert "".join(slack_blocks.texts(line)) == (
        "#1042 Refund not received · E-mail · Billing · ⬆️ High · 😠 negative · due "
    )
    assert line["elements"][-1]["format"] == "{ago}"
    assert "The customer asked for a person." in shown(post)
    assert action_ids(post) == ["take", "reply", "assign", "snooze", "resolve", "more"]


@pytest.mark.parametrize(
    ("fields", "says", "actions"),
    [
        ({"assignee": "Sam"}, "🟡 Sam has it", ["reply", "assign", "snooze", "resolve", "more"]),
        ({"status": "pending", "assignee": "Sam"}, "🔵 Waiting for the customer · Sam has it", None),
        ({"status": "resolved", "resolved_by": "Sam"}, "🟢 Resolved by Sam", ["reopen"]),
        ({"merged_into": 7}, "⚪ Merged into #7", []),
        ({"snoozed_until": NOON}, "🟣 Snoozed until", ["take", "reply", "assign", "wake", "resolve", "more"]),
        ({"handler": "bot"}, "the bot answers what it can", None),
    ],
)
def test_the_ticket_says_how_it_stands(fields: dict[str, object], says: str, actions: list[str] | None) -> None:
    post = blocks.ticket(ticket(**fields))
    assert says in shown(post)
    if actions is not None:
        assert action_ids(post) == actions


def test_a_draft_shows_its_proof_and_what_can_be_done() -> None:
    post = blocks.draft(
        draft(text="Refunds take five days. We also send flowers.", unproven=("We also send flowers.",)), 1042, None
    )
    assert "Probably right (82%)" in shown(post)
    assert "⚠️ We also send flowers." in shown(post)
    assert "check them before you send" in shown(post)
    assert slack_blocks.links(post.blocks) == ["https://shop.example/refunds"]
    assert action_ids(post) == ["send", "edit", "reject", "regenerate"]
    assert {element["value"] for element in post.blocks[-1]["elements"]} == {"3"}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"state": "sent"}, "✅ Sent by Sam, "),
        ({"state": "sent", "edited": True}, "✅ Edited and sent by Sam, "),
        ({"state": "rejected", "reject_reason": "tone"}, "🚫 Rejected by Sam: the tone is off, "),
        ({"state": "stale"}, "⌛ Outdated"),
    ],
)
def test_a_decided_draft_says_who_did_what_and_has_no_buttons(fields: dict[str, object], says: str) -> None:
    post = blocks.draft(draft(decided_by="Sam", decided_at=NOON, **fields), 1042, None)
    assert says in shown(post)
    assert action_ids(post) == []


def test_a_draft_too_long_for_a_modal_is_edited_in_the_console() -> None:
    post = blocks.draft(draft(text="word " * 2000), 1042, "https://desk.example/console")
    assert action_ids(post) == ["send", "console", "reject", "regenerate"]


def test_markdown_becomes_rich_text() -> None:
    parts = rich.markdown("# Title\n\nHello **bold *both*** `code`\n\n1. one\n2. two\n\n> quoted\n\n```\nx\n```\nend")
    assert [part["type"].removeprefix("rich_text_") for part in parts] == [
        "section", "section", "list", "quote", "preformatted", "section"
    ]  # fmt: skip
    assert parts[0]["elements"][0] == rich.text("Title", "bold")
    assert rich.text("both", "bold", "italic") in parts[1]["elements"]
    assert len(parts[2]["elements"]) == 2


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("see <https://x.example|here>", "see [here](https://x.example)"),
        ("see <https://x.example>", "see https://x.example"),
        ("ask <@U1> in <#C1|help> <!here>", "ask Sam in help here"),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_what_an_agent_types_reaches_the_customer_as_markdown(typed: str, sent: str) -> None:
    assert rich.as_markdown(typed, {"U1": "Sam"}) == sent


def test_an_undelivered_reply_says_why() -> None:
    card = MessageCard(ID, "agent", "Sam", "Hello", NOON, state="failed", trouble="The mailbox is full.")
    assert "❌ could not be delivered" in shown(blocks.said(card, 1))
    assert "Not delivered: The mailbox is full." in shown(blocks.said(card, 1))


def test_a_note_names_its_author() -> None:
    assert "📝 Note by Sam" in shown(blocks.note(NoteCard(ID, "Sam", "look here", NOON), 1))
