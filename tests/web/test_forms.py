"""What a settings model says of its form has to hold together, whatever draws it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from connectors.email.hosts import PROVIDERS, provider_of
from connectors.email.settings import MailSettings
from tests.cast import Shop
from web.channels import KINDS, Kind

WITH_FORMS = [pytest.param(kind, id=name) for name, kind in KINDS.items()]


def schemas(kind: Kind) -> tuple[dict[str, Any], dict[str, Any]]:
    return kind.settings.model_json_schema(), kind.secrets.model_json_schema()


def choices(kind: Kind) -> dict[str, set[str]]:
    """By name, the values of every choice that a field may depend on."""
    settings, secrets = schemas(kind)
    enums = {name: set(one["enum"]) for name, one in settings.get("properties", {}).items() if "enum" in one}
    asked = [*settings.get("asks", []), *secrets.get("asks", [])]
    return enums | {one["name"]: {choice["value"] for choice in one["choices"]} for one in asked}


@pytest.mark.parametrize("kind", WITH_FORMS)
def test_a_field_depends_on_a_choice_that_there_is(kind: Kind) -> None:
    known = choices(kind)
    for schema in schemas(kind):
        for name, one in schema.get("properties", {}).items():
            form = one.get("form", {})
            for condition in form.get("when", []):
                assert condition, name
                for other, value in condition.items():
                    assert value in known.get(other, ()), f"{name} depends on {other} = {value!r}, which is no choice"
            assert set(form.get("choices", {})) in (set(), set(one.get("enum", ()))), f"{name}: a choice has no words"


@pytest.mark.parametrize("kind", WITH_FORMS)
def test_what_may_not_be_seen_may_be_left_out(kind: Kind) -> None:
    for schema in schemas(kind):
        for name, one in schema.get("properties", {}).items():
            form = one.get("form", {})
            if form.get("folded") or form.get("when") or form.get("noted"):
                assert name not in schema.get("required", ()), f"{name} is needed, and not always shown"


@pytest.mark.parametrize("kind", WITH_FORMS)
def test_what_tells_an_unstored_choice_is_a_secret_of_the_kind(kind: Kind) -> None:
    _, secrets = schemas(kind)
    for one in secrets.get("asks", []):
        assert one["told_by"] in secrets["properties"]


@pytest.mark.parametrize(
    ("address", "exchangers", "name"),
    [
        ("dana@GMAIL.com", [], "Gmail"),
        ("help@acme.example", ["aspmx.l.google.com."], "Gmail"),
        ("help@acme.example", ["acme-example.mail.protection.outlook.com."], "Microsoft 365"),
        ("help@acme.example", ["in1-smtp.messagingengine.com."], "Fastmail"),
        ("help@acme.example", ["mx.evilgoogle.com.", "mx.acme.example."], None),
        ("help@acme.example", [], None),
        ("help", ["aspmx.l.google.com."], None),
    ],
)
async def test_the_provider_is_known_by_the_address_or_by_where_its_mail_goes(
    address: str, exchangers: list[str], name: str | None
) -> None:
    async def found(domain: str) -> list[str]:
        assert domain == "acme.example"
        return exchangers

    provider = await provider_of(address, found)
    assert (provider and provider.name) == name


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_what_is_suggested_are_settings_of_a_mailbox(provider: Any) -> None:
    made = MailSettings.model_validate({"address": "help@acme.example", **provider.settings()})
    assert {name: getattr(made, name) for name in provider.settings()} == provider.settings()


async def test_an_admin_is_suggested_the_servers_of_their_provider(api: httpx.AsyncClient, acme: Shop) -> None:
    asked = await api.get("/api/v1/channel-kinds/email/suggestion", params={"value": "acme@fastmail.com"})
    assert asked.status_code == 200
    assert asked.json()["settings"]["smtp_host"] == "smtp.fastmail.com"
    assert "app password" in asked.json()["hint"]
    nothing = await api.get("/api/v1/channel-kinds/telegram/suggestion", params={"value": "acme@fastmail.com"})
    assert nothing.json() == {"settings": {}, "hint": ""}
