"""The parts of a sentence that can be right or wrong by themselves: numbers, times, links, addresses, codes.

Facts are normalised so that different spellings are equal: 1,000 = 1000, "two weeks" = 14 days,
€5 = 5 EUR, 2 pm = 14:00, HTTPS://shop.example/ = shop.example.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

FactKind = Literal["link", "email", "phone", "code", "time", "number"]


@dataclass(frozen=True, slots=True)
class Fact:
    kind: FactKind
    value: str
    unit: str = ""
    """Of a number: a currency, "%", "day", "workday", "month", "kg" …; empty where none is written."""

    def same(self, other: "Fact", *, unit_elsewhere: bool = False) -> bool:
        """`unit_elsewhere`: `other` may have no unit because its table's header names it."""
        if (self.kind, self.value) != (other.kind, other.value):
            return False
        return self.unit == other.unit or (unit_elsewhere and not other.unit)

    def comparable(self, other: "Fact", *, unit_elsewhere: bool = False) -> bool:
        """Whether both could answer the same question. `unit_elsewhere`: this one's unit may stand in a table's
        header."""
        missing = not other.unit or (unit_elsewhere and not self.unit)
        return self.kind == other.kind and (self.unit == other.unit or missing)


@dataclass(frozen=True, slots=True)
class FoundFact:
    fact: Fact
    start: int
    end: int


_TO_TWENTY = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_OTHER_NUMBERS = {
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    "hundred": 100, "dozen": 12, "twice": 2, "double": 2, "half": 0.5,
}  # fmt: skip
_NUMBER_WORDS: dict[str, float] = {word: number for number, word in enumerate(_TO_TWENTY)} | _OTHER_NUMBERS
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
# Without a unit behind them these are pronouns and adverbs: "the larger one", "half of it", "a double bed".
_NEED_UNIT = frozenset({"one", "half", "double", "twice", "dozen", "zero"})

_CURRENCIES = {"£": "gbp", "€": "eur", "$": "usd", "¥": "jpy", "₹": "inr", "gbp": "gbp", "eur": "eur", "usd": "usd",
               "euro": "eur", "euros": "eur", "pound": "gbp", "pounds": "gbp", "dollar": "usd", "dollars": "usd",
               "pence": "pence", "cent": "cent", "cents": "cent", "chf": "chf", "sek": "sek", "zł": "pln",
               "pln": "pln", "kr": "kr", "yen": "jpy", "quid": "gbp"}  # fmt: skip
