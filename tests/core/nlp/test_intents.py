import json
import re
import tomllib
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.nlp.build import requests
from core.nlp.encoder import Encoder
from core.nlp.intents import HEAD, PHRASES, courtesy, wants_human
from core.nlp.phrases.asking import Language
from core.nlp.phrases.patterns import Reader
from tests.evaluation.data import LABELLED

SHOP = LABELLED / "webshop"


@pytest.mark.parametrize(
    "text",
    [
        "I want to talk to a human",
        "agent",
        "human pls",
        "REPRESENTATIVE!!!",
        "speak to a persn",
        "is anyone real there?",
        "get me a person",
        "call me back",
        "I don't want a bot, I want a human",
        "My order is late. Third time. Agent.",
        "I don't need an article. Please connect me to your support team.",
        "have your boss call me",
        "could i be put in contact with your returns people",
        "please have customer care contact me",
        "can customer service ring me?",
        "we'd like to talk to a sales person",
        "no more automated nonsense",
        "please let a human being decide this",
        "Ich möchte mit einem Menschen sprechen",
        "moechte mit mitarbeiter sprechen",
        "je veux parler à un conseiller",
        "quiero hablar con una persona real",
        "fatemi parlare con un operatore",
        "posso falar com um atendente?",
        "ik wil een mens spreken",
        "połącz mnie z konsultantem",
        "jag vill prata med en människa",
        "jeg vil tale med et menneske",
        "jeg vil snakke med et menneske",
        "haluan puhua ihmisen kanssa",
        "chci mluvit s člověkem",
        "müşteri temsilcisine bağlanmak istiyorum",
        "соедините с оператором",
        "хочу поговорити з людиною",
        "vreau să vorbesc cu o persoană",
        "kérek egy ügyintézőt",
        "θέλω να μιλήσω με άνθρωπο",
        "אפשר לדבר עם נציג?",
        "أريد التحدث مع شخص حقيقي",
        "मुझे किसी इंसान से बात करनी है",
        "我要转人工",
        "オペレーターにつないでください",
        "상담원 연결해 주세요",
        "cho tôi gặp nhân viên",
        "saya mau bicara dengan manusia",
        "ขอคุยกับเจ้าหน้าที่",
    ],
)
def test_a_request_for_a_person_is_caught(text: str) -> None:
    assert wants_human(text)


@pytest.mark.parametrize(
    "text",
    [
        "I am a travel agent, do you give discounts?",
        "do you sell cleaning agent",
        "what do you do with my personal data",
        "I don't need a human",
        "are you open on human rights day",
        "can I talk about my order",
        "how do I contact customer service?",
        "are you a bot?",
        "your agent told me it would arrive today",
        "I spoke to a representative yesterday",
        "the driver didn't call me",
        "you can call me Dave",
        "is the tent for one person?",
        "do I need to speak to someone to cancel?",
        "is there someone at the shop on sunday",
        "customer care contact?",
        "do bots get tired",
        "the robot vacuum does not charge",
        "Wann ist der Kundenservice erreichbar?",
        "Le conseiller m'a dit que c'était gratuit",
        "¿cuántas personas caben en la tienda?",
        "ho già parlato con un operatore",
        "客服几点上班",
        "あなたはロボットですか",
        "",
        "?",
    ],
)
def test_words_like_a_request_are_none(text: str) -> None:
    assert not wants_human(text)


@pytest.fixture(scope="module")
def encoder() -> Iterator[Encoder]:
    encoder = Encoder(sessions=1)
    yield encoder
    encoder.close()


@pytest.mark.parametrize(
    "text", ["I'd appreciate it if a real agent could look into this", "is someone able to speak with me"]
)
def test_the_vector_catches_what_no_phrase_foresees(text: str, encoder: Encoder) -> None:
    assert not wants_human(text)
    assert wants_human(text, encoder.encode_now(text).vector)


@pytest.mark.parametrize("text", ["where is my order", "I don't need a human", "how do I contact customer service?"])
def test_the_vector_raises_no_false_alarm(text: str, encoder: Encoder) -> None:
    assert not wants_human(text, encoder.encode_now(text).vector)


def test_the_head_belongs_to_the_shipped_encoder() -> None:
    with np.load(HEAD) as head:
        assert str(head["encoder"]) == Encoder.name, "The encoder changed: run python -m core.nlp.build.requests."


def test_the_head_is_made_of_the_lines_beside_it() -> None:
    with np.load(HEAD) as head:
        assert str(head["lines"]) == requests.digest(), "The lines changed: run python -m core.nlp.build.requests."


def test_training_the_head_again_gives_the_same(encoder: Encoder) -> None:
    texts, wanted = requests.read_lines()
    few = [*texts[:20], *texts[-20:]]
    inputs = requests.Inputs.of(few, np.stack([encoder.encode_now(text).vector for text in few]))
    labels = np.array([*wanted[:20], *wanted[-20:]], dtype=np.float64)
    once, again = (requests.train(inputs, labels, np.ones(40)) for _ in range(2))
    assert once.bias == again.bias
    assert (once.weights == again.weights).all()
    assert (once.words == again.words).all()


def test_no_held_out_line_is_trained_on() -> None:
    trained = {text.lower() for text in requests.read_lines()[0]}
    for name in ("heldout", "fresh"):
        held_out = (SHOP / f"wants_human.{name}.jsonl").read_text("utf-8").splitlines()
        # One word can only be written one way.
        assert not {text for line in held_out if " " in (text := json.loads(line)["text"].lower()) and text in trained}


@pytest.mark.parametrize("name", sorted(path.name for path in (PHRASES / "human").glob("*.toml")))
def test_every_phrase_of_every_language_compiles(name: str) -> None:
    language = Language.read(tomllib.loads((PHRASES / "human" / name).read_text("utf-8")))
    assert all(re.compile(pattern.source) for pattern in language.patterns)


@pytest.mark.parametrize("pattern", ["speak (to", "{nobody}", "speak ]", "[a]", "?"])
def test_an_unreadable_phrase_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="phrase"):
        Reader({}, spaced=True).pattern(pattern)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hi!!", "greeting"),
        ("Helloooo", "greeting"),
        ("good morning team", "greeting"),
        ("hi, how are you?", "greeting"),
        ("👋", "greeting"),
        ("👍", "thanks"),
        ("Danke schön!", "thanks"),
        ("谢谢你", "thanks"),
        ("ありがとうございます！", "thanks"),
        ("thanks Sam!", "thanks"),
        ("ok thanks bye", "goodbye"),
        ("merci beaucoup, bonne journée", "goodbye"),
        ("Hello, where is my order?", None),
        ("thanks but it still fails", None),
        ("hi refund", None),
        ("yes", None),
        ("???", None),
        ("😡", None),
        ("", None),
    ],
)
def test_courtesy_is_told_from_a_question(text: str, kind: str | None) -> None:
    assert courtesy(text) == kind


@given(st.text(max_size=300))
def test_any_text_has_an_answer(text: str) -> None:
    assert wants_human(text) in (True, False)
    assert courtesy(text) in ("greeting", "thanks", "goodbye", None)
