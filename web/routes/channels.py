"""The channels of an organization, for its admins. Secrets go in and never come out."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, StringConstraints, ValidationError

from core.channels import Finding
from core.errors import BadInput, NotFound, StartupError
from core.helpdesk import Helpdesk
from core.models import Channel
from web.auth import Admin, Desk
from web.channels import KINDS, Kind, Suggestion

router = APIRouter(prefix="/api/v1", tags=["channels"])


def address(request: Request, desk: Desk) -> str:
    """Where the outside finds us: as set, or else as the caller did."""
    return str(desk.settings.public_url or request.base_url).rstrip("/")


Base = Annotated[str, Depends(address)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class ChannelKind(BaseModel):
    kind: str
    title: str
    settings: dict[str, Any]
    """JSON schema."""
    secrets: dict[str, Any]
    add_at: str | None
    """Where it is connected by agreeing at the vendor, if that is set up here."""


class Given(BaseModel):
    what: str
    text: str


class ChannelRow(BaseModel):
    id: UUID
    kind: str
    name: str
    public_key: str
    settings: dict[str, Any]
    has_secrets: list[str]
    """The names of the secrets that are set."""
    on: bool
    problem: str | None
    """Why it is off, or what is wrong with it just now."""
    gives: list[Given]
    """What has to be told to the outside, to be copied."""
    created_at: datetime


class NewChannel(BaseModel):
    kind: str
    name: Name
    settings: dict[str, Any] = {}
    secrets: dict[str, str] = {}
    unchecked: bool = False
    """Save it even if the check finds something wrong."""


class ChangedChannel(BaseModel):
    name: Name | None = None
    settings: dict[str, Any] | None = None
    secrets: dict[str, str] | None = None
    """Those not named stay as they are."""
    unchecked: bool = False


class Suggested(BaseModel):
    settings: dict[str, Any]
    hint: str
    """What has to be known or done at the provider."""


class SwitchedOff(BaseModel):
    reason: Annotated[str, StringConstraints(max_length=500)] = "switched off by an admin"


class CheckResult(BaseModel):
    ok: bool
    findings: list[dict[str, Any]]


@router.get("/channel-kinds")
async def kinds(caller: Admin, desk: Desk) -> list[ChannelKind]:
    """What can be connected here, and what each kind needs."""
    return [
        ChannelKind(
            kind=name,
            title=kind.title,
            settings=kind.settings.model_json_schema(),
            secrets=kind.secrets.model_json_schema(),
            add_at=kind.add_at(desk.settings) if kind.add_at else None,
        )
        for name, kind in KINDS.items()
    ]


@router.get("/channel-kinds/{name}/suggestion")
async def suggestion(name: str, caller: Admin, value: Annotated[str, Query(max_length=320)]) -> Suggested:
    """What a value says of other settings: the servers of an address's provider. Empty where nothing is known."""
    suggest = _kind(name).suggest
    found = await suggest(value) if suggest else Suggestion()
    return Suggested(settings=found.settings, hint=found.hint)


@router.get("/channels")
async def channels(caller: Admin, desk: Desk, base: Base) -> list[ChannelRow]:
    async with desk.db.read(caller.organization_id) as scope:
        found = await scope.session.scalars(scope.select(Channel).order_by(Channel.id))
        return [_row(desk, channel, base) for channel in found]


@router.post("/channels", status_code=201)
async def create(body: NewChannel, caller: Admin, desk: Desk, base: Base) -> ChannelRow:
    """Connect a channel. It is tried first: 400 says what is wrong."""
    draft = _draft(desk, caller.organization_id, body)
    if not body.unchecked:
        _refuse(await _findings(desk, draft))
    async with desk.db.write(caller.organization_id) as scope:
        channel = desk.channels.create(scope, draft)
    return _row(desk, channel, base)


@router.patch("/channels/{channel_id}")
async def change(channel_id: UUID, body: ChangedChannel, caller: Admin, desk: Desk, base: Base) -> ChannelRow:
    """Change a channel. It is tried first: 400 says what is wrong."""
    async with desk.db.read(caller.organization_id) as scope:
        channel = await scope.get(Channel, channel_id)
    settings, secrets = _changed(desk, channel, body)
    if not body.unchecked:
        _refuse(await _findings(desk, _as_changed(desk, channel, body.name, settings, secrets)))
    values: dict[str, Any] = {"name": body.name} if body.name else {}
    if body.settings is not None:
        values["settings"] = settings
    async with desk.db.write(caller.organization_id) as scope:
        values["sealed_secrets"] = desk.box.seal(secrets)
        channel = await desk.channels.change(scope, channel_id, **values)
    return _row(desk, channel, base)


@router.post("/channels/check")
async def check_new(body: NewChannel, caller: Admin, desk: Desk) -> CheckResult:
    """Try a channel that is not connected yet. Nothing is stored."""
    return _result(await _findings(desk, _draft(desk, caller.organization_id, body)))


