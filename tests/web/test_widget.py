"""`POST /api/widget/session` and the widget's files, as the sites that embed it meet them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from core.helpdesk import Helpdesk
from core.models import Channel, now
from tests import cast
from tests.rows import change
from tests.visitors import SESSION, signed
from tests.web.clients import client_of, error, exhaust
from web.limits import Limits

SHOP = "https://acme.example"
Json = dict[str, Any]


async def allow(helpdesk: Helpdesk, acme: cast.Shop, *origins: str) -> None:
    await change(helpdesk.db, acme.id, Channel, acme.widget_id, settings={"allowed_origins": list(origins)})


async def test_a_session_dresses_the_widget_and_tells_no_secret(http: httpx.AsyncClient, acme: cast.Shop) -> None:
    answer = await http.post(SESSION, json={"site_key": acme.site_key})
    assert set(answer.json()) == {"token", "visitor_id", "conversation_id", "settings"}
    settings = answer.json()["settings"]
    assert (settings["name"], settings["assistant_name"]) == ("Acme", "Robin")
    assert {"greeting", "color", "suggestions", "privacy_url", "texts"} <= set(settings)
    for private in (acme.identity_secret, "threshold", "autonomy", str(acme.id)):
        assert private not in answer.text


async def test_a_listed_site_may_embed_it_and_read_the_answer(
    http: httpx.AsyncClient, acme: cast.Shop, helpdesk: Helpdesk
) -> None:
    await allow(helpdesk, acme, SHOP, "https://www.acme.example")
    for origin, status in (
        (SHOP, 200),
        ("https://www.acme.example", 200),
        ("http://desk", 200),
        ("http://acme.example", 403),
        ("https://acme.example.evil.example", 403),
        ("https://evil.example", 403),
        ("null", 403),
        ("http://[", 403),
        ("", 403),
    ):
        answer = await http.post(SESSION, json={"site_key": acme.site_key}, headers={"origin": origin})
        assert answer.status_code == status, origin
        if origin:
            assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in answer.headers


async def test_a_star_lets_every_site_embed_it(http: httpx.AsyncClient, acme: cast.Shop, helpdesk: Helpdesk) -> None:
    await allow(helpdesk, acme, "*")
    answer = await http.post(SESSION, json={"site_key": acme.site_key}, headers={"origin": "https://any.example"})
    assert answer.status_code == 200


async def test_an_address_is_recognized_however_an_admin_wrote_it(
    http: httpx.AsyncClient, acme: cast.Shop, helpdesk: Helpdesk
) -> None:
    await allow(helpdesk, acme, " HTTPS://Acme.example/ ")
    answer = await http.post(SESSION, json={"site_key": acme.site_key}, headers={"origin": SHOP})
    assert answer.status_code == 200


async def test_the_preflight_lets_json_through(http: httpx.AsyncClient) -> None:
    asked = {"origin": SHOP, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    answer = await http.options(SESSION, headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert answer.headers["access-control-allow-headers"] == "content-type"


async def test_every_refusal_can_be_read_by_the_page_it_is_for(
    http: httpx.AsyncClient, acme: cast.Shop, globex: cast.Shop, helpdesk: Helpdesk
) -> None:
    await allow(helpdesk, acme, SHOP)
    ours: Json = {"site_key": acme.site_key}
    cases: list[tuple[Any, int, str]] = [
        ({}, 422, "site_key"),
        ([], 422, "body"),
        ({"site_key": ""}, 422, "site_key"),
        ({"site_key": 7}, 422, "site_key"),
        ({"site_key": "nobody's"}, 404, "nobody's"),
        (ours | {"visitor_token": "x" * 5000}, 422, "visitor_token"),
        (ours | {"identity": "dana"}, 422, "identity"),
        (ours | {"identity": {"signature": "x"}}, 400, "`id`"),
        (ours | {"identity": {"id": "42", "signature": "0" * 64}}, 403, "signature"),
        (ours | {"identity": signed(globex.identity_secret, "42")}, 403, "signature"),
        (ours | {"identity": signed(acme.identity_secret, "42") | {"id": "43"}}, 403, "signature"),
        (ours | {"identity": signed("", "42")}, 403, "signature"),
    ]
    for body, status, named in cases:
        answer = await http.post(SESSION, json=body, headers={"origin": SHOP})
        assert named in error(answer, status)[1], body
        assert answer.headers["access-control-allow-origin"] == SHOP
    answer = await http.post(SESSION, content=b"{", headers={"origin": SHOP, "content-type": "application/json"})
    assert error(answer, 422)[0] == "invalid"
    assert answer.headers["access-control-allow-origin"] == SHOP


async def test_a_channel_without_a_secret_believes_nobody(
    http: httpx.AsyncClient, acme: cast.Shop, helpdesk: Helpdesk
) -> None:
    await change(helpdesk.db, acme.id, Channel, acme.widget_id, sealed_secrets=None)
    answer = await http.post(SESSION, json={"site_key": acme.site_key, "identity": signed("", "42")})
    assert error(answer, 403)[0] == "forbidden"


async def test_a_channel_that_is_off_is_not_there(http: httpx.AsyncClient, acme: cast.Shop, helpdesk: Helpdesk) -> None:
    await change(helpdesk.db, acme.id, Channel, acme.widget_id, disabled_at=now())
    assert error(await http.post(SESSION, json={"site_key": acme.site_key}), 404)[0] == "not_found"


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", None])
async def test_a_token_that_is_no_good_begins_a_new_visit(
    http: httpx.AsyncClient, acme: cast.Shop, token: str | None
) -> None:
    answer = await http.post(SESSION, json={"site_key": acme.site_key, "visitor_token": token})
    assert answer.status_code == 200


async def test_a_flood_of_sessions_is_refused_readably(helpdesk: Helpdesk, acme: cast.Shop) -> None:
    limits = Limits()
    exhaust(limits, "sessions")
    async with client_of(helpdesk, limits=limits) as http:
        answer = await http.post(SESSION, json={"site_key": acme.site_key}, headers={"origin": SHOP})
    assert error(answer, 429)[0] == "rate_limited"
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert int(answer.headers["retry-after"]) > 0


async def test_the_widgets_files_may_be_embedded_anywhere(http: httpx.AsyncClient) -> None:
    for path in ("widget.js", *(f"widget/{part}.js" for part in ("style", "markdown", "messages", "panel", "words"))):
        answer = await http.get(f"/{path}")
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["x-content-type-options"] == "nosniff"
        again = await http.get(f"/{path}", headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert (await http.get("/widget/README.md")).status_code == 404
