"""Takes personal data and secrets out of a text, and puts them back into an answer.

Nothing here raises. What is found is replaced by placeholders such as [email-1] that stay the same for the
same value throughout a conversation.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import phonenumbers
from stdnum import iban, luhn

from core.nlp.personal_ids import national_ids

WORDS = Path(__file__).parent / "phrases" / "personal_data.toml"
NEAR = 40
"""How many characters before a number a word that names it may stand."""
NEAR_ID = 80
"""The same before and after an identity number, whose checksum says more."""

_EMAIL = re.compile(r"[^\W_][\w.+'’%-]*@(?:[\w-]+\.)+[^\W\d_][\w-]*", re.UNICODE)
# Addresses written so that no program finds them: dana (at) post (dot) example, dana dot roe at post dot example.
_AT, _DOT = (
    r"(?:@|[(\[{] ?(?:at|ät) ?[)\]}]|(?<= )(?:at|arobase|arroba|chiocciola|apenstaartje|małpa)(?= ))",
    r"(?:[(\[{] ?(?:dot|punkt|point|punto) ?[)\]}]|(?<= )(?:dot|punkt|point|punto|ponto|kropka)(?= ))",
)
_SPELLED_EMAIL = re.compile(
    rf"[^\W_][\w.+-]{{0,63}}(?: ?{_DOT} ?[\w-]{{1,63}}){{0,2}} ?{_AT} ?[\w-]{{1,63}}(?: ?{_DOT} ?[\w-]{{2,63}}){{1,4}}",
    re.UNICODE | re.IGNORECASE,
)
_IBAN = re.compile(r"(?<![\w-])[A-Z]{2}\d\d(?:[ -]?[A-Z0-9]){11,34}", re.IGNORECASE)
_POLISH_ACCOUNT = re.compile(r"(?<![\w-])\d\d(?: ?\d{4}){6}(?![\w-])")  # as Poles write it: without the country
_CARD = re.compile(r"(?<![\w.,/-])\d(?:[ .-]?\d){12,18}(?![\w]|[.,/-]\d)")
_IP = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4})(?![\w:]|\.\d)", re.IGNORECASE
)
_PHONE = re.compile(r"(?<![\w.,/@:#-])(?:\+ ?|\(\+|\()?\d(?:[ \u00a0./()-]{0,3}\d){6,15}(?![\w@]|[.,:/-]\d|[€£$%])")
_CALLED_IP = re.compile(r"\bip\b", re.IGNORECASE)
# Every router has one of these (RFC 1918, RFC 4193): they say nothing about anybody.
_EVERYBODYS = [
    ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7")
]
_INTERNATIONAL = re.compile(r"(?:\(?\+|00)")
# Groups as people write national numbers: 0117 496 0182, (202) 555-0123, 06-12345678, 212.555.0187.
_NATIONAL = re.compile(
    r"0\d{1,5}(?:[ ./-]| / )\d[\d ./-]{4,11}|\(0?\d{1,5}\)[ .-]?\d[\d ./-]{4,11}|\d{3}([-. ])\d{3}[-. ]\d{4}"
    r"|0[1-9]\d{8,9}|8 ?\(?\d{3}\)?[ -]\d{3}[ -]\d\d[ -]\d\d|1-\d{3}-\d{3}-\d{4}"
    r"|[67]\d{2} \d{3} \d{3}|[67]\d{2} \d\d \d\d \d\d"
)
_EXTENSION = re.compile(
    r"[ ,]{0,2}(?:(?:ext(?:ension)?|durchwahl|dw|poste|interno|toestel|anknytning)\b\.? ?(?:no\.? ?)?|x)\d{1,6}\b",
    re.IGNORECASE,
)
_DATE = re.compile(r"\d{4}[-./]\d{1,2}[-./]\d{1,2}(?:[T ]\d.*)?|\d{1,2}[-./]\d{1,2}[-./]\d{2,4}(?: \d{1,2})?")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_TOKEN = re.compile(
    r"(?<![\w-])(?:"
    r"eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?"  # JSON Web Token
    r"|sk-(?:proj-|ant-|or-)?[\w-]{16,}|(?:sk|pk|rk)_(?:live|test)_\w{10,}|whsec_\w{16,}"  # OpenAI, Stripe
    r"|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|npm_\w{20,}|pypi-[\w-]{20,}|hf_\w{20,}"
    r"|xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}|(?:AKIA|ASIA|AGPA|AIDA)[A-Z0-9]{12,}|AIza[\w-]{30,}|ya29\.[\w-]{20,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|key-[0-9a-f]{32}|shp(?:at|ca|pa|ss)_[0-9a-f]{16,}|dop_v1_\w{20,}|\d{8,10}:AA[\w-]{30,}"
    r")(?![\w-])"
)
_BEARER = re.compile(r"\b(?:bearer|basic)\s+([\w.+/=~-]{12,})", re.IGNORECASE)
_URL_LOGIN = re.compile(r"(?<=://)[^\s:/@]+:[^\s/@]+(?=@)")
# "login dana / Hunter2!", "use hunter2! as the password", "the code I got by sms is 482913", a hash or key in hex
_UNNAMED_SECRETS = (
    re.compile(
        r"\b(?:login|log-?in|user ?name|user|benutzer|zugang)\b[\s:=]+\S+?\s*[/,;|]\s*(\S{5,40})", re.IGNORECASE
    ),
    re.compile(
        r"(\S{5,60}) (?:as|is|was|als) (?:the|my|our|a|das|mein) (?:password|passwort|passcode|pin|pw)\b", re.IGNORECASE
    ),
    re.compile(r"\bcode\b[^.\d]{0,40}\b(?:sms|text|app|phone|back|e-?mail)\b[^.\d]{0,20}\b(\d{3,8})\b", re.IGNORECASE),
    re.compile(r"\bhooks\.slack\.com/services/(\S{20,})", re.IGNORECASE),
    re.compile(r"(?<![\w/-])((?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{32,128})(?![\w-])", re.IGNORECASE),
)
# "the code is 839201", but not "the discount code is 20251"
_PLAIN_CODE = re.compile(
    r"(?P<which>[^\W\d_]+)?[ ,.;]*\b(?:code|c[oó]digo|codice|kod|koden)\b"
    r"(?:\s+(?:from|for|of|by|in|via|i|you|we|they|that|sent|got|came|received|just|my|me|the|your|bank|sms|app|text|phone|mail"
    r"|che|mi|è|arrivato|per|que|me|llegó|ha|llegado|por|reçu|je|ai|par|den|ich|bekam|bekommen|habe|ik|kreeg)\b){0,7}\s*"
    r"(?:(?:is|was|says|reads|ist|lautet|war|est|es|è|é|är|to)\b|[:=])\s*(?P<code>\d(?:[ -]?\d){3,7})\b",
    re.IGNORECASE,
)
_SHAPED_SECRET = re.compile(
    r"eyJ|sk-|gh[pousr]_|xox|AKIA|ASIA|AIza|:AA|://|-----BEGIN|bearer|basic|[_-]\w{10}|\bcode\b|\bc[oó]dig|\bcodice\b|\bkod|\blog-?in\b|\buser|\bzugang\b|[0-9a-f]{32}",
    re.IGNORECASE,
)
# "to" and "on" join a password to its value in some languages, and mean something else in English.
_SAYS = re.compile(r"[:=：は是]|\b(?:is|was|ist|lautet|est|es|è|é|jest)\b", re.IGNORECASE)
_CODE = re.compile(r"[A-Z]{0,2}-?\d{3,8}|\d{3}[ -]?\d{3}", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\[(?:email|phone|card|iban|id|secret|ip)-\d+\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Redacted:
    """`originals` maps each placeholder, also those of earlier messages handed in, to what it stands for."""

    text: str
    originals: Mapping[str, str]

    def restore(self, text: str) -> str:
        """`text`, an answer for example, with the originals in place of their placeholders."""
        return _PLACEHOLDER.sub(lambda match: self.originals.get(match[0].lower(), match[0]), text)


@dataclass(frozen=True, slots=True)
class _Words:
    phone: re.Pattern[str]
    other_number: re.Pattern[str]
    secret_word: re.Pattern[str]
    secret: re.Pattern[str]
    """Groups: password, key or code, whichever word it is; link, what joins them; value."""
    no_ip: re.Pattern[str]
    no_secret: frozenset[str]
    other_code: frozenset[str]
    """Words before "code" that make it no secret."""
    no_name: frozenset[str]
    """Words before "at shop dot example" that make it no address."""

    @classmethod
    def read(cls, data: Mapping[str, Sequence[str]]) -> "_Words":
        password, key, code = _any(data["password"]), _any(data["key"]), _any(data["code"])
        unspaced = "|".join(data["password_unspaced"])
        named = rf"(?:(?:\b|(?<=_))(?:(?P<password>{password})|(?P<key>{key})|(?P<code>{code}))\b|(?:{unspaced}))"
        about = rf"(?P<about>(?:\s+(?:{_any(data['about'])})\b){{0,4}})"
        link = rf"{about}(?P<link>(?:['’]s\b)?\s*(?:(?:{_any(data['linking'])})\b)?\s*[:=,：は是는은이가-]?\s*)"
        value = r"(?:[\"“«`](?P<quoted>[^\"”»`]{3,60})[\"”»`]|(?P<value>\d{3} \d{3}\b|[^\s\"'`»”<>]{3,80}))"
        return cls(
            phone=_pattern(rf"\b(?:{_any(data['phone'])})\b|{'|'.join(data['phone_unspaced'])}"),
            other_number=_pattern(rf"\b(?:{_any(data['other_number'])})(?:[\s.:#-]|{_any(data['between'])})*$"),
            secret_word=_pattern(rf"(?:\b|_)(?:{password}|{key}|{code})\b|{unspaced}"),
            secret=_pattern(rf"{named}{link}['‘]?{value}"),
            no_ip=_pattern(rf"\b(?:{_any(data['no_ip'])})\b"),
            no_secret=frozenset(data["no_secret"]),
            other_code=frozenset(data["other_code"]),
            no_name=frozenset(data["no_name"]),
        )


def _any(words: Sequence[str]) -> str:
    """Longest first, so that "is now" is tried before "is"."""
    return "|".join(re.escape(word).replace(r"\*", r"\w*") for word in sorted(words, key=len, reverse=True))


def _pattern(source: str) -> re.Pattern[str]:
    return re.compile(source, re.IGNORECASE)


@cache
def _words() -> _Words:
    return _Words.read(tomllib.loads(WORDS.read_text("utf-8")))


@dataclass(frozen=True, slots=True)
class _Found:
    kind: str
    start: int
    end: int


def redact(text: str, known: Mapping[str, str] | None = None) -> Redacted:
    """`text` without e-mail addresses, phone numbers, cards, IBANs, national ids, IP addresses and secrets.

    Hand in the `originals` of earlier messages as `known`, and the same value gets the same placeholder.
    """
    originals = dict(known or {})
    placeholders = {value: placeholder for placeholder, value in originals.items()}
    pieces, end = [], 0
    for found in _all(text):
        value = text[found.start : found.end]
        if value not in placeholders:
            placeholders[value] = _next_placeholder(found.kind, originals, text)
            originals[placeholders[value]] = value
        pieces += [text[end : found.start], placeholders[value]]
        end = found.end
    return Redacted("".join([*pieces, text[end:]]), originals)


def redact_event(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: no personal data and no secret in any value of a log line, however nested."""
    for key, value in event.items():
        event[key] = "[secret]" if _names_a_secret(key) and value else _redacted_value(value)
    return event


