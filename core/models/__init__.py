"""The tables. Import them from here; each file holds one subject."""

from core.models.accounts import Alert, ApiKey, AuditEntry, Channel, Member, Organization, Usage
from core.models.categories import Category, CategoryExample
from core.models.columns import JsonObject, Model, Tenant, UtcDateTime, new_id, now, storable
from core.models.conversations import (
    Attachment,
    Conversation,
    Customer,
    CustomerIdentity,
    Delivery,
    LinkCode,
    Message,
    Participant,
)
from core.models.desk import DeskPerson, DeskPost, DeskRemoval, Draft, Note, Sent, Ticket, WebhookEvent
from core.models.knowledge import Document, Passage

__all__ = [
    "Alert",
    "ApiKey",
    "Attachment",
    "AuditEntry",
    "Category",
    "CategoryExample",
    "Channel",
    "Conversation",
    "Customer",
    "CustomerIdentity",
    "Delivery",
    "DeskPerson",
    "DeskPost",
    "DeskRemoval",
    "Document",
    "Draft",
    "JsonObject",
    "LinkCode",
    "Member",
    "Message",
    "Model",
    "Note",
    "Organization",
    "Participant",
    "Passage",
    "Sent",
    "Tenant",
    "Ticket",
    "Usage",
    "UtcDateTime",
    "WebhookEvent",
    "new_id",
    "now",
    "storable",
]
