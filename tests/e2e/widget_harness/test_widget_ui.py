"""The chat widget in a real browser, on a page of another origin, against a stand-in for our server."""

import asyncio
import re
from collections.abc import Callable

import pytest
from playwright.async_api import Page, expect

from .server import WIDGET

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

STRICT = (
    "default-src 'none'; script-src 'nonce-n1' 'strict-dynamic'; style-src 'nonce-n1'; img-src data:; "
    "connect-src http://127.0.0.1:* ws://127.0.0.1:*; "
    "require-trusted-types-for 'script'; trusted-types deskhand"
)


async def ask(page: Page, text: str) -> None:
    await page.locator("textarea").fill(text)
    await page.keyboard.press("Enter")


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(300):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("waited 3 seconds in vain")


async def online(page: Page, text: str = "hello") -> None:
    await ask(page, text)
    await expect(page.locator(".customer .tick").last).to_have_class("tick sent")


async def test_a_page_pays_for_the_launcher_only(visit, desk):
    visitor = await visit()
    page = await visitor.page()
    before = await page.evaluate("document.documentElement.scrollHeight")
    await page.wait_for_timeout(200)
    assert desk.requests == []
    assert await page.evaluate("Object.keys(window).filter(name => /desk/i.test(name))") == ["Deskhand"]
    assert await page.evaluate("Object.keys(Deskhand)") == ["open", "close", "identify", "on", "push"]
    assert await page.evaluate("document.documentElement.scrollHeight") == before
    assert await page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert visitor.complaints == []


async def test_a_question_gets_a_cited_answer(visit):
    visitor = await visit()
    page = await visitor.chat()
    await ask(page, "How do I return <b>boots</b>?")
    answer = page.locator(".message.ai").last
    await expect(answer.locator("strong").first).to_have_text("30 days")
    await expect(page.locator(".customer .plain")).to_have_text("How do I return <b>boots</b>?")
    await expect(page.locator(".customer .tick")).to_have_attribute("aria-label", "Sent")
    assert await answer.locator(".bubble > ol > li").count() == 3
    assert await answer.locator(".bubble img, .bubble b, .bubble script").count() == 0
    await expect(answer.locator(".bubble")).to_contain_text("<img src=x onerror=alert(1)>")
    await expect(answer.locator(".bubble > ul > li").last).to_have_text("Spain, Cost: €4.90, Refund: 5 days")
    links = await answer.locator("a").evaluate_all("all => all.map(a => [a.href, a.rel, a.target])")
    elsewhere = {"https://acme.example/returns", "https://acme.example/shipping"}
    assert {link[0] for link in links} == {f"{visitor.url}help/returns", *elsewhere}
    assert {tuple(link[1:]) for link in links} == {("noopener noreferrer", "_blank")}
    quote = answer.locator("blockquote").first
    await expect(quote).to_be_hidden()
    await answer.locator(".unfold").first.click()
    await expect(quote).to_contain_text("within 30 days of delivery")
    assert visitor.complaints == []


async def test_hostile_text_is_drawn_in_no_time(visit):
    page = await (await visit()).part("markdown")
    nasty = [
        "[",
        "*",
        "**",
        "`",
        "[a](",
        "![",
        "| a |\n",
        "- ",
        "  - a\n",
        "> ",
        "http://a",
        "#",
        "1. a\n",
        "```\n",
    ]
    nasty += ["*a ", "**a* ", "a|", "[1]", "\n\n", " "]
    slow = await page.evaluate(
        """nasty => nasty.map(text => {
            const h = (name, properties, ...inside) => {
                const node = document.createElement(name);
                node.append(...inside);
                return node;
            };
            const start = performance.now();
            part.markdown.render({ h }, text.repeat(10000).slice(0, 10000), []);
            return [text, performance.now() - start];
        }).filter(([, took]) => took > 500)""",
        nasty,
    )
    assert slow == []


