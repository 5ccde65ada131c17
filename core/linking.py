"""One customer across channels: whoever proves by a one-time code that an address is theirs is known by it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import EmailStr, TypeAdapter, ValidationError

from core.errors import BadInput
from core.models import AuditEntry, Conversation, Customer, CustomerIdentity, LinkCode, new_id, now
from core.tenancy import Scope

LIFE = timedelta(minutes=15)
MOST_TRIES = 5
_address: TypeAdapter[str] = TypeAdapter(EmailStr)


async def begin(scope: Scope, customer_id: UUID, email: str) -> tuple[str, str]:
    """(the address, the code to be mailed there). An earlier code is worth nothing any more. Raises `BadInput`."""
    try:
        address = _address.validate_python(email.strip()).lower()
    except ValidationError:
        raise BadInput(f"{email!r} is no e-mail address.") from None
    code = f"{secrets.randbelow(10**6):06}"
    await scope.session.execute(scope.delete(LinkCode).where(LinkCode.customer_id == customer_id))
    scope.add(
        LinkCode(
            id=new_id(),
            customer_id=customer_id,
            email=address,
            digest=_digest(customer_id, code),
            expires_at=now() + LIFE,
        )
    )
    return address, code


async def confirm(scope: Scope, customer_id: UUID, code: str) -> str | None:
    """The address that the code proves; None for a wrong one, and for any after five tries or a quarter of an hour.

    The customer joins the one who is known by this address already, with all conversations.
    """
    tried: Any = await scope.session.execute(
        scope.update(LinkCode)
        .where(LinkCode.customer_id == customer_id, LinkCode.expires_at > now(), LinkCode.tries < MOST_TRIES)
        .values(tries=LinkCode.tries + 1)
        .returning(LinkCode.id, LinkCode.email, LinkCode.digest)
    )
    row = tried.one_or_none()
    if row is None or not hmac.compare_digest(row.digest, _digest(customer_id, code.strip())):
        return None
    await scope.session.execute(scope.delete(LinkCode).where(LinkCode.id == row.id))
    customer = await scope.get(Customer, customer_id)
    customer.email = row.email
    scope.add(AuditEntry(action="customer.linked", subject_id=customer_id, details={}))
    await _join_known(scope, customer)
    return str(row.email)


async def _join_known(scope: Scope, customer: Customer) -> None:
    """Moves identities and conversations to whoever has the address as a verified identity on some channel."""
    known = await scope.session.scalar(
        scope.select(CustomerIdentity, CustomerIdentity.customer_id)
        .where(CustomerIdentity.external_id == customer.email, CustomerIdentity.verified)
        .where(CustomerIdentity.customer_id != customer.id)
        .limit(1)
    )
    if known is None:
        return
    for model in (CustomerIdentity, Conversation):
        await scope.session.execute(
            scope.update(model).where(model.customer_id == customer.id).values(customer_id=known)
        )
    await scope.session.flush()  # the rows have to have moved before their customer goes
    await scope.session.execute(scope.delete(Customer).where(Customer.id == customer.id))
    scope.session.expunge(customer)


def _digest(customer_id: UUID, code: str) -> str:
    return hashlib.sha256(f"{customer_id}:{code}".encode()).hexdigest()
