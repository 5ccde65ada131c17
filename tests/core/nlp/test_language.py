from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.nlp.language import TABLE, LanguageTable, detect


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is the parcel I ordered last week?", "en"),
        ("Wo ist mein Paket geblieben?", "de"),
        ("Je n'ai toujours pas reçu ma commande", "fr"),
        ("¿Cuándo llega mi pedido?", "es"),
        ("Quando arriva il mio ordine?", "it"),
        ("Onde está a minha encomenda?", "pt"),
        ("Waar blijft mijn bestelling?", "nl"),
        ("Kiedy dostanę swoją przesyłkę?", "pl"),
        ("När kommer min beställning?", "sv"),
        ("Hvornår kommer min ordre frem til mig?", "da"),
        ("Når kommer bestillingen min?", "no"),
        ("Milloin tilaukseni saapuu?", "fi"),
        ("Kdy dorazí moje objednávka?", "cs"),
        ("Siparişim ne zaman gelecek?", "tr"),
        ("Когда придёт мой заказ?", "ru"),
        ("Коли прийде моє замовлення?", "uk"),
        ("Când ajunge comanda mea?", "ro"),
        ("Mikor érkezik meg a rendelésem?", "hu"),
        ("Πότε θα έρθει η παραγγελία μου;", "el"),
        ("注文はいつ届きますか", "ja"),
        ("我的订单什么时候到", "zh"),
        ("주문은 언제 도착하나요", "ko"),
        ("متى يصل طلبي؟", "ar"),
        ("מתי תגיע ההזמנה שלי?", "he"),
        ("मेरा ऑर्डर कब आएगा?", "hi"),
        ("Đơn hàng của tôi khi nào đến?", "vi"),
        ("คำสั่งซื้อของฉันจะมาถึงเมื่อไหร่", "th"),
        ("WO IST MEIN PAKET GEBLIEBEN", "de"),
        ("Das Paket https://acme.example/track/PW48213 ist noch nicht da", "de"),
    ],
)
def test_short_questions_are_told_apart(text: str, language: str) -> None:
    assert detect(text) == language
    assert detect(text, default="pt") == language


@pytest.mark.parametrize(
    "text", ["", "ok", "48213", "👍👍", "PAY-104", "https://acme.example/returns", "a@b.example", "?!"]
)
def test_what_tells_nothing_gives_the_default(text: str) -> None:
    assert detect(text) == "en"
    assert detect(text, default="nl") == "nl"


KNOWN = {"no" if language == "nn" else language for language in LanguageTable.read().languages}


@given(st.text(max_size=200), st.sampled_from(["en", "de", "xx"]))
def test_any_text_has_a_language(text: str, default: str) -> None:
    assert detect(text, default) in KNOWN | {default}


def test_the_shipped_table_is_what_the_script_makes(tmp_path: Path) -> None:
    pytest.importorskip("py3langid", reason="py3langid, from which the table is cut, is not installed")
    from core.nlp.build.languages import build

    build(tmp_path / "ngrams.npz")
    with np.load(tmp_path / "ngrams.npz") as made, np.load(TABLE) as shipped:
        assert made.files == shipped.files
        assert all(np.array_equal(made[name], shipped[name]) for name in made.files)