async def test_what_is_written_offline_is_sent_once_when_the_line_is_back(visit, desk, standin):
    visitor = await visit()
    page = await visitor.chat()
    await online(page)
    await standin.stop()
    await ask(page, "are you there?")
    await expect(page.locator(".tick.sending")).to_be_visible()
    await expect(page.locator(".banner")).to_contain_text("No connection")
    queue = await page.evaluate("JSON.parse(localStorage['deskhand:acme']).queue")
    await standin.start()
    await expect(page.locator(".message.ai").last).to_contain_text("You said: are you there?", timeout=12_000)
    await expect(page.locator(".banner")).to_be_hidden()
    stored = [entry for one in desk.visitors.values() for entry in one.messages]
    assert [entry["id"] for entry in stored if entry["text"] == "are you there?"] == [queue[0]["id"]]
    assert await page.evaluate("JSON.parse(localStorage['deskhand:acme']).queue") == []


async def test_an_unacknowledged_message_survives_the_page(visit, desk):
    visitor = await visit()
    desk.acknowledge = False
    page = await visitor.chat()
    await ask(page, "hold on to this")
    await expect(page.locator(".tick.sending")).to_be_visible()
    await page.close()
    desk.acknowledge = True
    # Nobody opens the chat: it sends what is left by itself, and shows that an answer waits.
    page = await visitor.page()
    await expect(page.locator(".badge")).to_have_text("1")
    sent = {frame["id"] for frame in desk.frames if frame["type"] == "message"}
    assert len(sent) == 1
    await page.locator(".launcher").click()
    await expect(page.locator(".badge")).to_be_hidden()
    await expect(page.locator(".customer .plain")).to_have_text("hold on to this")


async def test_two_tabs_show_one_conversation(visit):
    visitor = await visit()
    first = await visitor.chat()
    await online(first, "from the first tab")
    second = await visitor.chat()
    await expect(second.locator(".customer .plain")).to_have_text("from the first tab")
    await online(second, "from the second tab")
    texts = ["from the first tab", "from the second tab"]
    await expect(first.locator(".customer .plain")).to_have_text(texts)
    await expect(second.locator(".customer .plain")).to_have_text(texts)
    await expect(first.locator(".items .ai")).to_have_count(2)


async def test_a_person_is_asked_for_and_the_ticket_shown_once(visit, desk):
    visitor = await visit()
    page = await visitor.chat()
    await page.locator(".human").click()
    await expect(page.locator(".notice")).to_contain_text("#1042")
    await expect(page.locator(".customer .tick")).to_have_class("tick sent")
    assert [frame["type"] for frame in desk.frames].count("human") == 1
    await page.reload()
    await expect(page.locator(".panel .notice")).to_have_count(1)
    await ask(page, "agent?")
    await expect(page.locator(".agent .who")).to_contain_text("Sam Okafor")
    await expect(page.locator(".system")).to_have_text("Sam joined the conversation")
    assert [frame["type"] for frame in desk.frames].count("human") == 1


async def test_streamed_words_become_the_final_message(visit, desk):
    page = await (await visit()).chat()
    await ask(page, "stream")
    await expect(page.locator(".items .ai .bubble")).to_have_text("Streamed word by word")
    desk.finish.set()
    await expect(page.locator(".items .ai .bubble")).to_have_text("Streamed and checked.")
    await expect(page.locator(".items .ai .source")).to_have_count(1)


async def test_an_answer_cut_off_is_completed_after_the_reconnect(visit, desk):
    page = await (await visit()).chat()
    await ask(page, "stream")
    await expect(page.locator(".items .ai .bubble")).to_have_text("Streamed word by word")
    (visitor,) = desk.visitors.values()
    for socket in list(visitor.sockets):
        visitor.sockets.discard(socket)
        await socket.close(1012)
    desk.finish.set()
    await expect(page.locator(".items .ai .bubble")).to_have_text("Streamed and checked.")


async def test_thumbs_are_told(visit, desk):
    page = await (await visit()).chat()
    await online(page)
    await page.get_by_role("button", name="Not helpful").click()
    await expect(page.get_by_role("button", name="Not helpful")).to_have_attribute("aria-pressed", "true")
    feedback = [frame for frame in desk.frames if frame["type"] == "feedback"]
    assert [frame["helpful"] for frame in feedback] == [False]


