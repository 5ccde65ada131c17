"""One socket without a network: whatever a browser sends, there is an answer, and never an error of ours."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import orjson
from hypothesis import HealthCheck, given
from hypothesis import settings as examples

from connectors.widget.inbound import Socket
from connectors.widget.tokens import Visitor, first_conversation
from core.helpdesk import Helpdesk
from core.models import Message
from tests import cast
from tests.connectors.widget.test_frames import almost_frames
from tests.rows import rows

Frame = dict[str, Any]


def visitor_of(shop: cast.Shop) -> Visitor:
    visitor_id = uuid4()
    return Visitor(shop.id, shop.widget_id, visitor_id, first_conversation(visitor_id))


def socket(helpdesk: Helpdesk, visitor: Visitor, sent: list[Frame]) -> Socket:
    async def send(frame: Frame) -> None:
        sent.append(orjson.loads(orjson.dumps(frame)))

    return Socket(helpdesk.db, helpdesk.events, helpdesk.inbox, visitor, send)


async def test_no_frame_breaks_a_socket(helpdesk: Helpdesk, acme: cast.Shop) -> None:
    sent: list[Frame] = []
    connection = socket(helpdesk, visitor_of(acme), sent)
    frames: list[bytes] = []

    @examples(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(almost_frames.map(orjson.dumps))
    def collect(frame: bytes) -> None:
        frames.append(frame)

    collect()
    for frame in frames:
        before = len(sent)
        await connection.receive(frame)
        answers = [answer["type"] for answer in sent[before:]]
        assert all(kind in ("ack", "error", "history_end", "message", "escalated") for kind in answers)
    acknowledged = {answer["id"] for answer in sent if answer["type"] == "ack"}
    stored = {
        row.external_id.rpartition(":")[2] for row in await rows(helpdesk.db, acme.id, Message, author="customer")
    }
    assert acknowledged <= stored
