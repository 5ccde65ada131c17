import pytest

from core.knowledge.followup import contextualize, depends_on_context

FOLLOW_UPS = """and how long does that take?
how long does it take?
What about Norway?
and to Ireland?
how much is it?
is that free?
can I change it?
what if it's late?
How long?
why not?
and if I'm not at home?
does it work on weekends too?
ok, and when will they arrive?
thanks! and how much does that cost?
how do I do that?
where do I find it?
And for gift cards?
can they do that for me?
how about sale items?
when?
does that include shipping?
are they waterproof?
But I have no printer""".splitlines()

COMPLETE = """How long does delivery take?
Where is my order?
Can I return a gift?
bitcoin?
is it possible to change my address?
how long does it take to get a refund?
Is there a student discount?
do you ship to Norway
How do I reset my password?
opening hours?
hello
thanks
refund
it says error E-1042 at checkout
this jacket is too small, can I exchange it?
My card stopped working when I use it
is it safe to use a credit card here
Do you have a shop there in Bristol?""".splitlines()


@pytest.mark.parametrize("text", FOLLOW_UPS)
def test_follow_ups_are_recognised(text: str) -> None:
    assert depends_on_context(text)


@pytest.mark.parametrize("text", [*COMPLETE, "", "  ", "?" * 40, "it " * 100])
def test_complete_questions_stand_alone(text: str) -> None:
    assert not depends_on_context(text)
    assert contextualize(text, ["Do you deliver to Ireland?"]) == text


def test_a_follow_up_is_put_after_the_question_it_follows() -> None:
    asked = ["Can I return a gift?", "Do you deliver to Ireland? "]
    assert contextualize("and how long does that take?", asked) == (
        "Do you deliver to Ireland? and how long does that take?"
    )


def test_follow_ups_in_a_row_go_back_to_the_question() -> None:
    asked = ["Do you deliver to Ireland?", "how much is it?", "hello"]
    assert contextualize("and how long?", asked) == "Do you deliver to Ireland? and how long?"


def test_without_an_earlier_question_the_message_stays() -> None:
    assert contextualize("how much is it?", []) == "how much is it?"
    assert contextualize("how much is it?", ["thanks", "hello"]) == "how much is it?"
    assert contextualize("how much is it?", ["Do you deliver to Ireland?", "hi", "hello", "hey"]) == "how much is it?"