async def test_keyboard(visit, desk):
    page = await (await visit()).page(head="<script>typed = ''; onkeydown = e => typed += e.key</script>")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".panel textarea")).to_be_focused()
    await until(lambda: bool(desk.frames))
    await page.keyboard.type("one")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("two")
    assert await page.locator("textarea").input_value() == "one\ntwo"
    await until(lambda: desk.frames[-1]["type"] == "typing")
    composing = "new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true })"
    await page.locator("textarea").evaluate(f"input => input.dispatchEvent({composing})")
    await expect(page.locator(".customer")).to_have_count(0)
    await page.keyboard.press("Enter")
    await expect(page.locator(".customer .plain")).to_have_text("one\ntwo")
    await page.keyboard.press("Escape")
    await expect(page.locator(".panel")).to_be_hidden()
    await expect(page.locator(".launcher")).to_be_focused()
    assert await page.evaluate("typed") == "Tab"


async def test_limits_and_errors_stand_where_they_belong(visit):
    page = await (await visit()).chat()
    await page.locator("textarea").fill("x" * 10_001)
    await expect(page.locator(".counter")).to_have_text("-1 characters left")
    await expect(page.locator(".send")).to_be_disabled()
    await ask(page, "refuse this")
    await expect(page.locator(".customer .problem")).to_have_text("This is longer than 10,000 characters.")
    await ask(page, "flood")
    await expect(page.locator(".customer .problem").last).to_contain_text("sent again in a moment")


async def test_strict_policies_of_the_page_are_kept(visit, desk):
    desk.page_policy = STRICT
    visitor = await visit()
    page = await visitor.chat()
    await online(page)
    assert await page.locator(".panel").evaluate("n => getComputedStyle(n).width") == "392px"
    assert visitor.complaints == []


async def test_without_storage_the_chat_lives_as_long_as_the_page(visit):
    visitor = await visit()
    await visitor.context.add_init_script(
        "for (const area of ['localStorage', 'sessionStorage'])"
        " Object.defineProperty(window, area, { get() { throw new DOMException('no', 'SecurityError') } })"
    )
    page = await visitor.chat()
    await online(page)
    await expect(page.locator(".items .ai")).to_have_count(1)
    assert visitor.complaints == []


async def test_a_person_never_sees_another_persons_chat(visit, desk):
    visitor = await visit()
    page = await visitor.chat()
    await online(page, "before signing in")
    await page.evaluate("Deskhand.identify({ id: 'dana', email: 'dana@acme.example', signature: 'x' })")
    await expect(page.locator(".customer .plain")).to_have_text("before signing in")
    assert [one.identity["id"] for one in desk.visitors.values() if one.identity] == ["dana"]
    await page.evaluate("Deskhand.identify({ id: 'sam' })")
    await expect(page.locator(".chips")).to_be_visible()
    await online(page, "from sam")
    await expect(page.locator(".customer .plain")).to_have_text("from sam")
    await page.reload()
    await expect(page.locator(".panel .chips")).to_be_visible()
    assert await page.locator(".customer").count() == 0


async def test_early_calls_and_events(visit):
    calls = "[['on', 'message', message => heard.push(message.author)], ['open']]"
    page = await (await visit()).page(head=f"<script>heard = []; Deskhand = {calls}</script>")
    await page.locator(".panel textarea").wait_for()
    await online(page)
    await expect(page.locator(".items .ai")).to_have_count(1)
    assert await page.evaluate("heard") == ["customer", "ai"]


async def test_an_expired_token_gets_a_new_session(visit, desk):
    visitor = await visit()
    page = await visitor.chat()
    await online(page)
    for token in list(desk.visitors):
        person = desk.visitors.pop(token)
        for socket in list(person.sockets):
            await socket.close(4401)
    await online(page, "again")
    assert desk.requests.count("session") == 2


