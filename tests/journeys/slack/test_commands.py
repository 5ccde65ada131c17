"""`/desk`, the home tab, and which channel shows what."""

from __future__ import annotations

import pytest

from core.models import Channel, Member
from tests.journeys.slack.scene import HUMAN, UNCOVERED, Scene
from tests.rows import change, row
from tests.standins import slack_blocks
from tests.waiting import until


async def told(scene: Scene, text: str) -> str:
    """What `/desk` answers sam."""
    known = len(scene.desk.whispers(scene.sam.id))
    answer = await scene.people.command(scene.sam, scene.desk, text)
    assert (answer.status_code, answer.content) == (200, b"")

    async def answered() -> list[str]:
        return scene.desk.whispers(scene.sam.id)[known:]

    return "\n".join(await until(answered))


async def test_lists_of_tickets(scene: Scene) -> None:
    assert "none" in await told(scene, "open")
    head = await scene.ticket(HUMAN)
    await scene.ticket()
    listed = await told(scene, "open")
    assert f"#1001 {HUMAN}" in listed
    assert f"#1002 {UNCOVERED}" in listed
    assert "none" in await told(scene, "my")
    await scene.click(scene.sam, head, "take")
    await scene.says(head, "🟡 Sam has it")
    assert HUMAN in await told(scene, "my")
    assert HUMAN not in await told(scene, "open")


@pytest.mark.parametrize("words", ["1002", "#1002", "HELICOPTERS", "helicopters for"])
async def test_search(scene: Scene, words: str) -> None:
    await scene.ticket(HUMAN)
    await scene.ticket()
    found = await told(scene, f"search {words}")
    assert UNCOVERED in found
    assert HUMAN not in found


async def test_searching_for_everything_or_nothing(scene: Scene) -> None:
    await scene.ticket()
    assert "none" in await told(scene, "search 100%")
    assert "/desk search" in await told(scene, "search")
    assert "/desk my" in await told(scene, "")


async def test_a_ticket_is_taken_from_a_list(scene: Scene) -> None:
    head = await scene.ticket()
    await told(scene, "open")
    listing = next(m for m in scene.desk.messages.values() if m.only_for == scene.sam.id)
    await scene.click(scene.sam, listing, "home_take")
    await scene.says(head, "🟡 Sam has it")


async def test_the_knowledge_base_is_asked(scene: Scene) -> None:
    answer = await told(scene, "ask How long does delivery take?")
    assert "two to three working days" in answer
    assert "How long delivery takes" in answer
    assert "say nothing" in await told(scene, "ask zzz qqq") or "Hardly more" in await told(scene, "ask zzz qqq")


async def test_the_home_tab_shows_the_queue_and_works_it(scene: Scene) -> None:
    head = await scene.ticket(HUMAN)
    await scene.people.opens_home(scene.sam)

    async def shown(words: str) -> bool:
        return scene.sam.home is not None and words in "\n".join(slack_blocks.lines(scene.sam.home["blocks"]))

    await until(lambda: shown("Nobody has these (1)"))
    assert await shown("Acme")
    await scene.people.click_home(scene.sam, "home_take", f"{scene.connected.id}:1001")
    await scene.says(head, "🟡 Sam has it")
    await until(lambda: shown("Mine (1)"))
    assert scene.sam.home
    assert slack_blocks.links(scene.sam.home["blocks"]) == [
        f"https://t1.slack.test/archives/{scene.desk.id}/p{head.ts.replace('.', '')}"
    ]
    await scene.people.click_home(scene.sam, "away", f"{scene.connected.id}:1")
    await until(lambda: shown("I am back"))
    assert (await row(scene.helpdesk.db, scene.shop.id, Member, id=scene.shop.sam_id)).away
    await told(scene, "back")
    assert not (await row(scene.helpdesk.db, scene.shop.id, Member, id=scene.shop.sam_id)).away


async def test_a_strangers_home_tab_explains_itself(scene: Scene) -> None:
    eve = scene.slack.person(scene.team, "Eve", "eve@evil.example")
    await scene.people.opens_home(eve)

    async def shown() -> bool:
        return eve.home is not None

    await until(shown)
    assert eve.home is not None
    assert "not a member" in "\n".join(slack_blocks.lines(eve.home["blocks"]))


async def test_an_admin_chooses_the_channel_and_what_waited_is_posted(scene: Scene) -> None:
    settings = {**scene.connected.settings, "channel": None}
    await change(scene.helpdesk.db, scene.shop.id, Channel, scene.connected.id, settings=settings)
    await scene.dana_writes(HUMAN)

    async def off() -> bool:
        channel = await row(scene.helpdesk.db, scene.shop.id, Channel, id=scene.connected.id)
        return "/desk here" in (channel.disabled_reason or "")

    await until(off)
    assert "Only an admin" in await told(scene, "here")
    await change(scene.helpdesk.db, scene.shop.id, Member, scene.shop.sam_id, role="admin")
    assert f"#{scene.desk.name}" in await told(scene, "here")
    await scene.draft(await scene.head())


async def test_tickets_go_to_the_channel_of_their_priority_or_source_and_leave_a_pointer(scene: Scene) -> None:
    urgent = scene.slack.channel(scene.team, "urgent", scene.sam)
    chat = scene.slack.channel(scene.team, "chat", scene.sam)
    for channel in (urgent, chat):
        channel.members.add(scene.connected.settings["bot_user_id"])
    routes = [
        {"by": "priority", "value": "urgent", "channel": urgent.id},
        {"by": "source", "value": "Website", "channel": chat.id},
    ]
    settings = {**scene.connected.settings, "routes": routes}
    await change(scene.helpdesk.db, scene.shop.id, Channel, scene.connected.id, settings=settings)
    await scene.dana_writes(HUMAN)
    head = await scene.head(place=chat)
    assert scene.desk.parents == []
    draft = await scene.draft(head)
    await scene.click(scene.sam, head, "more", "priority")
    await scene.people.submit(scene.sam, await scene.modal(scene.sam, "priority"), priority="urgent")
    moved = await scene.head(place=urgent)
    await scene.says(head, f"➡️ This ticket is now in <#{urgent.id}>.")
    assert head.actions == []
    new_draft = await scene.draft(moved)
    assert draft.ts not in chat.messages
    await scene.click(scene.sam, new_draft, "send")
    await scene.says(new_draft, "✅ Sent by Sam")
    # Talk in the old thread is nobody's any more.
    await scene.people.say(scene.sam, chat, "too late", head.ts)
    await scene.settled()
