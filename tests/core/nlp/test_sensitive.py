from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.nlp.sensitive import Kind, sensitive

DATA = Path(__file__).parents[2] / "data" / "webshop"

DELICATE: list[tuple[str, Kind]] = [
    ("If I don't hear back by Friday I will sue you.", "legal"),
    ("You will be hearing from my solicitor", "legal"),
    ("I'm taking you to small claims court", "legal"),
    ("I have reported your company to Trading Standards", "legal"),
    ("we are going to take legal action", "legal"),
    ("Mein Anwalt wird sich bei Ihnen melden", "legal"),
    ("Ich werde Sie verklagen!", "legal"),
    ("Je vais porter plainte contre vous", "legal"),
    ("Les voy a denunciar a consumo", "legal"),
    ("Vi faccio causa", "legal"),
    ("Vou processar a empresa e ir ao Procon", "legal"),
    ("Ik stap naar de rechter", "legal"),
    ("Złożę pozew, spotkamy się w sądzie", "legal"),
    ("Jag kommer att göra en polisanmälan", "legal"),
    ("The kettle caught fire while I was asleep", "danger"),
    ("my daughter burned her hand on your toaster", "danger"),
    ("I got an electric shock from the lamp", "danger"),
    ("The charger exploded last night", "danger"),
    ("I just want to die", "danger"),
    ("somebody is hurt on the river!!", "danger"),
    ("My friend fell in the water and is missing", "danger"),
    ("my son is not breathing", "danger"),
    ("I'm going to hurt myself", "danger"),
    ("Die Powerbank ist explodiert", "danger"),
    ("Ich will nicht mehr leben", "danger"),
    ("La bouilloire a pris feu", "danger"),
    ("El cargador explotó y me quemé la mano", "danger"),
    ("Ho preso la scossa dalla lampada", "danger"),
    ("A torradeira pegou fogo", "danger"),
    ("De oplader is ontploft", "danger"),
    ("Ładowarka zapaliła się w nocy", "danger"),
    ("Laddaren började brinna", "danger"),
    ("I'll do a chargeback through my bank", "fraud"),
    ("I don't recognise this charge on my statement", "fraud"),
    ("Someone used my credit card on your site", "fraud"),
    ("You are scammers", "fraud"),
    ("There is an unauthorized payment on my account", "fraud"),
    ("Sie sind Betrüger!", "fraud"),
    ("Jemand hat mit meiner Kreditkarte bestellt", "fraud"),
    ("C'est une arnaque", "fraud"),
    ("Esto es una estafa", "fraud"),
    ("È una truffa", "fraud"),
    ("Não reconheço esta cobrança", "fraud"),
    ("Jullie zijn oplichters", "fraud"),
    ("I can see another customer's address in my account", "data"),
    ("Was there a data breach? My details are on the dark web", "data"),
    ("You shared my phone number with a stranger, that is a GDPR violation", "data"),
    ("Meine Daten wurden im Netz veröffentlicht", "data"),
    ("Mes données ont été divulguées", "data"),
    ("Er is een datalek bij jullie", "data"),
    ("Your courier was racist to my wife", "harassment"),
    ("I was harassed by one of your employees", "harassment"),
    ("I feel discriminated against because of my disability", "harassment"),
    ("Der Fahrer hat mich rassistisch beleidigt", "harassment"),
    ("Le livreur m'a insulté", "harassment"),
    ("I'm a journalist with the Daily News", "press"),
    ("Who handles press inquiries?", "press"),
    ("I will go to the press with this", "press"),
    ("Ich bin Journalistin und habe eine Presseanfrage", "press"),
    ("Soy periodista", "press"),
]
HARMLESS = [
    "Is there a danger of rain damage to the tent?",
    "Do you sell paper in legal size?",
    "Is it legal to take this knife on a plane?",
    "Do you have a smoke alarm?",
    "Is the jacket fireproof?",
    "Can I use this on an open fire?",
    "Which tennis court shoes do you have?",
    "How do you protect my data?",
    "How do I delete my personal data?",
    "Can I share my wishlist?",
    "Do you charge extra for delivery?",
    "Can I charge it via USB?",
    "Why was I charged twice?",
    "The discount code is a joke",
    "I'm dying to know when it arrives",
    "This colour is killer",
    "Your prices are killing me",
    "Do you have a French press?",
    "I press the button and nothing happens",
    "Does it come with news about sales?",
    "My order was cancelled, why?",
    "The wrong size arrived, that is so sad",
    "Is there an age limit?",
    "Can you deliver to the hospital where I work?",
    "I'm a doctor and need an invoice for my practice",
    "Can you turn off the notifications?",
    "Someone else will pick up the parcel",
    "Do you have a case for my tablet?",
    "Kann ich die Feuerschale bei Regen benutzen?",
    "Wann kommt die Rückbuchung auf mein Konto?",
    "Gibt es eine Datenschutzerklärung?",
    "Quand ma carte cadeau expire-t-elle ?",
    "¿Tienen una bomba de agua?",
    "Quando é que vão processar o meu reembolso?",
    "Wanneer krijg ik de terugboeking?",
    "Ik wil mijn account verwijderen",
    "",
    "🔥🔥🔥",
]


@pytest.mark.parametrize(("text", "kind"), DELICATE)
def test_what_no_machine_should_answer_is_noticed(text: str, kind: Kind) -> None:
    assert sensitive(text) == kind


@pytest.mark.parametrize("text", HARMLESS)
def test_words_alone_raise_no_alarm(text: str) -> None:
    assert sensitive(text) is None


def test_a_threat_at_the_end_of_a_long_mail_is_noticed() -> None:
    assert sensitive("My parcel has not come yet. " * 200 + "My lawyer will contact you.") == "legal"


@pytest.mark.parametrize("name", ["questions.dev", "questions.heldout", "language.dev", "wants_human.dev"])
def test_ordinary_messages_to_a_shop_pass(name: str) -> None:
    rows = [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    alarms = [row["text"] for row in rows if sensitive(row["text"])]
    assert len(alarms) <= len(rows) * 0.01, alarms


@given(st.text(max_size=300))
def test_any_text_has_a_verdict(text: str) -> None:
    assert sensitive(text) in {None, "legal", "danger", "fraud", "data", "harassment", "press"}