def _names_a_secret(key: str) -> bool:
    return any(word in key.lower() for word in ("password", "secret", "token", "authorization", "api_key", "cookie"))


def _redacted_value(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value).text
    if isinstance(value, Mapping):
        return {key: "[secret]" if _names_a_secret(str(key)) else _redacted_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted_value(item) for item in value]
    return value


def _next_placeholder(kind: str, taken: Mapping[str, str], text: str) -> str:
    number = 1
    while (placeholder := f"[{kind}-{number}]") in taken or placeholder in text.lower():
        number += 1
    return placeholder


def _all(text: str) -> list[_Found]:
    """Everything found, in order, without overlaps; the more specific kind wins."""
    found: list[_Found] = []
    for finder in _finders(text):
        for candidate in finder(text):
            if all(candidate.end <= other.start or candidate.start >= other.end for other in found):
                found.append(candidate)
    return sorted(found, key=lambda one: one.start)


def _finders(text: str) -> Iterator[Callable[[str], Iterator[_Found]]]:
    """Only those that can find anything: most messages hold neither a digit nor an @."""
    if _SHAPED_SECRET.search(text) or _words().secret_word.search(text):
        yield _secrets
    if "@" in text:
        yield _emails
    if _SPELLED_EMAIL.search(text):
        yield _spelled_emails
    digits = sum(character.isdigit() for character in text)
    if digits >= 4:
        yield from (_ips, _ibans, _cards, _ids, _phones)
    elif ":" in text and digits:
        yield _ips


