"""`deskhand erase`: somebody is forgotten, and only when it is meant."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from core.errors import BadInput
from core.helpdesk import Helpdesk
from core.messages import Person
from core.models import Conversation, Message
from tests import cast
from tests.rows import finished, rows
from web import commands


async def erase(helpdesk: Helpdesk, who: str, *, yes: bool = False, slug: str = "acme") -> str:
    printed = io.StringIO()
    out = Console(file=printed, width=200)
    await commands.erase(helpdesk.settings, out, who, slug, yes=yes, as_json=False)
    return printed.getvalue()


async def test_a_customer_is_erased_only_when_it_is_meant(
    helpdesk: Helpdesk, acme: cast.Shop, globex: cast.Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    dana = Person("dana", name="Dana", email="dana@example.com")
    for shop in (acme, globex):
        receipt = await helpdesk.inbox.receive(cast.from_dana(shop, "I want to talk to a human", author=dana))
        await finished(helpdesk.db, shop.id, receipt.message_id)
    assert "With --yes" in await erase(helpdesk, "DANA@example.com")
    assert len(await rows(helpdesk.db, acme.id, Message)) == 2
    await commands.erase(helpdesk.settings, Console(), "dana@example.com", "acme", yes=False, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "erased": False, "customers": 1, "conversations": 1, "messages": 2, "tickets": 1,
    }  # fmt: skip
    assert "Erased: 1 customers by that name" in await erase(helpdesk, "dana@example.com", yes=True)
    assert await rows(helpdesk.db, acme.id, Conversation) == []
    assert len(await rows(helpdesk.db, globex.id, Message)) == 2
    with pytest.raises(BadInput, match="knows nobody"):
        await erase(helpdesk, "dana@example.com", yes=True)
