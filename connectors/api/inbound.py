"""`POST /api/v1/messages`: a message that a program brings."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, field_validator

from core.messages import InboundMessage, Person
from core.models import new_id

MAX_CHARACTERS = 100_000
# PostgreSQL stores no NUL character. In a message's text it is left out; in a name for something it is a mistake.
NO_NUL = r"^[^\x00]*$"
Text320 = Annotated[str, StringConstraints(min_length=1, max_length=320, strip_whitespace=True, pattern=NO_NUL)]


class ApiCustomer(BaseModel):
    """Who wrote. `id` is the caller's own name for them; the e-mail address serves where there is none."""

    id: Text320 | None = None
    email: Text320 | None = None
    name: Annotated[str, StringConstraints(max_length=200)] | None = None
    language: Annotated[str, StringConstraints(max_length=8)] | None = None


class ApiMessage(BaseModel):
    customer: ApiCustomer | Text320
    """An object, or simply the customer's id."""
    text: Annotated[str, StringConstraints(max_length=MAX_CHARACTERS)]
    conversation_id: UUID | None = None
    """The conversation to continue; without it a new one begins."""
    external_id: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_NUL)] | None = Field(
        None, description="Your own id of the message: sent again, it is not stored again."
    )

    @field_validator("text")
    @classmethod
    def _not_empty(cls, text: str) -> str:
        if not text.replace("\x00", "").strip():
            raise ValueError("is empty: write the customer's message here")
        return text

    @field_validator("customer")
    @classmethod
    def _named(cls, customer: ApiCustomer | str) -> ApiCustomer | str:
        if isinstance(customer, ApiCustomer) and not (customer.id or customer.email):
            raise ValueError("needs an `id` or an `email`")
        return customer


def to_inbound(message: ApiMessage, organization_id: UUID, channel_id: UUID) -> InboundMessage:
    customer = message.customer if isinstance(message.customer, ApiCustomer) else ApiCustomer(id=message.customer)
    return InboundMessage(
        organization_id=organization_id,
        channel_id=channel_id,
        external_id=message.external_id or str(new_id()),
        author=Person(
            external_id=customer.id or customer.email or "",
            name=customer.name,
            email=customer.email,
            language=customer.language,
            verified=True,  # whoever holds the organization's key vouches for its customers
        ),
        text=message.text,
        conversation_id=message.conversation_id or new_id(),
    )
