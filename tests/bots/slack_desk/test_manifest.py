"""What docs/slack.md tells people to paste is what the app needs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from bots.slack_desk.leaving import Leaving
from connectors.slack.settings import SCOPES, SlackSettings

DOCS = (Path(__file__).resolve().parents[3] / "docs" / "slack.md").read_text(encoding="utf-8")


def block(language: str) -> Any:
    found = re.search(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)
    assert found
    return yaml.safe_load(found[1])


def test_the_manifest_asks_for_what_is_used() -> None:
    manifest = block("yaml")
    assert manifest["oauth_config"]["scopes"]["bot"] == list(SCOPES)
    heard = {"app_home_opened", "message.channels", "message.groups", "reaction_added", *Leaving.EVENTS}
    assert set(manifest["settings"]["event_subscriptions"]["bot_events"]) == heard
    assert [command["command"] for command in manifest["features"]["slash_commands"]] == ["/desk"]
    assert [shortcut["callback_id"] for shortcut in manifest["features"]["shortcuts"]] == ["faq"]


def test_the_routes_in_the_documentation_are_routes() -> None:
    settings = SlackSettings.model_validate(block("json"))
    assert settings.place(category="billing", priority="normal", sources=["widget"]) == "C0BILLING00"
    assert settings.place(category="billing", priority="urgent", sources=["email"]) == "C0URGENT000"
    assert settings.place(category=None, priority="low", sources=["telegram", "Our bot"]) == "C0123456789"
