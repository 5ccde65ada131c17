"""From the visitor's browser to the reply, over a real socket."""

from __future__ import annotations

import asyncio
import uuid

import pytest
import websockets

from core import desk
from core.helpdesk import Helpdesk
from core.models import Conversation, CustomerIdentity, Message, Ticket
from tests import cast
from tests.rows import finished, row, rows
from tests.visitors import Chat, session, tab, visit

COVERED = "How long does delivery take?"
UNCOVERED = "Do you sell helicopters for the moon?"
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"


async def stored(helpdesk: Helpdesk, shop: cast.Shop, author: str) -> list[str]:
    return [message.text for message in await rows(helpdesk.db, shop.id, Message, author=author)]


async def test_a_question_is_acknowledged_and_answered_from_the_documents(base: str, acme: cast.Shop) -> None:
    async with visit(base, acme.site_key) as dana:
        question = await dana.say(COVERED)
        assert await dana.until("ack") == {"type": "ack", "id": question}
        answer = await dana.reply()
    assert "two to three working days" in answer["text"]
    assert [citation["url"] for citation in answer["citations"]] == ["/help/delivery"]
    assert set(answer["citations"][0]) == {"title", "url", "quote"}
    assert answer["name"] == "Robin"
    assert 0.8 <= answer["confidence"] <= 1
    assert [frame["type"] for frame in dana.frames] == ["ack", "typing", "message"]


async def test_what_the_documents_do_not_cover_reaches_a_person(base: str, acme: cast.Shop, helpdesk: Helpdesk) -> None:
    async with visit(base, acme.site_key) as dana:
        await dana.say(UNCOVERED)
        notice = await dana.reply()
        handed_over = await dana.until("escalated")
        ticket = await row(helpdesk.db, acme.id, Ticket)
        assert handed_over == {"type": "escalated", "ticket": {"number": ticket.number}}
        assert f"#{ticket.number}" in notice["text"]
        assert notice["citations"] == []
        assert ticket.reason in ("no_knowledge", "low_confidence")
        await dana.say(COVERED)
        assert "two to three working days" in (await dana.reply())["text"]


WISHES = [
    ("I want a human", "en", "colleague"),
    ("Ich möchte mit einem Menschen sprechen", "de", "Ticketnummer"),
    ("Je voudrais parler à un conseiller", "fr", "ticket"),
    ("Quiero hablar con una persona", "es", "ticket"),
    ("Vorrei parlare con un operatore umano", "it", "ticket"),
    ("Quero falar com um atendente humano", "pt", "ticket"),
    ("Chcę porozmawiać z człowiekiem", "pl", "zgłoszenia"),
    ("I want to speak to a real person about my delivery, how long does it take?", "en", "colleague"),
]


async def test_who_asks_for_a_person_gets_one_at_once_in_any_language(
    base: str, acme: cast.Shop, helpdesk: Helpdesk
) -> None:
    async def wish(text: str, language: str, word: str) -> None:
        async with visit(base, acme.site_key) as dana:
            await dana.say(text)
            notice = await dana.reply()
            number = (await dana.until("escalated"))["ticket"]["number"]
            assert word in notice["text"], (language, notice["text"])
            ticket = await row(helpdesk.db, acme.id, Ticket, number=number)
            assert ticket.reason == "asked_for_human", language
            conversation = await row(helpdesk.db, acme.id, Conversation, id=ticket.conversation_id)
            assert conversation.handler == "person"

    await asyncio.gather(*(wish(*each) for each in WISHES))


async def test_after_the_wish_for_a_person_the_bot_is_silent(base: str, acme: cast.Shop, helpdesk: Helpdesk) -> None:
    async with visit(base, acme.site_key) as dana:
        await dana.say("Can I talk to someone?")
        await dana.until("escalated")
        question = await dana.say(COVERED)
        await dana.until("ack")
        messages = await rows(helpdesk.db, acme.id, Message, author="customer")
        done = await finished(helpdesk.db, acme.id, messages[-1].id)
        assert done.external_id.endswith(question)
        assert done.outcome == "silent"
        assert len(await stored(helpdesk, acme, "ai")) == 1


