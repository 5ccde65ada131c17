"""From the customer's phone to the reply, by polling and by webhook."""

from __future__ import annotations

from core import desk
from core.desk import Agent
from core.messages import Attachment
from core.models import Message, Ticket
from tests.phones import Line, reply, says
from tests.rows import row, rows
from tests.waiting import until

COVERED = "How long does delivery take?"
UNCOVERED = "Do you sell helicopters for the moon?"


async def test_a_question_is_answered_from_the_documents_with_its_source(any_line: Line) -> None:
    dana = any_line.phone()
    dana.say(COVERED)
    answer = await reply(dana)
    assert "two to three working days" in answer["text"]
    assert answer["text"].endswith("📖 How long delivery takes")
    (source,) = answer["entities"]
    assert source["url"] == f"{any_line.base}/help/delivery"
    assert dana.buttons() == ["👍 Helpful", "👎 Not helpful", "🙋 Talk to a person"]
    await any_line.heard()
    assert len(dana.received) == 1


async def test_what_the_documents_do_not_cover_goes_to_a_person_whose_reply_arrives(any_line: Line) -> None:
    dana, helpdesk, acme = any_line.phone(), any_line.helpdesk, any_line.shop
    dana.say(UNCOVERED)
    ticket = await row(helpdesk.db, acme.id, Ticket) if await reply(dana) else None
    assert f"#{ticket.number}" in dana.texts[0]
    sam = Agent(acme.sam_id, "Sam")
    files = (Attachment("price.pdf", "application/pdf", b"%PDF"), Attachment("moon.png", "image/png", b"\x89PNG"))
    async with helpdesk.db.write(acme.id) as scope:
        sent = await desk.reply(
            scope, helpdesk.outbox, sam, ticket.number, "We have **one** <left>.", attachments=files
        )
    picture = (await reply(dana, 4))["photo"]
    assert picture[0]["file_size"] == 4
    text = await says(dana, "Sam\nWe have one <left>.")
    assert [entity["type"] for entity in text["entities"]] == ["bold", "bold"]
    assert (await reply(dana, 3))["document"]["file_name"] == "price.pdf"
    async with helpdesk.db.write(acme.id) as scope:
        await desk.edit_reply(scope, helpdesk.outbox, sam, sent, "We have two left.")
    edited = await says(dana, "We have two left.")
    assert edited["message_id"] == text["message_id"]
    async with helpdesk.db.write(acme.id) as scope:
        await desk.resolve(scope, helpdesk.outbox, sam, ticket.number)
    await says(dana, "How did we do?")
    dana.press("🙂")

    async def rated() -> bool:
        return (await row(helpdesk.db, acme.id, Ticket)).rating == 4

    await until(rated)


async def test_starting_shows_the_greeting_with_questions_that_can_be_pressed(any_line: Line) -> None:
    dana = any_line.phone()
    dana.say("/start")
    greeting = await reply(dana)
    assert greeting["text"] == "Welcome to Acme!"
    assert dana.keys(greeting) == [COVERED, "Can I pay with PayPal?"]
    dana.say("Can I pay with PayPal?")
    await says(dana, "PayPal and bank transfer")
    stored = await rows(any_line.helpdesk.db, any_line.shop.id, Message, author="customer")
    assert [message.text for message in stored] == ["/start", "Can I pay with PayPal?"]


async def test_a_person_is_one_press_away_and_then_the_bot_is_silent(any_line: Line) -> None:
    dana = any_line.phone("Dana", "de")
    dana.say(COVERED)
    await reply(dana)
    dana.press("🙋 Mit einem Menschen sprechen")
    await says(dana, "Ticketnummer")
    ticket = await row(any_line.helpdesk.db, any_line.shop.id, Ticket)
    assert ticket.reason == "asked_for_human"
    dana.say(COVERED)
    await any_line.heard()

    async def all_done() -> bool:
        return not await rows(any_line.helpdesk.db, any_line.shop.id, Message, state="queued")

    await until(all_done)
    assert len(dana.received) == 2


async def test_feedback_is_kept(any_line: Line) -> None:
    dana = any_line.phone()
    dana.say(COVERED)
    await reply(dana)
    query = dana.press("👎 Not helpful")

    async def judged() -> bool:
        return (await row(any_line.helpdesk.db, any_line.shop.id, Message, author="ai")).helpful is False

    await until(judged)

    async def shown() -> bool:
        return dana.buttons() == ["🙋 Talk to a person"]

    await until(shown)

    async def thanked() -> bool:
        return query["id"] in any_line.server.world.answered

    await until(thanked)
    assert any_line.server.world.answered[query["id"]]["text"] == "Thank you!"
