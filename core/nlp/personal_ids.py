"""Which numbers are national identity numbers. The checksums are python-stdnum's.

An id of a telling shape counts wherever it stands. One that looks like any other number counts only near a
word that names it, because one in ten order numbers has a valid checksum too.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from stdnum.at import vnr
from stdnum.be import nn
from stdnum.bg import egn
from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.ch import ssn as ahv
from stdnum.cl import rut
from stdnum.cn import ric
from stdnum.cz import rc
from stdnum.de import idnr
from stdnum.dk import cpr
from stdnum.ee import ik
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.gr import amka
from stdnum.hr import oib
from stdnum.ie import pps
from stdnum.il import idnr as teudat_zehut
from stdnum.in_ import aadhaar, pan
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.lt import asmens
from stdnum.mx import curp
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.pt import nif
from stdnum.ro import cnp
from stdnum.se import personnummer
from stdnum.tr import tckimlik
from stdnum.us import ssn
from stdnum.za import idnr as za_id


@dataclass(frozen=True, slots=True)
class NationalId:
    shape: re.Pattern[str]
    valid: Callable[[str], bool]
    cue: re.Pattern[str] | None = None
    """A word that has to stand near it; None where the shape is telling enough."""


def _nino(number: str) -> bool:
    """https://www.gov.uk/hmrc-internal-manuals/national-insurance-manual/nim39110"""
    plain = re.sub(r"[\s-]", "", number).upper()
    return plain[:2] not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


