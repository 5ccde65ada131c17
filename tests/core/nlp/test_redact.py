import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.nlp.redact import redact, redact_event


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("my mail is dana.miller+shop@acme.example.", "my mail is [email-1]."),
        ("jürgen.weiß@müller.example", "[email-1]"),
        ("write to dana (at) post (dot) example", "write to [email-1]"),
        ("it is dana.m at my-post dot example dot net, thanks", "it is [email-1], thanks"),
        ("call +44 117 496 0182 or 07911 123456", "call [phone-1] or [phone-2]"),
        ("Bel me op 06-12345678", "Bel me op [phone-1]"),
        ("US number, (202) 555-0123", "US number, [phone-1]"),
        ("I paid with 4111 1111 1111 1111", "I paid with [card-1]"),
        ("My Amex 3782 822463 10005 was refused", "My Amex [card-1] was refused"),
        ("refund to GB29 NWBK 6016 1331 9268 19 please", "refund to [iban-1] please"),
        ("My SSN is 452-56-2018", "My SSN is [id-1]"),
        ("Codice fiscale BNCLRA92D55F205E per la fattura", "Codice fiscale [id-1] per la fattura"),
        ("BSN 386469933", "BSN [id-1]"),
        ("the password is Hunter2!wren and it fails", "the password is [secret-1] and it fails"),
        ("mot de passe : velo75!Rouge", "mot de passe : [secret-1]"),
        ("Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkYW5hIn0.c2ln", "Authorization: Bearer [secret-1]"),
        ("key sk-proj-9fK2mQx7Lw3Rt8Zp1Vb6Nc4Hd", "key [secret-1]"),
        ("My PIN is 4821", "My PIN is [secret-1]"),
        ("the code is 839201", "the code is [secret-1]"),
        ("the code from my bank is 839201", "the code from my bank is [secret-1]"),
        ("my_secret_key = aB3/xK9+Qw7", "my_secret_key = [secret-1]"),
        ("ring 0117 496 0182 ext. 23 please", "ring [phone-1] please"),
        ("my neighbour (07400 123456) has it", "my neighbour ([phone-1]) has it"),
        ("blocked: 203.0.113.45 and 2001:db8::8a2e:370:7334", "blocked: [ip-1] and [ip-2]"),
        ("a@b.example wrote, then c@d.example, then a@b.example", "[email-1] wrote, then [email-2], then [email-1]"),
    ],
)
def test_personal_data_is_masked(text: str, masked: str) -> None:
    assert redact(text).text == masked


@pytest.mark.parametrize(
    "text",
    [
        "where is order 48213",
        "the discount code is 20251",
        "Model KX-4500-12B arrived broken",
        "I bought it at amazon dot com",
        "order no 10000482130001",
        "tracking PW48213009127 has not moved",
        "tracking number 4111 1111 1111 1112 does not work",
        "It cost £129.95 instead of 1.234,56 €",
        "ordered on 2025-03-12, now it's the 24.03.2025, 14:32",
        "PAY-104 again, part SP-220, SKU FINCH-20-OLV-2",
        "ISBN 978-0-306-40615-7, EAN 5012345678900",
        "firmware version 2.4.11.3",
        "1500 mm x 900 mm, 1 000 000 km",
        "the password is wrong, the password reset mail does not come",
        "is your API key free for business accounts",
        "between 2019 and 2024 I bought 11 bags",
        "550e8400-e29b-41d4-a716-446655440000",
        "",
    ],
)
def test_other_numbers_survive(text: str) -> None:
    assert redact(text).text == text


def test_placeholders_are_stable_throughout_a_conversation() -> None:
    first = redact("I am dana@acme.example")
    second = redact("sam@acme.example, or dana@acme.example again", first.originals)
    assert second.text == "[email-2], or [email-1] again"
    assert (
        second.restore("We wrote to [email-1] and [Email-2].") == "We wrote to dana@acme.example and sam@acme.example."
    )


def test_a_placeholder_that_the_customer_typed_stays_what_it_is() -> None:
    found = redact("[email-1] is not dana@acme.example")
    assert found.text == "[email-1] is not [email-2]"
    assert found.restore(found.text) == "[email-1] is not dana@acme.example"


def test_an_unknown_placeholder_is_left_alone() -> None:
    assert redact("hello").restore("see [phone-7]") == "see [phone-7]"


def test_log_events_hold_no_personal_data() -> None:
    event = {
        "event": "mail from dana@acme.example",
        "password": "x",
        "count": 3,
        "headers": {"Authorization": "Bearer abc", "from": ["dana@acme.example"]},
    }
    assert redact_event(None, "info", event) == {
        "event": "mail from [email-1]",
        "password": "[secret]",
        "count": 3,
        "headers": {"Authorization": "[secret]", "from": ["[email-1]"]},
    }


SECRETS = st.sampled_from(
    [
        "dana@acme.example",
        "+44 117 496 0182",
        "4111 1111 1111 1111",
        "DE89370400440532013000",
        "[email-1]",
        "[id-2]",
        " ",
    ]
)


@given(st.lists(st.one_of(SECRETS, st.text(max_size=40)), max_size=8).map("".join))
def test_restoring_gives_the_text_back(text: str) -> None:
    found = redact(text)
    assert found.restore(found.text) == text


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_redacting_twice_finds_nothing_new(text: str) -> None:
    once = redact(text)
    assert redact(once.text, once.originals).originals == once.originals


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("the pin for the app is 5527", "the pin for the app is [secret-1]"),
        ("I lost my pin, 300 euros are gone", "I lost my pin, 300 euros are gone"),
        ("my pin for the account 48213 is blocked", "my pin for the account 48213 is blocked"),
        ("the app shows my ip 203.0.113.45, version 3", "the app shows my ip [ip-1], version 3"),
        ("the app says 203.0.113.45 was blocked", "the app says [ip-1] was blocked"),
        ("2.14.0.3 is the newest version", "2.14.0.3 is the newest version"),
        ("Is 192.168.178.1 the right address?", "Is 192.168.178.1 the right address?"),
    ],
)
def test_what_stands_beside_a_number_says_what_it_is(text: str, masked: str) -> None:
    assert redact(text).text == masked
