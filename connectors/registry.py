"""Who sends for which kind of channel: one line a kind.

The chat widget and the API are not among the senders. Their customers read what is stored, and learn of it by live
events (see `core.outbox`).
"""

from __future__ import annotations

from connectors.email.mailer import SmtpMailer
from connectors.email.oauth import AccessTokens
from connectors.email.outbound import EmailSender
from connectors.telegram.client import Bots
from connectors.telegram.outbound import TelegramSender
from core.helpdesk import Parts
from core.outbox import Connected, DeskSender, Sender


def connect(parts: Parts) -> Connected:
    senders: dict[str, Sender] = {
        "telegram": TelegramSender(Bots(parts.settings, parts.box)),
        "email": EmailSender(parts.settings, AccessTokens(parts.settings, parts.db, parts.box)),
    }
    desks: dict[str, DeskSender] = {}
    return Connected(senders, desks, frozenset({"email"}), SmtpMailer.of(parts.settings))
