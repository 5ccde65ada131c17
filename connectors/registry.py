"""The connected channels: one line a kind."""

from __future__ import annotations

from connectors.api.outbound import ApiSender
from connectors.widget.outbound import WidgetSender
from core.events import Events
from core.outbox import Sender


def senders(events: Events) -> dict[str, Sender]:
    return {
        "api": ApiSender(),
        "widget": WidgetSender(events),
    }
