"""A program that wrote through the API reads the reply there: once stored, there is nothing left to send."""

from __future__ import annotations

from core.messages import OutboundMessage
from core.models import Channel


class ApiSender:
    async def send(self, message: OutboundMessage, channel: Channel) -> str | None:
        return None