def _secrets(text: str) -> Iterator[_Found]:
    for shape in (_PRIVATE_KEY, _TOKEN, _URL_LOGIN):
        for match in shape.finditer(text):
            yield _Found("secret", *match.span())
    for match in _BEARER.finditer(text):
        if _looks_secret(match[1]):
            yield _Found("secret", *match.span(1))
    for match in _words().secret.finditer(text):
        place = "quoted" if match["quoted"] else "value"
        value = match[place].rstrip(".,;!?)…")
        if value and (place == "quoted" or _is_value(match, value)):
            yield _Found("secret", match.start(place), match.start(place) + len(value))
    for match in _PLAIN_CODE.finditer(text):
        if (match["which"] or "").lower() not in _words().other_code:
            yield _Found("secret", *match.span("code"))
    for shape in _UNNAMED_SECRETS:
        for match in shape.finditer(text):
            if _looks_secret(match[1]):
                yield _Found("secret", *match.span(1))


def _is_value(match: re.Match[str], value: str) -> bool:
    if match["code"]:
        # "the pin for the app is 5527", but neither "I lost my pin, 300 euros" nor "my pin for the account 48213"
        told = "," not in match["link"] and (not match["about"] or _SAYS.search(match["link"]))
        return bool(told and _CODE.fullmatch(value))
    if _looks_secret(value):
        return True
    if match["about"] or "," in match["link"]:
        return False
    return bool(match["password"] and _SAYS.search(match["link"]) and value.lower() not in _words().no_secret)


