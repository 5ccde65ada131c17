"""What admins have to know: shown in the console, and mailed where the installation can send mail."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from sqlalchemy import bindparam, update
from sqlalchemy import text as literal
from sqlalchemy.dialects import postgresql, sqlite

from core.models import Alert, Member, new_id, now
from core.tenancy import Scope, ours

STILL_OPEN = literal("cleared_at IS NULL")


class Mailer(Protocol):
    """Sends the installation's own mails, to its members. Raises `DeliveryError` when it cannot."""

    async def mail(self, to: str, subject: str, text: str) -> None: ...


def about(channel_id: UUID) -> str:
    """The key of what is wrong with a channel just now."""
    return f"channel:{channel_id}"


async def raise_alert(scope: Scope, key: str, text: str) -> None:
    """Opens an alert, or counts once more if one of this `key` is open; its text is the newest."""
    build = sqlite.insert if scope.dialect == "sqlite" else postgresql.insert
    statement = build(Alert).values(
        id=new_id(), organization_id=scope.organization_id, created_at=now(), key=key, text=text, times=1
    )
    await scope.run(
        statement.on_conflict_do_update(
            index_elements=["organization_id", "key"],
            index_where=STILL_OPEN,
            set_={"text": text, "times": Alert.times + 1},
        )
    )


CLEAR = update(Alert).where(
    Alert.organization_id == ours(), Alert.key == bindparam("cleared_key"), Alert.cleared_at.is_(None)
)


async def clear(scope: Scope, key: str) -> None:
    """Whatever was wrong is right again."""
    await scope.run(CLEAR, cleared_key=key, cleared_at=now())


async def open_alerts(scope: Scope) -> list[Alert]:
    """The newest first."""
    found = await scope.session.scalars(
        scope.select(Alert).where(Alert.cleared_at.is_(None)).order_by(Alert.id.desc()).limit(50)
    )
    return list(found)


async def admins(scope: Scope) -> list[str]:
    """The addresses of those who are told."""
    found = await scope.session.scalars(
        scope.select(Member, Member.email).where(Member.role == "admin", Member.disabled_at.is_(None))
    )
    return list(found)
