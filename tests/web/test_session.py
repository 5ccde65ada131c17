"""Signing in to the console, staying in, and being put out."""

from __future__ import annotations

from datetime import timedelta

import httpx
import jwt
import pytest

from core.helpdesk import Helpdesk
from core.models import ApiKey, Member, now
from core.secrets import derive
from core.settings import Settings
from tests import cast
from tests.rows import change, row
from tests.web.clients import as_sam, client_of, error, exhaust
from web.limits import Limits

ME = "/api/v1/me"


async def test_signing_in_gives_a_cookie_that_scripts_cannot_read_and_a_token(
    http: httpx.AsyncClient, acme: cast.Shop
) -> None:
    credentials = {"email": f"  {acme.sam_email.upper()} ", "password": cast.PASSWORD}
    answer = await http.post("/api/v1/session", json=credentials)
    assert answer.json() | {"token": ""} == {"token": "", "name": "Sam", "role": "agent"}
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    assert (await http.get(ME)).json() == {"name": "Sam", "role": "agent", "organization": "Acme"}
    token = answer.json()["token"]
    http.cookies.clear()
    assert (await http.get(ME, headers={"authorization": f"bearer {token}"})).status_code == 200


async def test_over_https_the_cookie_stays_there(http: httpx.AsyncClient, acme: cast.Shop) -> None:
    credentials = {"email": acme.sam_email, "password": cast.PASSWORD}
    answer = await http.post("https://desk/api/v1/session", json=credentials)
    assert "; secure" in answer.headers["set-cookie"].lower()


async def test_signing_out_ends_it(sam: httpx.AsyncClient) -> None:
    assert (await sam.delete("/api/v1/session")).status_code == 204
    error(await sam.get(ME), 401)


async def test_a_wrong_password_and_an_unknown_address_look_the_same(http: httpx.AsyncClient, acme: cast.Shop) -> None:
    refusals = [
        error(await http.post("/api/v1/session", json={"email": email, "password": password}), 401)
        for email, password in (
            (acme.sam_email, "wrong"),
            (acme.sam_email, ""),
            ("nobody@acme.example", cast.PASSWORD),
            ("", ""),
            ("' OR 1=1 --", "' OR 1=1 --"),
        )
    ]
    assert len(set(refusals)) == 1
    assert "set-cookie" not in http.headers


async def test_guessing_is_slowed_down_by_address_and_by_caller(helpdesk: Helpdesk, acme: cast.Shop) -> None:
    limits = Limits()
    credentials = {"email": acme.sam_email, "password": cast.PASSWORD}
    async with client_of(helpdesk, limits=limits) as http:
        for _ in range(10):
            limits.check("sign_in", acme.sam_email)
        answer = await http.post("/api/v1/session", json=credentials | {"email": acme.sam_email.upper()})
        assert error(answer, 429)[0] == "rate_limited"
        assert int(answer.headers["retry-after"]) > 0
        error(await http.post("/api/v1/session", json=credentials | {"email": "other@acme.example"}), 401)
        exhaust(limits, "sign_ins")
        error(await http.post("/api/v1/session", json=credentials | {"email": "third@acme.example"}), 429)


async def test_who_left_is_out_at_once(sam: httpx.AsyncClient, helpdesk: Helpdesk, acme: cast.Shop) -> None:
    assert (await sam.get(ME)).status_code == 200
    await change(helpdesk.db, acme.id, Member, acme.sam_id, disabled_at=now())
    assert error(await sam.get(ME), 401)[0] == "unauthenticated"
    credentials = {"email": acme.sam_email, "password": cast.PASSWORD}
    error(await sam.post("/api/v1/session", json=credentials), 401)


async def test_a_revoked_key_is_refused(api: httpx.AsyncClient, helpdesk: Helpdesk, acme: cast.Shop) -> None:
    assert (await api.get("/api/v1/tickets")).status_code == 200
    key = await row(helpdesk.db, acme.id, ApiKey)
    assert acme.api_key not in (key.digest, key.hint)
    await change(helpdesk.db, acme.id, ApiKey, key.id, revoked_at=now())
    assert "revoked" in error(await api.get("/api/v1/tickets"), 401)[1]


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer dk_nonsense"},
        {"authorization": "Bearer nonsense"},
        {"authorization": "Bearer "},
        {"authorization": "Basic c2FtOng="},
        {"x-api-key": "dk_"},
        {"x-api-key": "dk_" + "x" * 5000},
        {"cookie": "deskhand_session=a.b.c"},
        {"cookie": "deskhand_session="},
    ],
)
async def test_a_credential_that_is_none_is_refused(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert error(await http.get(ME, headers=headers), 401)[0] == "unauthenticated"


async def test_a_session_that_is_over_or_forged_is_refused(
    http: httpx.AsyncClient, acme: cast.Shop, globex: cast.Shop, settings: Settings
) -> None:
    def token(purpose: str = "deskhand/console/1", **claims: object) -> str:
        good = {"org": str(acme.id), "sub": str(acme.sam_id), "iat": now(), "exp": now() + timedelta(hours=1)}
        return jwt.encode(good | claims, derive(settings.key(), purpose), "HS256")

    async def status(token: str) -> int:
        return (await http.get(ME, headers={"authorization": f"Bearer {token}"})).status_code

    assert await status(token()) == 200
    assert await status(token(exp=now() - timedelta(seconds=1))) == 401
    assert await status(token("deskhand/widget/1")) == 401
    assert await status(token(org=str(globex.id))) == 401
    assert await status(token(sub=str(globex.sam_id))) == 401
    assert await status(token(org=7)) == 401
    assert await status(token(sub="*")) == 401


async def test_another_sites_page_cannot_act_with_the_cookie(sam: httpx.AsyncClient) -> None:
    body = {"customer": "dana", "text": "hi"}
    for origin in ("https://evil.example", "null", "http://desk.evil.example", "http://desk:81"):
        answer = await sam.post("/api/v1/messages", json=body, headers={"origin": origin})
        assert error(answer, 403)[0] == "forbidden"
    assert (await sam.post("/api/v1/messages", json=body, headers={"origin": "http://desk"})).status_code == 202
    read = await sam.get(ME, headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in read.headers


async def test_a_form_of_another_site_cannot_sign_anybody_in(http: httpx.AsyncClient, acme: cast.Shop) -> None:
    body = f'{{"email": "{acme.sam_email}", "password": "{cast.PASSWORD}"}}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = await http.post("/api/v1/session", content=body, headers={"content-type": kind})
        assert error(answer, 422)[0] == "invalid"
        assert "set-cookie" not in answer.headers


async def test_the_right_password_opens_the_right_organization(
    http: httpx.AsyncClient, acme: cast.Shop, globex: cast.Shop
) -> None:
    await as_sam(http, globex)
    assert (await http.get(ME)).json()["organization"] == "Globex"