@pytest.mark.parametrize("where", ["session", "socket"])
async def test_a_refusal_is_said_and_not_repeated(visit, desk, where):
    if where == "session":
        desk.session_status = 403
    else:
        desk.close_with = 4403
    page = await (await visit()).chat()
    await expect(page.locator(".banner")).to_contain_text("unavailable right now")
    await page.locator("textarea").fill("hello?")
    await expect(page.locator(".send")).to_be_disabled()
    assert desk.requests.count("session") == 1


async def test_a_server_that_is_down_leaves_the_page_alone(visit, standin):
    visitor = await visit()
    page = await visitor.page()
    await standin.stop()
    await page.evaluate("wrong = []; onerror = onunhandledrejection = problem => { wrong.push(`${problem}`) }; 0")
    await page.locator(".launcher").click()
    await expect(page.locator(".hint")).to_contain_text("unavailable right now")
    assert await page.evaluate("wrong") == []
    await standin.start()
    await page.locator(".launcher").click()
    await expect(page.locator(".panel textarea")).to_be_visible()


async def test_a_phone_gets_the_whole_screen(visit):
    page = await (await visit(viewport={"width": 390, "height": 700}, has_touch=True, is_mobile=True)).chat()
    box = await page.locator(".panel").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 700}
    await expect(page.locator(".launcher")).to_be_hidden()
    await page.locator(".panel .close").tap()
    await expect(page.locator(".launcher")).to_be_visible()


async def test_page_and_widget_keep_their_hands_off_each_other(visit):
    rude = "body { display: flex; justify-content: space-between } body > * { display: none; opacity: .1 !important }"
    page = await (await visit()).page(head=f"<style nonce='n1'>{rude} main {{ display: block; width: 50% }}</style>")
    await expect(page.locator(".launcher")).to_be_visible()
    before = await page.locator("main").bounding_box()
    await page.evaluate("document.querySelector('deskhand-chat').remove()")
    assert await page.locator("main").bounding_box() == before
    await page.evaluate("document.documentElement.replaceChild(document.createElement('body'), document.body)")
    await page.locator(".launcher").click()
    await expect(page.locator("deskhand-chat")).to_have_css("opacity", "1")
    for name, value in (
        ("letter-spacing", "normal"),
        ("text-transform", "none"),
        ("border-top-style", "solid"),
    ):
        await expect(page.locator(".human")).to_have_css(name, value)


@pytest.mark.parametrize(("color", "text"), [("#ffd166", "rgb(0, 0, 0)"), ("#123", "rgb(255, 255, 255)")])
async def test_text_on_the_shops_colour_can_be_read(visit, desk, color, text):
    desk.settings["color"] = color
    page = await (await visit()).chat()
    await online(page)
    await expect(page.locator("header")).to_have_css("color", text)


async def test_it_speaks_the_visitors_language_unless_the_shop_says_otherwise(visit, desk):
    desk.settings["texts"] = {"human": "Frag Dana"}
    page = await (await visit(locale="de-AT")).chat()
    await expect(page.get_by_placeholder("Nachricht schreiben…")).to_be_visible()
    await expect(page.locator(".human")).to_have_text("Frag Dana")


async def test_every_language_has_every_text(visit):
    page = await (await visit()).part("words")
    languages = await page.evaluate("part.words")
    source = (WIDGET / "panel.js").read_text()
    english = set(re.findall(r'(\w+): "', source.split("const ENGLISH = {")[1].split("};")[0]))
    assert len(languages) == 10
    for language, texts in languages.items():
        assert set(texts) == english, language
        assert "{number}" in texts["escalated"], language
        assert all("{count}" in texts[name] for name in ("unread", "left")), language


async def test_the_wish_for_a_person_is_not_lost_with_the_line(visit, desk, standin):
    visitor = await visit()
    page = await visitor.chat()
    await online(page)
    await standin.stop()
    await page.locator(".human").click()
    await expect(page.locator(".human")).to_have_text("Asking for a person…")
    await page.close()
    await standin.start()
    page = await visitor.page()
    await until(lambda: bool(desk.tickets))
    await page.locator(".launcher").click()
    await expect(page.locator(".notice")).to_contain_text("#1042")
    assert len({frame["id"] for frame in desk.frames if frame["type"] == "human"}) == 1