async def test_the_button_for_a_person_hands_over_once_however_often_it_is_sent(
    base: str, acme: cast.Shop, helpdesk: Helpdesk
) -> None:
    wish = {"type": "human", "id": str(uuid.uuid4())}
    async with visit(base, acme.site_key) as dana:
        await dana.send(wish)
        assert await dana.until("ack") == {"type": "ack", "id": wish["id"]}
        await dana.until("escalated")
        await dana.send(wish)
        await dana.until("ack")
        assert len(await stored(helpdesk, acme, "customer")) == 1
        assert len(await rows(helpdesk.db, acme.id, Ticket)) == 1


@pytest.mark.parametrize("text", ["Hello!", "Thanks a lot, that helped"])
async def test_good_manners_are_answered_with_good_manners(
    base: str, acme: cast.Shop, helpdesk: Helpdesk, text: str
) -> None:
    async with visit(base, acme.site_key) as dana:
        await dana.say(text)
        answer = await dana.reply()
    assert answer["citations"] == []
    assert answer["text"]
    assert await rows(helpdesk.db, acme.id, Ticket) == []


async def test_an_id_sent_again_is_acknowledged_again_and_stored_once(
    base: str, acme: cast.Shop, helpdesk: Helpdesk
) -> None:
    found = await session(base, acme.site_key)
    async with tab(base, found["token"]) as first, tab(base, found["token"]) as second:
        question = await first.say(COVERED)
        await first.until("ack")
        await first.reply()
        await first.say(COVERED, question)
        assert (await first.until("ack"))["id"] == question
        await second.say("Something else under the same id", question)
        assert (await second.until("ack"))["id"] == question
    assert await stored(helpdesk, acme, "customer") == [COVERED]
    assert len(await stored(helpdesk, acme, "ai")) == 1


async def test_twenty_at_once_under_one_id_are_one_message(base: str, acme: cast.Shop, helpdesk: Helpdesk) -> None:
    found = await session(base, acme.site_key)
    question = str(uuid.uuid4())

    async def insist() -> None:
        async with tab(base, found["token"]) as chat:
            await chat.say(COVERED, question)
            await chat.until("ack", lambda frame: frame["id"] == question)

    await asyncio.gather(*(insist() for _ in range(20)))
    assert await stored(helpdesk, acme, "customer") == [COVERED]
    assert len(await rows(helpdesk.db, acme.id, CustomerIdentity)) == 1
    assert len(await rows(helpdesk.db, acme.id, Conversation)) == 1


async def test_two_visitors_may_use_the_same_id(base: str, acme: cast.Shop, helpdesk: Helpdesk) -> None:
    question = str(uuid.uuid4())
    async with visit(base, acme.site_key) as dana, visit(base, acme.site_key) as other:
        await dana.say(COVERED, question)
        await other.say("Can I pay with PayPal?", question)
        assert "working days" in (await dana.reply())["text"]
        assert "PayPal" in (await other.reply())["text"]
    assert len(await stored(helpdesk, acme, "customer")) == 2


async def test_two_tabs_show_the_same_chat(base: str, acme: cast.Shop) -> None:
    found = await session(base, acme.site_key)
    async with tab(base, found["token"]) as first, tab(base, found["token"]) as second:
        question = await first.say(COVERED)
        theirs = await second.until("message")
        assert theirs["message"] | {"created_at": ""} == {
            "id": question,
            "author": "customer",
            "name": "",
            "text": COVERED,
            "citations": [],
            "confidence": None,
            "created_at": "",
        }
        answers = [await first.reply(), await second.reply()]
        assert answers[0] == answers[1]
        own = [frame for frame in first.frames if frame["type"] == "message" and frame["message"]["id"] == question]
        assert own == []


async def test_a_correction_and_a_retraction_reach_the_open_chat_and_stay(
    base: str, acme: cast.Shop, helpdesk: Helpdesk
) -> None:
    async with visit(base, acme.site_key) as dana:
        await dana.say("Can I talk to someone?")
        number = (await dana.until("escalated"))["ticket"]["number"]
        sam = desk.Agent(acme.sam_id, "Sam")
        sent = []
        for text in ("Wrong price", "Secret"):
            async with helpdesk.db.write(acme.id) as scope:
                sent.append(await desk.reply(scope, helpdesk.outbox, sam, number, text))
        async with helpdesk.db.write(acme.id) as scope:
            await desk.edit_reply(scope, helpdesk.outbox, sam, sent[0], "Right price")
            await desk.retract(scope, helpdesk.outbox, sam, sent[1])
        assert await dana.until("edited") == {"type": "edited", "id": str(sent[0]), "text": "Right price"}
        assert await dana.until("retracted") == {"type": "retracted", "id": str(sent[1])}
        shown = [frame["message"]["text"] for frame in await dana.history() if frame["type"] == "message"]
        assert "Right price" in shown
        assert not {"Wrong price", "Secret"} & set(shown)


