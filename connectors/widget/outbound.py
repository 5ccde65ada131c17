"""Out to the browser: live, for whoever has the conversation open. Whoever has not finds it on coming back."""

from __future__ import annotations

from connectors.widget.frames import escalated_frame, outbound_frame
from core.events import Event, Events, conversation_topic
from core.messages import OutboundMessage
from core.models import Channel

FRAME = "frame"


class WidgetSender:
    def __init__(self, events: Events) -> None:
        self._events = events

    async def send(self, message: OutboundMessage, channel: Channel) -> str | None:
        topic = conversation_topic(message.conversation_id)
        self._events.publish(Event(topic, FRAME, outbound_frame(message)))
        if message.ticket_number:
            self._events.publish(Event(topic, FRAME, escalated_frame(message.ticket_number)))
        return None