@router.post("/channels/{channel_id}/check")
async def check(channel_id: UUID, caller: Admin, desk: Desk, body: ChangedChannel | None = None) -> CheckResult:
    """Try the channel, as it is or as it would be: what works, what does not, and what to do about it."""
    async with desk.db.read(caller.organization_id) as scope:
        channel = await scope.get(Channel, channel_id)
    if body is not None:
        channel = _as_changed(desk, channel, body.name, *_changed(desk, channel, body))
    return _result(await _findings(desk, channel))


@router.post("/channels/{channel_id}/off", status_code=204)
async def off(channel_id: UUID, caller: Admin, desk: Desk, body: SwitchedOff | None = None) -> None:
    """Nothing is received or sent any more; what is to be sent waits."""
    async with desk.db.write(caller.organization_id) as scope:
        await desk.channels.switch_off(scope, channel_id, (body or SwitchedOff()).reason)


@router.post("/channels/{channel_id}/on", status_code=204)
async def on(channel_id: UUID, caller: Admin, desk: Desk) -> None:
    """What has waited is sent now."""
    async with desk.db.write(caller.organization_id) as scope:
        await desk.channels.switch_on(scope, channel_id)


@router.delete("/channels/{channel_id}", status_code=204)
async def delete(channel_id: UUID, caller: Admin, desk: Desk) -> None:
    """409 while conversations came through it: switch it off instead."""
    async with desk.db.write(caller.organization_id) as scope:
        await desk.channels.delete(scope, channel_id)


def _kind(name: str) -> Kind:
    try:
        return KINDS[name]
    except KeyError:
        raise NotFound(f"There is no kind of channel {name!r}. There is: {', '.join(KINDS)}.") from None


def _draft(desk: Helpdesk, organization_id: UUID, body: NewChannel) -> Channel:
    kind = _kind(body.kind)
    settings = _valid(kind.settings, body.settings, "settings")
    draft = desk.channels.draft(body.kind, body.name, settings, _valid(kind.secrets, body.secrets, "secrets"))
    draft.organization_id = organization_id
    return draft


def _changed(desk: Helpdesk, channel: Channel, body: ChangedChannel) -> tuple[dict[str, Any], dict[str, Any]]:
    """(settings, secrets) as they would be."""
    kind = _kind(channel.kind)
    secrets = _valid(kind.secrets, {**_kept(desk, channel), **(body.secrets or {})}, "secrets")
    if body.settings is None:
        return channel.settings, secrets
    return _valid(kind.settings, {**channel.settings, **body.settings}, "settings"), secrets


def _kept(desk: Helpdesk, channel: Channel) -> dict[str, str]:
    """None if they were sealed with another key: the admin has to be able to enter them again."""
    try:
        return desk.box.open(channel.sealed_secrets)
    except StartupError:
        return {}


def _problem(desk: Helpdesk, channel: Channel) -> str | None:
    if channel.disabled_at:
        return channel.disabled_reason
    try:
        desk.box.open(channel.sealed_secrets)
    except StartupError as error:
        return error.detail
    return channel.problem


def _as_changed(
    desk: Helpdesk, channel: Channel, name: str | None, settings: dict[str, Any], secrets: dict[str, Any]
) -> Channel:
    """The channel with these values, to be tried; not stored."""
    draft = desk.channels.draft(channel.kind, name or channel.name, settings, secrets)
    draft.organization_id, draft.id, draft.public_key = channel.organization_id, channel.id, channel.public_key
    return draft


def _result(findings: list[Finding]) -> CheckResult:
    shown = [asdict(finding) for finding in findings]
    return CheckResult(ok=all(finding.ok for finding in findings), findings=shown)


def _valid(model: type[BaseModel], given: dict[str, Any], what: str) -> dict[str, Any]:
    try:
        return model.model_validate(given).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join([what, *(str(part) for part in first["loc"])])
        raise BadInput(f"{place}: {first['msg'].removeprefix('Value error, ').removesuffix('.')}.") from None


async def _findings(desk: Helpdesk, channel: Channel) -> list[Finding]:
    check = _kind(channel.kind).check
    return await check(desk, channel) if check else []


def _refuse(findings: list[Finding]) -> None:
    wrong = [f"{finding.what}: {finding.detail}" for finding in findings if not finding.ok]
    if wrong:
        raise BadInput(" ".join(wrong))


def _row(desk: Helpdesk, channel: Channel, base: str) -> ChannelRow:
    return ChannelRow(
        id=channel.id,
        kind=channel.kind,
        name=channel.name,
        public_key=channel.public_key,
        settings=channel.settings,
        has_secrets=[name for name, value in _kept(desk, channel).items() if value],
        on=channel.disabled_at is None,
        problem=_problem(desk, channel),
        gives=[Given(what=what, text=text) for what, text in KINDS[channel.kind].gives(base, channel)],
        created_at=channel.created_at,
    )
