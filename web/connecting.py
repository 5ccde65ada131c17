"""Everything that sends: the connectors, and the desks that agents work at outside."""

from __future__ import annotations

from dataclasses import replace

from bots.slack_desk.show import SlackDesk
from connectors import registry
from connectors.slack.client import SlackApi
from core.helpdesk import Parts
from core.outbox import Connected


def connect(parts: Parts) -> Connected:
    connected = registry.connect(parts)
    slack = SlackDesk(parts.db, parts.box, SlackApi(parts.settings.slack_api_url), parts.settings.address)
    return replace(connected, desks={**connected.desks, "slack": slack})
