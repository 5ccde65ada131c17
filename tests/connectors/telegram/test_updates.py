"""What customers do on Telegram besides asking a question, through the door."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from core import desk
from core.desk import Agent
from core.helpdesk import Helpdesk
from core.models import (
    Alert,
    Attachment,
    AuditEntry,
    Conversation,
    Customer,
    CustomerIdentity,
    Delivery,
    Message,
    Ticket,
)
from core.outbox import DeliveryError
from tests import cast, phones
from tests.fakes import FakeMailer
from tests.phones import Line, reply, says
from tests.rows import row, rows
from tests.standins.telegram_server import TelegramServer
from tests.standins.telegram_world import Phone, Refusal
from tests.waiting import until

COVERED = "How long does delivery take?"
UNCOVERED = "Do you sell helicopters for the moon?"


async def stored(line: Line, **equal: object) -> list[Message]:
    return await rows(line.helpdesk.db, line.shop.id, Message, **equal)


async def done(line: Line) -> None:
    """Nothing waits at Telegram, no turn and no delivery is open."""
    await line.heard()

    async def quiet() -> bool:
        turns = [m for m in await stored(line, author="customer") if m.state != "done"]
        sending = [d for d in await rows(line.helpdesk.db, line.shop.id, Delivery) if d.state in ("queued", "working")]
        return not turns and not sending

    await until(quiet)


def again(line: Line, update: dict[str, object]) -> None:
    """Telegram brings the update once more, as it does when our answer got lost."""
    line.bot.updates.append({**update})
    line.server.world.changed()


def update_of(line: Line, kind: str, content: dict[str, object]) -> dict[str, object]:
    line.bot.next_update += 1
    return {"update_id": line.bot.next_update, kind: content}


async def test_an_update_that_comes_again_changes_nothing(any_line: Line) -> None:
    dana = any_line.phone()
    question = dana.say(COVERED)
    await reply(dana)
    start = dana.say("/start")
    await reply(dana, 2)
    wish = dana.press("🙋 Talk to a person", dana.received[0])
    await reply(dana, 3)
    for kind, content in (("message", question), ("message", start), ("callback_query", wish)):
        again(any_line, update_of(any_line, kind, content))
    await done(any_line)
    assert len(dana.received) == 3
    assert len(await stored(any_line, author="customer")) == 3


async def test_an_update_that_cannot_be_read_holds_nobody_up(any_line: Line) -> None:
    dana = any_line.phone()
    question = dana.say(COVERED)
    await reply(dana)
    again(any_line, update_of(any_line, "message", {**question, "message_id": 7000, "poll": {"question": "Which?"}}))
    again(any_line, update_of(any_line, "message", {**question, "message_id": 7001, "contact": {}}))
    dana.say("Can I pay with PayPal?")
    assert "PayPal" in (await reply(dana, 2))["text"]
    await done(any_line)
    alert = await row(any_line.helpdesk.db, any_line.shop.id, Alert)
    assert ("could not be read" in alert.text, alert.times) == (True, 2)


async def test_a_change_that_comes_before_its_message_is_what_is_answered(line: Line) -> None:
    dana = line.phone()
    world = line.server.world
    first = world.message(dana.chat, dana.person, text="Hwo logn?")
    second = {**first, "text": "Can I pay with PayPal?", "edit_date": world.now() + 5}
    earlier = {**first, "text": "Do you take cash?", "edit_date": world.now() + 1}
    for kind, content in (("edited_message", second), ("edited_message", earlier), ("message", first)):
        again(line, update_of(line, kind, content))
    await says(dana, "PayPal and bank transfer")
    await done(line)
    (message,) = await stored(line, author="customer")
    assert message.text == "Can I pay with PayPal?"
    assert len(dana.received) == 1


async def test_an_edited_message_is_shown_as_changed(line: Line) -> None:
    dana = line.phone()
    message = dana.say(UNCOVERED)
    await reply(dana)
    dana.edit(message, text="Do you sell rockets?")

    async def changed() -> bool:
        (shown,) = await stored(line, author="customer")
        return shown.text == "Do you sell rockets?" and shown.edited_at is not None

    await until(changed)
    assert len(dana.received) == 1


async def test_an_album_is_one_message_with_all_its_files(line: Line) -> None:
    dana = line.phone()
    for number in range(5):
        caption = {"caption": "It arrived broken"} if number == 2 else {}
        dana.photo(b"\xff\xd8" + bytes([number]), media_group_id="77", **caption)
    await reply(dana)
    await done(line)
    (message,) = await stored(line, author="customer")
    assert "It arrived broken" in message.text
    files = await rows(line.helpdesk.db, line.shop.id, Attachment, message_id=message.id)
    assert sorted(file.content[-1] for file in files) == [0, 1, 2, 3, 4]
    assert len(dana.received) == 1


FILES = [
    ("photo", "photo.jpg", lambda phone: phone.photo(b"\xff\xd8 large")),
    ("document", "bill.pdf", lambda phone: phone.document("bill.pdf", b"%PDF")),
    ("voice", "voice", lambda phone: phone.voice(b"OggS")),
]


@pytest.mark.parametrize(("kind", "name", "send"), FILES)
async def test_files_are_stored_and_reach_a_person(line: Line, kind: str, name: str, send: object) -> None:
    dana = line.phone()
    send(dana)  # type: ignore[operator]
    await says(dana, "ticket number")
    (file,) = await rows(line.helpdesk.db, line.shop.id, Attachment)
    assert file.name.startswith(name.split(".")[0])
    assert file.content in (b"\xff\xd8 large", b"%PDF", b"OggS")
    assert (await row(line.helpdesk.db, line.shop.id, Ticket)).subject


async def test_a_file_that_telegram_does_not_give_out_is_named(line: Line) -> None:
    dana = line.phone()
    dana.document("film.bin", b"x" * 20_000_001)
    await says(dana, "ticket number")
    (message,) = await stored(line, author="customer")
    assert "film.bin" in message.text
    assert await rows(line.helpdesk.db, line.shop.id, Attachment) == []


WORDLESS = [
    ({"location": {"latitude": 52.5, "longitude": 13.4}}, "mlat=52.5&mlon=13.4"),
    ({"contact": {"first_name": "Eva", "phone_number": "+491234"}}, "👤 Eva, +491234"),
    (
        {"text": "see", "forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "Max"}},
        "forwarded from Max",
    ),
]


@pytest.mark.parametrize(("content", "shown"), WORDLESS)
async def test_what_has_no_words_is_put_into_words(line: Line, content: dict[str, object], shown: str) -> None:
    dana = line.phone()
    dana.send(**content)
    await reply(dana)
    (message,) = await stored(line, author="customer")
    assert shown in message.text


async def test_a_reply_to_an_older_message_joins_its_conversation(line: Line) -> None:
    dana = line.phone()
    dana.say(UNCOVERED)
    notice = await reply(dana)
    dana.say("/new")
    await reply(dana, 2)
    dana.say(COVERED)
    await reply(dana, 3)
    dana.say("It is about model 7", reply_to_message=notice)
    await done(line)
    old, command, new, late = await stored(line, author="customer")
    assert command.conversation_id == new.conversation_id != old.conversation_id
    assert late.conversation_id == old.conversation_id


async def test_unknown_updates_are_counted_and_nothing_else(line: Line) -> None:
    update = update_of(line, "hologram_received", {"of": "princess"})
    again(line, update)
    await line.heard()
    async with httpx.AsyncClient(base_url=line.base) as http:
        metrics = (await http.get("/metrics")).text
    counted = [text for text in metrics.splitlines() if text.startswith("deskhand_telegram_ignored_updates_total{")]
    assert any("hologram" in text or "unknown" in text for text in counted)
    assert await stored(line) == []


async def test_a_blocked_bot_is_a_lost_message_that_agents_hear_of(line: Line) -> None:
    dana, acme = line.phone(), line.shop
    dana.say(UNCOVERED)
    await reply(dana)
    dana.block()
    sam = Agent(acme.sam_id, "Sam")
    async with line.helpdesk.db.write(acme.id) as scope:
        number = (await row(line.helpdesk.db, acme.id, Ticket)).number
        await desk.reply(scope, line.helpdesk.outbox, sam, number, "Hello?")

    async def dead() -> Delivery | None:
        found = await rows(line.helpdesk.db, acme.id, Delivery, state="dead")
        return found[0] if found else None

    assert "blocked" in (await until(dead)).error
    assert "blocked" in (await row(line.helpdesk.db, acme.id, Alert)).text


async def test_a_refusal_to_hurry_is_obeyed(line: Line) -> None:
    line.server.world.trouble.append(("sendmessage", Refusal(429, "Too Many Requests: retry after 1", retry_after=1)))
    dana = line.phone()
    before = asyncio.get_running_loop().time()
    dana.say(COVERED)
    await reply(dana)
    assert asyncio.get_running_loop().time() - before >= 1
    await done(line)
    assert len(dana.received) == 1


async def test_a_long_reply_that_breaks_off_goes_on_where_it_broke(line: Line) -> None:
    dana, acme = line.phone(), line.shop
    dana.say(UNCOVERED)
    await reply(dana)
    line.server.world.on_sent = lambda _: (
        line.server.world.trouble.append(("sendmessage", Refusal(502, "Bad Gateway"))) if len(dana.received) == 2 else 0
    )
    words = " ".join(f"word{number}" for number in range(1000))
    number = (await row(line.helpdesk.db, acme.id, Ticket)).number
    async with line.helpdesk.db.write(acme.id) as scope:
        sent = await desk.reply(scope, line.helpdesk.outbox, Agent(acme.sam_id, "Sam"), number, words)
    await reply(dana, 3)
    await done(line)
    assert " ".join(dana.texts[1:]).split() == ["Sam", *words.split()]
    async with line.helpdesk.db.write(acme.id) as scope:
        await desk.edit_reply(scope, line.helpdesk.outbox, Agent(acme.sam_id, "Sam"), sent, f"{words} {words}")
    await done(line)
    assert " ".join(dana.texts[1:]).split() == ["Sam", *words.split(), *words.split()]
    async with line.helpdesk.db.write(acme.id) as scope:
        await desk.retract(scope, line.helpdesk.outbox, Agent(acme.sam_id, "Sam"), sent)
    await done(line)
    assert len(dana.received) == 1


async def test_status_lists_ones_own_tickets(line: Line) -> None:
    dana, eve = line.phone(), line.phone("Eve")
    dana.say(UNCOVERED)
    await reply(dana)
    for phone in (dana, eve):
        phone.say("/status")
    assert "#1001" in (await reply(dana, 2))["text"]
    assert "no open tickets" in (await reply(eve))["text"]


async def test_the_chosen_language_is_spoken(line: Line) -> None:
    dana = line.phone()
    dana.say("/language")
    await reply(dana)
    dana.press("Deutsch")
    await says(dana, "auf Deutsch")
    dana.say("?!?")
    await says(dana, "Ticketnummer")


async def test_erasing_erases(line: Line) -> None:
    dana, db, acme = line.phone(), line.helpdesk.db, line.shop
    dana.photo(b"\xff\xd8", caption=UNCOVERED)
    await reply(dana)
    dana.say("/privacy")
    assert "2 message" in (await reply(dana, 2))["text"] or "message(s)" in dana.texts[1]
    dana.press("🗑 Erase everything about me")

    async def asked() -> bool:
        return "Yes, erase it" in dana.buttons(dana.received[1])

    await until(asked)
    assert await rows(db, acme.id, Customer)
    dana.press("Yes, erase it")
    await says(dana, "is erased")
    for table in (Customer, CustomerIdentity, Conversation, Message, Attachment, Ticket, Delivery):
        assert await rows(db, acme.id, table) == [], table.__name__
    audit = await rows(db, acme.id, AuditEntry)
    assert [entry.action for entry in audit] == ["customer.erased"]


async def test_a_code_from_the_mailbox_links_the_chat(line: Line, mailer: FakeMailer) -> None:
    dana = line.phone()
    dana.say("/link dana@example.com")
    await says(dana, "dana@example.com")
    ((to, subject, text),) = mailer.mails
    code = subject.split()[-1]
    assert to == "dana@example.com"
    assert code in text
    dana.say(f"/link {(int(code) + 1) % 10**6:06}")
    await says(dana, "not right")
    eve = line.phone("Eve")
    eve.say(f"/link {code}")
    await says(eve, "not right")
    dana.say(f"/link {code}")
    await says(dana, "We know you as dana@example.com")
    emails = {customer.email for customer in await rows(line.helpdesk.db, line.shop.id, Customer)}
    assert emails == {None, "dana@example.com"}


async def test_nobody_has_a_mailbox_filled_with_codes(line: Line, mailer: FakeMailer) -> None:
    dana, eve = line.phone(), line.phone("Eve")
    for _ in range(3):
        dana.say("/link dana@example.com")
        await done(line)
    for _ in range(3):
        eve.say("/link Dana@Example.com")
        await done(line)
    assert len(mailer.mails) == 5
    assert "many codes" in eve.texts[-1]
    for n in range(3):
        dana.say(f"/link other{n}@example.com")
        await done(line)
    assert len(mailer.mails) == 7
    assert "many codes" in dana.texts[-1]


async def test_a_code_that_cannot_be_mailed_just_now_is_told_so(line: Line, mailer: FakeMailer) -> None:
    mailer.failures = [DeliveryError("The server is away.", permanent=False)]
    dana = line.phone()
    dana.say("/link dana@example.com")
    await says(dana, "again in a few minutes")


async def test_a_strangers_button_does_nothing(line: Line) -> None:
    """A client of one's own may send any button's data."""
    dana, eve = line.phone(), line.phone("Eve")
    dana.say(COVERED)
    answer = await reply(dana)
    dana.say(UNCOVERED)
    await reply(dana, 2)
    eve.say("/start")
    greeting = await reply(eve)
    (ticket,) = await rows(line.helpdesk.db, line.shop.id, Ticket)
    helpful = answer["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    for data in (helpful, f"r:{ticket.number}:1", "r:99999999999999999999:9", "h:x:1", "zz", "e:", "l:xx", "r::", ":"):
        query = eve.press_data(data, greeting)

        async def answered(query: str = query["id"]) -> bool:
            return query in line.server.world.answered

        await until(answered)
    assert (await row(line.helpdesk.db, line.shop.id, Ticket)).rating is None
    assert {m.helpful for m in await stored(line, author="ai")} == {None}
    assert await rows(line.helpdesk.db, line.shop.id, Customer)


async def test_in_groups_the_bot_speaks_when_spoken_to_in_the_topic(group_line: Line) -> None:
    group = group_line.server.world.group("Cyclists")
    dana = group_line.phone(chat=group)
    dana.say(COVERED)
    topic = {"message_thread_id": 9, "is_topic_message": True}
    asked = dana.mention(COVERED, **topic)
    answer = await reply(dana)
    assert answer["message_thread_id"] == 9
    assert answer["reply_to_message"]["message_id"] == asked["message_id"]
    dana.say("Can I pay with PayPal?", reply_to_message=answer, **topic)
    assert "PayPal" in (await reply(dana, 2))["text"]
    await done(group_line)
    assert len(await stored(group_line, author="customer")) == 2
    private = group_line.phone()
    private.say("And to Austria?")
    await reply(private)
    customers = await rows(group_line.helpdesk.db, group_line.shop.id, Conversation)
    assert len(customers) == 2, "what was said in the group is not the private chat's"


async def test_groups_are_off_by_default(line: Line) -> None:
    dana = line.phone(chat=line.server.world.group("Cyclists"))
    dana.mention(COVERED)
    await line.heard()
    assert await stored(line) == []


async def test_a_group_that_became_a_supergroup_goes_on(group_line: Line) -> None:
    world, acme = group_line.server.world, group_line.shop
    group = world.group("Cyclists")
    dana = group_line.phone(chat=group)
    dana.mention(UNCOVERED)
    await reply(dana)
    ticket = await row(group_line.helpdesk.db, acme.id, Ticket)
    upgraded = world.upgrade(group)
    there = group_line.phone(chat=upgraded)
    sam = Agent(acme.sam_id, "Sam")
    async with group_line.helpdesk.db.write(acme.id) as scope:
        await desk.reply(scope, group_line.helpdesk.outbox, sam, ticket.number, "No helicopters.")
    await says(there, "No helicopters.")
    world.update(group_line.bot, "message", world.message(group, dana.person, migrate_to_chat_id=upgraded.id))
    there.mention("A pity")
    await done(group_line)
    assert len({message.conversation_id for message in await stored(group_line)}) == 1


async def test_an_update_of_the_wrong_sender_is_refused(
    telegram_helpdesk: Helpdesk, telegram_acme: cast.Shop, telegram: TelegramServer
) -> None:
    async with phones.connected(telegram_helpdesk, telegram_acme, telegram, "webhook") as line:
        url = line.bot.webhook["url"]
        dana = line.phone()
        telegram.hold.clear()
        dana.say(COVERED)
        (update,) = line.bot.updates
        header = "X-Telegram-Bot-Api-Secret-Token"
        async with httpx.AsyncClient() as http:
            for headers in ({}, {header: ""}, {header: "wrong"}, {header: "ü"}):
                sent = {name: value.encode() for name, value in headers.items()}
                assert (await http.post(url, json=update, headers=sent)).status_code == 401
            assert (await http.post(f"{line.base}/telegram/nobody", json=update)).status_code == 404
            good = {header: line.bot.secret_token}
            for body in (b"", b"[]", b"7", b'{"update_id": "1"}', b"{", b'"\xff'):
                assert (await http.post(url, content=body, headers=good)).status_code in (400, 422), body
            assert await stored(line) == []
            assert (await http.post(url, json=update, headers=good)).status_code == 200
        await reply(dana)


async def test_changing_the_mode_loses_nothing(line: Line) -> None:
    dana = line.phone()
    for number, mode in enumerate(("webhook", "polling", "webhook"), 1):
        async with line.helpdesk.db.write(line.shop.id) as scope:
            await line.helpdesk.channels.switch_off(scope, line.channel.id, "moving")
        dana.say(COVERED)
        async with line.helpdesk.db.write(line.shop.id) as scope:
            await line.helpdesk.channels.change(scope, line.channel.id, settings={"mode": mode, "groups": False})
            await line.helpdesk.channels.switch_on(scope, line.channel.id)
        await reply(dana, number)
    await done(line)
    assert len(await stored(line, author="customer")) == len(dana.received) == 3


async def test_a_new_bot_for_the_channel_begins_its_own_numbers(line: Line) -> None:
    """Message ids of two bots collide; both are heard."""
    dana = line.phone()
    dana.say(COVERED)
    await reply(dana)
    other = line.server.world.bot("acme_second_bot")
    async with line.helpdesk.db.write(line.shop.id) as scope:
        await line.helpdesk.channels.change(scope, line.channel.id, secrets={"token": other.token})
    await until(lambda: _polled(other))
    first = dana.messages[0]
    phone = Phone(line.server.world, other, dana.person, dana.chat)
    line.server.world.update(other, "message", {**first, "text": "Can I pay with PayPal?"})
    await says(phone, "PayPal and bank transfer")


async def _polled(bot: object) -> bool:
    return bool(bot.pollers)  # type: ignore[attr-defined]


async def test_a_bot_serves_one_channel_and_a_wrong_token_is_named(line: Line) -> None:
    headers = {"authorization": f"Bearer {line.shop.api_key}"}
    new = {"kind": "telegram", "name": "Second", "settings": {"mode": "polling"}}
    async with httpx.AsyncClient(base_url=line.base, headers=headers) as http:
        same = await http.post("/api/v1/channels", json={**new, "secrets": {"token": line.bot.token}})
        wrong = await http.post("/api/v1/channels", json={**new, "secrets": {"token": "123:wrong"}})
        nonsense = await http.post("/api/v1/channels", json={**new, "secrets": {"token": "not a token"}})
        other = line.server.world.bot("second_bot")
        good = await http.post("/api/v1/channels", json={**new, "secrets": {"token": other.token}})
    assert (same.status_code, "'Our bot'" in same.text) == (400, True)
    assert (wrong.status_code, "@BotFather" in wrong.text) == (400, True)
    assert (nonsense.status_code, "@BotFather" in nonsense.text) == (400, True)
    assert good.status_code == 201
    assert other.token not in good.text


async def test_a_revoked_token_switches_the_channel_off_with_the_remedy(line: Line) -> None:
    del line.server.world.bots[line.bot.token]

    async def off() -> str | None:
        channel = (await rows(line.helpdesk.db, line.shop.id, type(line.channel), kind="telegram"))[0]
        return channel.disabled_reason

    assert "@BotFather" in await until(off, patience=40)


async def test_the_menu_shows_the_commands_in_several_languages(line: Line) -> None:
    await until(lambda: _has_menu(line))
    names = {command["command"] for command in line.bot.commands[""]}
    assert {"start", "human", "new", "status", "language", "privacy"} <= names
    assert {"de", "fr", "es"} <= set(line.bot.commands)


async def _has_menu(line: Line) -> bool:
    return len(line.bot.commands) > 5
