from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core import accounts
from core.accounts import OrganizationSettings
from core.agent.profile import Profile, profile_of
from core.errors import Unauthenticated
from core.helpdesk import Helpdesk
from core.models import ApiKey, Member, Organization, now
from tests.cast import PASSWORD, Shop, globex
from tests.rows import change, row


async def test_a_member_signs_in_with_address_and_password(idle: Helpdesk, idle_acme: Shop) -> None:
    sam = await accounts.sign_in(idle.db, " SAM@acme.example ", PASSWORD)
    assert (sam.organization_id, sam.member_id, sam.name, sam.role) == (idle_acme.id, idle_acme.sam_id, "Sam", "agent")


GARBAGE = ["", "\x00", "\ud83d", "x" * 100_000]


@pytest.mark.parametrize(
    ("email", "password"),
    [("sam@acme.example", "wrong"), ("nobody@acme.example", PASSWORD), ("sam@acme.example", "")]
    + [("sam@acme.example", text_) for text_ in GARBAGE],
    ids=lambda text_: ascii(text_[:20]),
)
async def test_whatever_else_is_typed_is_refused_in_the_same_words(
    helpdesk: Helpdesk, acme: Shop, email: str, password: str
) -> None:
    with pytest.raises(Unauthenticated, match="do not belong together"):
        await accounts.sign_in(helpdesk.db, email, password)


async def test_no_odd_character_reaches_the_database_in_an_address(idle: Helpdesk, idle_acme: Shop) -> None:
    for email in GARBAGE:
        with pytest.raises(Unauthenticated):
            await accounts.sign_in(idle.db, email, PASSWORD)


async def test_an_address_in_two_organizations_opens_the_one_whose_password_it_is(
    idle: Helpdesk, idle_acme: Shop
) -> None:
    neighbour = await globex(idle)
    other = accounts.hash_password("globex only")
    await change(
        idle.db, neighbour.id, Member, neighbour.sam_id, email="sam@acme.example", password_hash=other, role="admin"
    )
    ours = await accounts.sign_in(idle.db, "sam@acme.example", PASSWORD)
    theirs = await accounts.sign_in(idle.db, "sam@acme.example", "globex only")
    assert (ours.organization_id, theirs.organization_id, theirs.role) == (idle_acme.id, neighbour.id, "admin")


@pytest.mark.parametrize("change_", [{"disabled_at": now()}, {"password_hash": None}, {"password_hash": "not a hash"}])
async def test_a_member_without_a_way_in_stays_out(helpdesk: Helpdesk, acme: Shop, change_: dict[str, object]) -> None:
    await change(helpdesk.db, acme.id, Member, acme.sam_id, **change_)
    with pytest.raises(Unauthenticated):
        await accounts.sign_in(helpdesk.db, acme.sam_email, PASSWORD)


async def test_a_session_ends_with_its_member_or_organization(helpdesk: Helpdesk, acme: Shop, globex: Shop) -> None:
    async with helpdesk.db.read(acme.id) as scope:
        assert (await accounts.member(scope, acme.sam_id)).name == "Sam"
        assert (await accounts.organization(scope)).slug == "acme"
        with pytest.raises(Unauthenticated):
            await accounts.member(scope, globex.sam_id)
    await change(helpdesk.db, acme.id, Member, acme.sam_id, disabled_at=now())
    async with helpdesk.db.read(acme.id) as scope:
        with pytest.raises(Unauthenticated):
            await accounts.member(scope, acme.sam_id)
    async with helpdesk.db.write(acme.id) as scope:
        await scope.session.delete(await scope.session.get_one(Organization, acme.id))
    async with helpdesk.db.read(acme.id) as scope:
        with pytest.raises(Unauthenticated):
            await accounts.organization(scope)


async def test_an_api_key_says_whose_it_is_and_is_not_kept(idle: Helpdesk, idle_acme: Shop) -> None:
    identity = await accounts.by_api_key(idle.db, idle_acme.api_key)
    assert (identity.organization_id, identity.member_id, identity.role) == (idle_acme.id, None, "api")
    stored = await row(idle.db, idle_acme.id, ApiKey)
    assert idle_acme.api_key.startswith(stored.hint)
    assert idle_acme.api_key not in f"{stored.digest} {stored.hint} {stored.name}"
    for wrong in (idle_acme.api_key[:-1], stored.digest, *GARBAGE):
        with pytest.raises(Unauthenticated):
            await accounts.by_api_key(idle.db, wrong)
    await change(idle.db, idle_acme.id, ApiKey, stored.id, revoked_at=now())
    with pytest.raises(Unauthenticated):
        await accounts.by_api_key(idle.db, idle_acme.api_key)


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 1.1},
        {"autonomy": "yolo"},
        {"color": "red; }"},
        {"suggestions": ["?"] * 7},
        {"greeting": "x" * 501},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        OrganizationSettings.model_validate(wrong)
    assert profile_of("Acme", wrong) == Profile(name="Acme", autonomy="off")


@given(st.dictionaries(st.text(max_size=20), st.none() | st.integers() | st.text(max_size=20), max_size=5))
def test_settings_of_a_newer_version_do_no_harm(stored: dict[str, object]) -> None:
    assert profile_of("Acme", {**stored, "assistant_name": "Robin"}).assistant_name == "Robin"