def _looks_secret(value: str) -> bool:
    """Not a word of any language: digits or signs inside, or capitals in the middle."""
    if re.fullmatch(r"\d{3} \d{3}", value):
        return True
    letters = any(character.isalpha() for character in value)
    digits = any(character.isdigit() for character in value)
    signs = any(not character.isalnum() and character not in ".,'’-/" for character in value)
    inner_capital = any(character.isupper() for character in value[1:]) and not value.isupper()
    return (letters and (digits or signs or inner_capital)) or (digits and (signs or len(value) >= 6))


def _emails(text: str) -> Iterator[_Found]:
    for match in _EMAIL.finditer(text):
        yield _Found("email", *match.span())


def _spelled_emails(text: str) -> Iterator[_Found]:
    start = 0
    while match := _SPELLED_EMAIL.search(text, start):
        name = match[0].partition(" at ")[0]
        start = match.end()
        if name.lower() not in _words().no_name:
            yield _Found("email", *match.span())
        else:  # "reach me at dana dot roe at post dot example"
            start = match.start() + len(name)


def _ips(text: str) -> Iterator[_Found]:
    for match in _IP.finditer(text):
        before = text[max(0, match.start() - NEAR) : match.start()]
        around = before + text[match.start() : match.end() + NEAR]
        version = _words().no_ip.search(around) and not _CALLED_IP.search(around)
        if _is_ip(match[0]) and not version and not _words().other_number.search(before):
            yield _Found("ip", *match.span())