_TELLING: tuple[tuple[str, Callable[[str], bool]], ...] = (
    (r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]", codicefiscale.is_valid),
    (r"[A-Z]{6} \d\d[A-EHLMPRST]\d\d [A-Z]\d{3}[A-Z]", codicefiscale.is_valid),
    # In one piece or in pairs: KX-4500-12B is a model.
    (r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: ?\d{6} ?|[ -]\d\d[ -]\d\d[ -]\d\d[ -]?)[A-D]", _nino),
    (r"\d{8}[ -]?[A-HJ-NP-TV-Z]", dni.is_valid),
    (r"\d\d\.\d{3}\.\d{3}[ -]?[A-HJ-NP-TV-Z]", lambda number: dni.is_valid(number.replace(".", ""))),
    (r"[XYZ][ -]?\d{7}[ -]?[A-HJ-NP-TV-Z]", nie.is_valid),
    (r"\d{3}-\d\d-\d{4}", ssn.is_valid),
    (r"\d{3}\.\d{3}\.\d{3}-\d\d", cpf.is_valid),
    (r"756\.\d{4}\.\d{4}\.\d\d", ahv.is_valid),
    (r"[A-Z]{5}\d{4}[A-Z]", pan.is_valid),
    (r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z\d]\d", curp.is_valid),
    (r"\d{6}[-+A-FYXWVU]\d{3}[0-9A-FHJ-NPR-Y]", hetu.is_valid),
    (r"(?:19|20)?\d{6}[-+]\d{4}", personnummer.is_valid),
    (r"\d{6}-[1-8]\d{6}", rrn.is_valid),
    (r"[12] \d\d \d\d (?:\d\d|2[AB]) \d{3} \d{3}(?: \d\d)?", nir.is_valid),
    (r"\d{17}[\dX]", ric.is_valid),
    (r"\d{1,2}\.\d{3}\.\d{3}-[\dK]", rut.is_valid),
    (r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d", nn.is_valid),
)
# (shape, checksum, words that name it)
_NAMED: tuple[tuple[str, Callable[[str], bool], str], ...] = (
    (r"\d{9}", ssn.is_valid, r"ssn|social security"),
    (r"\d{3} \d\d \d{4}", lambda number: ssn.is_valid(number.replace(" ", "-")), r"ssn|social security"),
    (r"\d{3} ?\d{3} ?\d{4}", nhs.is_valid, r"nhs"),
    (r"\d{2} ?\d{3} ?\d{3} ?\d{3}", idnr.is_valid, r"steuer|identifikationsnummer|idnr|tax"),
    (r"[12]\d{12}(?:\d\d)?", nir.is_valid, r"nir|sécu|securite|sécurité|carte vitale|social"),
    (r"\d{3}[ .]?\d{3}[ .]?\d{3}", lambda number: nif.is_valid(number.replace(".", "")), r"nif|contribuinte"),
    (r"\d{11}", pesel.is_valid, r"pesel"),
    (r"\d{11}|\d{3} ?\d{3} ?\d{3} ?\d\d", cpf.is_valid, r"cpf"),
    (r"\d{4}[ -]?\d{4}[ -]?\d{4}", aadhaar.is_valid, r"aadh?aa?r|uidai|uid|आधार"),
    (r"\d{9}|\d{4}[. ]\d\d[. ]\d{3}", bsn.is_valid, r"bsn|burgerservice|sofi"),
    (r"(?:19|20)?\d{10}", personnummer.is_valid, r"person"),
    (r"\d{6}[- ]?\d{4}", cpr.is_valid, r"cpr|person"),
    (r"\d{6}[/ ]?\d{3,4}", rc.is_valid, r"rodn|\brč\b|rc"),
    (r"756\d{10}|756 \d{4} \d{4} \d\d", ahv.is_valid, r"ahv|avs|sozialvers"),
    (r"\d{10}", egn.is_valid, r"егн|egn"),
    (r"[1-9]\d{12}", cnp.is_valid, r"cnp|cod numeric"),
    (r"\d{3}[ -]?\d{3}[ -]?\d{3}", sin.is_valid, r"sin|social insurance|nas"),
    (r"\d{6} ?\d{5}", fodselsnummer.is_valid, r"fødsels|fodsels|person|national id"),
    (r"\d{11}", nn.is_valid, r"rijksregister|registre national|national|numéro national|nationaal"),
    (r"\d{11}", tckimlik.is_valid, r"t\.?c\.?|kimlik"),
    (r"\d{9}", teudat_zehut.is_valid, r"ת\.?ז|תעודת|teudat|israeli id|id number"),
    (r"\d{13}", za_id.is_valid, r"id number|identity|south african"),
    (r"\d{11}", oib.is_valid, r"oib"),
    (r"\d{4} ?\d{6}", vnr.is_valid, r"sozialvers|svnr|sv-nummer|versicherungsnummer"),
    (r"\d{11}", ik.is_valid, r"isikukood"),
    (r"\d{11}", asmens.is_valid, r"asmens"),
    (r"\d{11}", amka.is_valid, r"αμκα|amka"),
    (r"\d{7}[A-W][A-IW]?", pps.is_valid, r"pps"),
    (r"\d{8}", lambda number: True, r"dni|documento|personalausweis|id card|carta d.identità|cédula"),
    (r"[A-Z0-9]{8,10}", lambda number: any(c.isdigit() for c in number),
     (r"passport|reisepass|passeport|pasaporte|passaporto|paspoort|personalausweis|id card number|führerschein"
     r"|driving licen[cs]e|driver.?s licen[cs]e")),
    (r"\d{4} \d{6}|\d{10}", lambda number: True, r"паспорт"),
    (r"\d{3}-\d{3}-\d{3} \d\d|\d{11}", lambda number: True, r"снилс"),
    (r"\d{10}|\d{12}", lambda number: True, r"\bинн\b|ідентифікаційн|іпн"),
)  # fmt: skip


@cache
def national_ids() -> tuple[NationalId, ...]:
    telling = [NationalId(_alone(shape), valid) for shape, valid in _TELLING]
    named = [NationalId(_alone(shape), valid, _word(cue)) for shape, valid, cue in _NAMED]
    return (*telling, *named)


def _alone(shape: str) -> re.Pattern[str]:
    return re.compile(rf"(?:(?<![\w.,/-])|(?<=\bssn))(?:{shape})(?![\w]|[.,/-]\d)", re.IGNORECASE)


def _word(cue: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_])(?:{cue})", re.IGNORECASE)