async def test_a_line_cut_in_mid_answer_is_resumed(base: str, acme: cast.Shop) -> None:
    found = await session(base, acme.site_key)
    async with tab(base, found["token"]) as dana:
        question = await dana.say(COVERED)
        await dana.until("ack")
        dana.socket.transport.abort()
    async with tab(base, found["token"]) as dana:
        answer = await dana.reply()
        assert "working days" in answer["text"]
        history = [frame["message"] for frame in await dana.history()]
        assert [message["id"] for message in history] == [question, answer["id"]]


async def test_a_reconnect_brings_what_followed_the_last_question_and_history_brings_all(
    base: str, acme: cast.Shop
) -> None:
    found = await session(base, acme.site_key)
    async with tab(base, found["token"]) as dana:
        for text in (COVERED, UNCOVERED):
            await dana.say(text)
            await dana.reply()
        await dana.until("escalated")
    async with tab(base, found["token"]) as dana:
        replayed = [await dana.until("message"), await dana.until("escalated")]
        history = await dana.history()
    kinds = [frame["type"] for frame in history]
    assert kinds == ["message", "message", "message", "message", "escalated"]
    assert [frame["message"]["author"] for frame in history[:4]] == ["customer", "ai", "customer", "ai"]
    assert history[-2:] == replayed
    again = await session(base, acme.site_key, visitor_token=found["token"])
    assert again["conversation_id"] == found["conversation_id"]
    assert again["visitor_id"] == found["visitor_id"]


async def test_thumbs_are_kept_for_our_own_answers_only(base: str, acme: cast.Shop, helpdesk: Helpdesk) -> None:
    async with visit(base, acme.site_key) as dana, visit(base, acme.site_key) as stranger:
        await dana.say(COVERED)
        answer = await dana.reply()
        await stranger.send({"type": "feedback", "message_id": answer["id"], "helpful": False})
        await stranger.history()
        assert (await row(helpdesk.db, acme.id, Message, author="ai")).helpful is None
        for helpful in (True, False):
            await dana.send({"type": "feedback", "message_id": answer["id"], "helpful": helpful})
            assert (await dana.history())[-1]["message"]["helpful"] is helpful
        await dana.send({"type": "feedback", "message_id": str(uuid.uuid4()), "helpful": True})
        assert len(await dana.history()) == 2


TEXTS = {
    "emoji": "👩🏽‍🚀🏳️‍🌈 How long does delivery take? 🚚",
    "right to left": "كم يستغرق التوصيل؟ \u202eabc\u202c",
    "script": f"{SCRIPT} How long does delivery take?",
    "sql": "'; DROP TABLE messages; -- %s {0} $1 :id",
    "controls": "How\x07 long\x1b[31m does\x7f delivery take?",
    "combining": "H" + "\u0301" * 500,
    "one character": "?",
    "longest": "x" * 10_000,
    "longest in emoji": "🚲" * 10_000,
    "lines": "\n".join(["How long does delivery take?"] * 300),
    "zero width": "\u200b\u2060\ufeff",
}


async def test_any_text_is_kept_as_it_was_written_and_answered_or_handed_over(
    base: str, acme: cast.Shop, helpdesk: Helpdesk
) -> None:
    async def ask(text: str) -> None:
        async with visit(base, acme.site_key) as dana:
            await dana.say(text)
            await dana.until("ack")
            assert (await dana.reply())["text"]
            kept = [frame["message"]["text"] for frame in await dana.history() if frame["type"] == "message"]
            assert kept[0] == text

    await asyncio.gather(*(ask(text) for text in TEXTS.values()))
    assert sorted(await stored(helpdesk, acme, "customer")) == sorted(TEXTS.values())