def _is_ip(text: str) -> bool:
    if ":" in text and sum(character.isalnum() for character in text) < 4:
        return False
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return not any(address in network for network in _EVERYBODYS)


def _ibans(text: str) -> Iterator[_Found]:
    for match in _IBAN.finditer(text):
        length = _iban_length(match[0])
        if length:
            yield _Found("iban", match.start(), match.start() + length)
    for match in _POLISH_ACCOUNT.finditer(text):
        if iban.is_valid("PL" + match[0]):
            yield _Found("iban", *match.span())


def _iban_length(text: str) -> int:
    """How many characters of `text` are an IBAN with a right checksum: the words behind it may look like more."""
    ends = [at + 1 for at, character in enumerate(text) if character.isalnum()]
    for end in reversed(ends[14:34]):
        if iban.is_valid(text[:end].replace("-", " "), check_country=False):
            return end
    return 0


def _cards(text: str) -> Iterator[_Found]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if _CARD_NUMBER.fullmatch(digits) and luhn.is_valid(digits) and len(set(digits)) > 1:
            yield _Found("card", *match.span())


# https://en.wikipedia.org/wiki/Payment_card_number#Issuer_identification_number_(IIN)
_CARD_NUMBER = re.compile(
    r"4\d{12}(?:\d{3})?(?:\d{3})?|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}(?:\d{2})?|35\d{14}"
    r"|6(?:011|5\d\d|4[4-9]\d|2\d\d|0\d\d|3\d\d|7\d\d|[01]\d\d)\d{12}(?:\d{1,3})?|(?:50|5[6-9])\d{10,17}"
)


def _ids(text: str) -> Iterator[_Found]:
    for national in national_ids():
        if national.cue and not national.cue.search(text):
            continue
        for match in national.shape.finditer(text):
            around = text[max(0, match.start() - NEAR_ID) : match.end() + NEAR_ID]
            if (not national.cue or national.cue.search(around)) and national.valid(match[0].upper()):
                yield _Found("id", *match.span())


def _phones(text: str) -> Iterator[_Found]:
    for match in _PHONE.finditer(text):
        candidate = match[0].rstrip("(")
        end = match.start() + len(candidate)
        if ")" not in candidate:
            candidate = candidate.lstrip("(")
        start = end - len(candidate)
        if _is_phone(candidate, text[max(0, start - NEAR) : start]):
            extension = _EXTENSION.match(text, end)
            yield _Found("phone", start, extension.end() if extension else end)


def _is_phone(candidate: str, before: str) -> bool:
    digits = sum(character.isdigit() for character in candidate)
    if _INTERNATIONAL.match(candidate) and (candidate[0] != "0" or digits >= 10) and _is_international(candidate):
        return True
    if _DATE.fullmatch(candidate) or not 7 <= digits <= 13 or _words().other_number.search(before):
        return False
    return bool(_NATIONAL.fullmatch(candidate) and digits >= 8) or bool(_words().phone.search(before))


def _is_international(candidate: str) -> bool:
    plain = re.sub(r"^00", "+", candidate.lstrip("(").replace("(0)", ""))
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(plain))
    except phonenumbers.NumberParseException:
        return False
