from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.widget.tokens import SOCKET_LIFE, VISITOR_LIFE, Visitor, VisitorTokens, identity_fits, known_user
from core.errors import Unauthenticated
from core.models import now
from core.secrets import derive

KEY = "a test's key"
TOKENS = VisitorTokens(KEY)
DANA = Visitor(UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4), "Dana", "dana@acme.example", verified=True)


def with_claims(**changed: Any) -> str:
    key = derive(KEY, "deskhand/widget/1")
    claims = jwt.decode(TOKENS.issue(DANA), key, ["HS256"]) | changed
    return jwt.encode({name: value for name, value in claims.items() if value is not ...}, key, "HS256")


def aged(age: timedelta) -> str:
    return with_claims(iat=now() - age, exp=now() - age + SOCKET_LIFE)


def test_a_token_says_who_it_was_made_for() -> None:
    assert TOKENS.read(TOKENS.issue(DANA)) == DANA


def test_a_token_opens_sockets_for_a_day_and_brings_its_visitor_back_for_half_a_year() -> None:
    with pytest.raises(Unauthenticated):
        TOKENS.read(aged(SOCKET_LIFE + timedelta(seconds=5)))
    assert TOKENS.read(aged(VISITOR_LIFE - timedelta(days=1)), returning=True) == DANA
    with pytest.raises(Unauthenticated, match="too old"):
        TOKENS.read(aged(VISITOR_LIFE + timedelta(days=1)), returning=True)


def test_a_token_of_another_installation_or_purpose_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        VisitorTokens("another key").read(TOKENS.issue(DANA))
    console = jwt.encode({"org": str(uuid4()), "sub": str(uuid4())}, derive(KEY, "deskhand/console/1"), "HS256")
    with pytest.raises(Unauthenticated):
        TOKENS.read(console)


def test_a_token_without_a_signature_is_refused() -> None:
    header, claims, signature = TOKENS.issue(DANA).split(".")
    none = urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    for forged in (f"{none}.{claims}.", f"{none}.{claims}.{signature}", f"{header}.{claims}.", f"{header}.{claims}"):
        with pytest.raises(Unauthenticated):
            TOKENS.read(forged)


def test_a_token_whose_claims_were_changed_is_refused() -> None:
    header, claims, signature = TOKENS.issue(DANA).split(".")
    changed = json.loads(urlsafe_b64decode(claims + "==")) | {"cnv": str(uuid4())}
    forged = urlsafe_b64encode(json.dumps(changed).encode()).rstrip(b"=").decode()
    with pytest.raises(Unauthenticated):
        TOKENS.read(f"{header}.{forged}.{signature}")


@pytest.mark.parametrize("name", ["org", "chn", "sub", "cnv", "exp", "iat"])
@pytest.mark.parametrize("value", [..., None, 7, "x", [], {}])
def test_a_token_whose_claims_make_no_sense_is_refused_and_breaks_nothing(name: str, value: Any) -> None:
    if value == 7 and name in ("exp", "iat"):
        value = "seven"
    for returning in (False, name != "exp"):
        with pytest.raises(Unauthenticated):
            TOKENS.read(with_claims(**{name: value}), returning=returning)


@given(st.text() | st.from_regex(r"[\w-]*\.[\w-]*\.[\w-]*"))
def test_no_text_that_is_no_token_breaks_anything(text: str) -> None:
    with pytest.raises(Unauthenticated):
        TOKENS.read(text)


def test_a_signature_fits_its_subject_and_secret_only() -> None:
    # HMAC_SHA256("key", "The quick brown fox …").
    assert identity_fits("key", "The quick brown fox jumps over the lazy dog",
                         " F7BC83F430538424B13298E6AA6FB143EF4D59A14946175997479DBC2D1A3CD8 ")  # fmt: skip
    for wrong in ("", "é" * 64, "0" * 64):
        assert not identity_fits("key", "42", wrong)


def test_a_user_has_another_id_on_each_channel() -> None:
    assert known_user(UUID(int=1), "42") == known_user(UUID(int=1), "42")
    assert len({known_user(UUID(int=1), "42"), known_user(UUID(int=2), "42"), known_user(UUID(int=1), "43")}) == 3