BAD_FRAMES: list[tuple[str | bytes, str]] = [
    ("", "bad_json"),
    ("{", "bad_json"),
    (b"\xff\xfe", "bad_json"),
    ('{"type": "message", "id": "\\ud800"}', "bad_json"),
    ("[" * 100_000, "bad_json"),
    ("null", "bad_message"),
    ("[]", "bad_message"),
    ('"message"', "bad_message"),
    ("{}", "bad_message"),
    ('{"type": "launch"}', "bad_message"),
    ('{"type": {"a": 1}}', "bad_message"),
    ('{"type": "message", "text": "hi"}', "bad_message"),
    ('{"type": "message", "id": "42", "text": "hi"}', "bad_message"),
    ('{"type": "message", "id": "a3c1b6e2-7f43-4e38-9a52-0d8a6f8f2b11", "text": 7}', "bad_message"),
    ('{"type": "message", "id": "a3c1b6e2-7f43-4e38-9a52-0d8a6f8f2b11", "text": " \\n\\u0000"}', "empty"),
    ('{"type": "feedback", "message_id": "a3c1b6e2-7f43-4e38-9a52-0d8a6f8f2b11"}', "bad_message"),
]


async def test_a_bad_frame_is_refused_in_words_and_the_chat_goes_on(
    base: str, acme: cast.Shop, helpdesk: Helpdesk
) -> None:
    async with visit(base, acme.site_key) as dana:
        for frame, code in BAD_FRAMES:
            await dana.send(frame)
            error = await dana.until("error")
            assert error["code"] == code, frame[:80]
            assert error["detail"]
        too_long = await dana.say("x" * 10_001)
        error = await dana.until("error")
        assert (error["code"], error["id"]) == ("too_long", too_long)
        assert "10,001" in error["detail"]
        assert await stored(helpdesk, acme, "customer") == []
        binary = {"type": "message", "id": str(uuid.uuid4()), "text": COVERED}
        await dana.send(str(binary).replace("'", '"').encode())
        assert "working days" in (await dana.reply())["text"]


async def test_a_frame_of_a_megabyte_ends_the_line_and_nothing_else(base: str, acme: cast.Shop) -> None:
    found = await session(base, acme.site_key)
    async with tab(base, found["token"]) as dana, tab(base, found["token"]) as other:
        await dana.say("x" * 1_000_000)
        assert await dana.closed() == 1009
        await other.say(COVERED)
        assert "working days" in (await other.reply())["text"]


async def test_a_flood_is_told_to_slow_down_and_loses_nothing_acknowledged(
    base: str, acme: cast.Shop, helpdesk: Helpdesk
) -> None:
    async with visit(base, acme.site_key) as dana:
        try:
            for _ in range(1000):
                await dana.send({"type": "typing"})
        except websockets.ConnectionClosed:
            pass
        assert await dana.closed() == 4429
    assert await rows(helpdesk.db, acme.id, Message) == []


async def test_messages_sent_in_one_go_are_answered_in_order(base: str, acme: cast.Shop, helpdesk: Helpdesk) -> None:
    asked = [
        f"{question} ({order})" for order in range(7) for question in (COVERED, "Can I pay with PayPal?", "Hello!")
    ]
    async with visit(base, acme.site_key) as dana:
        ids = [await dana.say(text) for text in asked]
        await dana.until("ack", lambda frame: frame["id"] == ids[-1])
        questions = await rows(helpdesk.db, acme.id, Message, author="customer")
        await finished(helpdesk.db, acme.id, questions[-1].id)
    assert [question.external_id.rpartition(":")[2] for question in questions] == ids
    answered = [reply.reply_to_id for reply in await rows(helpdesk.db, acme.id, Message, author="ai")]
    assert answered == sorted(answered)
    assert len(answered) == len(set(answered))
    assert answered[0] == questions[0].id


async def test_the_neighbours_knowledge_and_chat_stay_the_neighbours(
    base: str, acme: cast.Shop, globex: cast.Shop, helpdesk: Helpdesk
) -> None:
    question = "How long does rocket delivery take?"
    async with visit(base, acme.site_key) as dana, visit(base, globex.site_key) as greta:
        await dana.say(question)
        await greta.say(question)
        assert "silo" in (await greta.reply())["text"]
        answer = await dana.reply()
        assert "silo" not in str(answer)
        frames: list[Chat] = [dana, greta]
        histories = [await chat.history() for chat in frames]
    assert not {f["message"]["id"] for f in histories[0]} & {f["message"]["id"] for f in histories[1]}
    assert await stored(helpdesk, globex, "customer") == [question]