CURRENCIES = frozenset(_CURRENCIES.values())
# unit word: (canonical unit, how many of it)
_UNITS: dict[str, tuple[str, float]] = {
    "%": ("%", 1), "percent": ("%", 1), "per cent": ("%", 1), "prozent": ("%", 1), "pour cent": ("%", 1),
    "second": ("second", 1), "sec": ("second", 1), "minute": ("minute", 1), "min": ("minute", 1),
    "minuten": ("minute", 1), "hour": ("hour", 1), "hr": ("hour", 1), "stunde": ("hour", 1), "stunden": ("hour", 1),
    "heure": ("hour", 1), "hora": ("hour", 1), "day": ("day", 1), "tag": ("day", 1), "tage": ("day", 1),
    "tagen": ("day", 1), "jour": ("day", 1), "día": ("day", 1), "dia": ("day", 1), "dag": ("day", 1),
    "dagen": ("day", 1), "giorni": ("day", 1), "giorno": ("day", 1), "dni": ("day", 1),
    "calendar day": ("day", 1), "working day": ("workday", 1), "business day": ("workday", 1),
    "werktag": ("workday", 1), "werktage": ("workday", 1), "werktagen": ("workday", 1), "weekday": ("workday", 1),
    "week": ("day", 7), "fortnight": ("day", 14), "woche": ("day", 7), "wochen": ("day", 7), "semaine": ("day", 7),
    "month": ("month", 1), "monat": ("month", 1), "monate": ("month", 1), "monaten": ("month", 1), "mois": ("month", 1),
    "year": ("month", 12), "yr": ("month", 12), "jahr": ("month", 12), "jahre": ("month", 12), "an": ("month", 12),
    "kg": ("kg", 1), "kilo": ("kg", 1), "kilogram": ("kg", 1), "g": ("g", 1), "gram": ("g", 1), "lb": ("lb", 1),
    "cm": ("cm", 1), "mm": ("mm", 1), "m": ("m", 1), "metre": ("m", 1), "meter": ("m", 1), "km": ("km", 1),
    "mile": ("mile", 1), "inch": ("inch", 1), "l": ("l", 1), "litre": ("l", 1), "liter": ("l", 1), "ml": ("ml", 1),
    "mb": ("mb", 1), "gb": ("gb", 1), "kb": ("kb", 1), "°c": ("°c", 1), "°f": ("°f", 1), "°": ("°c", 1),
    "degree": ("°c", 1), "w": ("w", 1), "v": ("v", 1), "mah": ("mah", 1), "psi": ("psi", 1), "bar": ("bar", 1),
}  # fmt: skip

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(
    r"(?:https?://|www\.)[^\s)>\]\"'“”]+"
    r"|(?<![\w/.@-])(?:[a-z0-9-]+\.)+(?:com|org|net|io|eu|de|fr|es|it|nl|pl|uk|co|shop|store|example|app|dev|ch|at|be|info"
    r"|biz|test|me|us|ca)\b(?:/[^\s)>\]\"'“”]*)?"
    r"|(?<![\w/.])/[a-z0-9_-]+(?:/[\w./?=&#-]*)?",
    re.IGNORECASE,
)
_PHONE = re.compile(r"(?<![\w.,£€$])(?:\+|00)?\(?\d{2,5}\)?(?:[ ./-]\(?\d{2,5}\)?){1,5}(?![\w%]|[.,]\d)")
_TIME = re.compile(
    r"(?<![\d:])([01]?\d|2[0-3])(?:[:.]([0-5]\d))?\s?([ap])\.?m\b\.?"
    r"|(?<![\d:.])([01]?\d|2[0-3]):([0-5]\d)(?![\d:])",
    re.IGNORECASE,
)
_CODE = re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Z])[A-Z0-9][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*(?![\w-])")
_NUMBER = re.compile(
    r"(?P<before>[£€$¥₹]|\b(?:EUR|USD|GBP|CHF|SEK|PLN)\b)?\s?"
    r"(?<![\w.])(?P<number>\d{1,3}(?:[,.\u00a0\u202f' ]\d{3})+(?:[.,]\d{1,2})?(?![\d])|\d+(?:[.,]\d+)?)"
    r"(?P<ordinal>st|nd|rd|th)?",
    re.IGNORECASE,
)
_WORD_NUMBER = re.compile(
    rf"\b(?:(?P<tens>{'|'.join(_TENS)})[- ])?(?P<word>{'|'.join(_NUMBER_WORDS)})\b(?! of the| another)", re.IGNORECASE
)
_UNIT_AFTER = re.compile(
    r"[\s-]{0,2}(?P<unit>%|°\s?[cf]?|[£€$¥]"
    r"|(?:per cent|percent|pour cent|working|business|calendar|consecutive)\b(?:[\s-]days?\b)?|[a-zäöüéí]+)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z]+")
_RANGE = re.compile(r"\s?(?:-|–|to|and|or|bis|à|a)\s?", re.IGNORECASE)


def facts_in(text: str) -> list[FoundFact]:
    """All facts of a text, in order; every stretch of text is read once, as the most specific kind."""
    if not any(character.isdigit() or character in "@/." for character in text):
        return _with_range_units(text, list(_number_words(text)))
    found: list[FoundFact] = []
    taken = [False] * (len(text) + 1)
    for finder in (_emails, _links, _times, _phones, _codes, _numbers):
        for fact in finder(text):
            if not any(taken[fact.start : fact.end]):
                taken[fact.start : fact.end] = [True] * (fact.end - fact.start)
                found.append(fact)
    return _with_range_units(text, sorted(found, key=lambda fact: fact.start))


def _emails(text: str) -> Iterator[FoundFact]:
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield FoundFact(Fact("email", match[0].lower().rstrip(".")), *match.span())


def _links(text: str) -> Iterator[FoundFact]:
    if "/" in text or "." in text:
        for match in _LINK.finditer(text):
            address = re.sub(r"^(?:https?://)?(?:www\.)?", "", match[0].lower().rstrip(".,;:!?*`"))
            yield FoundFact(Fact("link", address.rstrip("/") or "/"), *match.span())


def _times(text: str) -> Iterator[FoundFact]:
    for match in _TIME.finditer(text):
        if match[3]:
            hour = int(match[1]) % 12 + (12 if match[3].lower() == "p" else 0)
            yield FoundFact(Fact("time", f"{hour:02}:{match[2] or '00'}"), *match.span())
        else:
            yield FoundFact(Fact("time", f"{int(match[4]):02}:{match[5]}"), *match.span())


def _phones(text: str) -> Iterator[FoundFact]:
    for match in _PHONE.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if 7 <= len(digits) <= 15 and not re.fullmatch(r"\d{4}[-./]\d{2}[-./]\d{2}", match[0]):
            yield FoundFact(Fact("phone", digits), *match.span())


def _codes(text: str) -> Iterator[FoundFact]:
    for match in _CODE.finditer(text):
        if not re.fullmatch(r"\d+(?:st|nd|rd|th|kg|cm|mm|GB|MB|W|V|C|F|L)", match[0]):
            yield FoundFact(Fact("code", match[0].upper()), *match.span())


def _numbers(text: str) -> Iterator[FoundFact]:
    for match in _NUMBER.finditer(text):
        if match["ordinal"]:
            yield FoundFact(Fact("number", match["number"], "ordinal"), match.start("number"), match.end())
            continue
        value = _value(match["number"])
        currency = _CURRENCIES.get((match["before"] or "").lower(), "")
        unit, times, end = (currency, 1.0, match.end()) if currency else _unit_after(text, match.end())
        start = match.start("before") if match["before"] else match.start("number")
        yield FoundFact(_number(value, unit, times), start, end)
    yield from _number_words(text)


def _number_words(text: str) -> Iterator[FoundFact]:
    if _NUMBER_WORDS.keys().isdisjoint(_WORD.findall(text.lower())):
        return
    for match in _WORD_NUMBER.finditer(text):
        word = match["word"].lower()
        value = _NUMBER_WORDS[word] + (_NUMBER_WORDS[match["tens"].lower()] if match["tens"] else 0)
        unit, times, end = _unit_after(text, match.end())
        if unit or word not in _NEED_UNIT:
            yield FoundFact(_number(value, unit, times), match.start(), end)


def _number(value: float, unit: str, times: float) -> Fact:
    value *= times
    if unit == "hour" and value % 24 == 0 and value:
        unit, value = "day", value / 24
    return Fact("number", f"{value:.4f}".rstrip("0").rstrip("."), unit)


def _value(written: str) -> float:
    plain = re.sub(r"[\u00a0\u202f' ]", "", written)
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", plain):
        return float(re.sub(r"[.,]", "", plain))
    if "," in plain and "." in plain:
        decimal = max(plain.rfind(","), plain.rfind("."))
        return float(re.sub(r"[.,]", "", plain[:decimal]) + "." + plain[decimal + 1 :])
    return float(plain.replace(",", "."))


def _unit_after(text: str, end: int) -> tuple[str, float, int]:
    match = _UNIT_AFTER.match(text, end)
    if not match:
        return "", 1.0, end
    word = re.sub(r"[\s-]+", " ", match["unit"].lower())
    if word.startswith("°"):
        word = word.replace(" ", "")
    for candidate in (word, word.removesuffix("s"), word.removesuffix("es")):
        if candidate in _UNITS:
            return *_UNITS[candidate], match.end()
        if candidate in _CURRENCIES:
            return _CURRENCIES[candidate], 1.0, match.end()
    return "", 1.0, end


def _with_range_units(text: str, found: list[FoundFact]) -> list[FoundFact]:
    """In "3 to 5 working days" the 3 counts working days too."""
    for at in range(len(found) - 1, 0, -1):
        here, before = found[at], found[at - 1]
        bare = before.fact.kind == "number" and not before.fact.unit
        if bare and here.fact.kind == "number" and here.fact.unit and _RANGE.fullmatch(text[before.end : here.start]):
            times = _times_of(text[here.start : here.end])
            fact = _number(float(before.fact.value), here.fact.unit, times)
            found[at - 1] = FoundFact(fact, before.start, before.end)
    return found


def _times_of(written: str) -> float:
    word = written.lower().split()[-1] if " " in written else ""
    return next((_UNITS[w][1] for w in (word, word.removesuffix("s")) if w in _UNITS), 1.0)
