"""What an organization decided for a Slack workspace, and the secret that opens it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.forms import asked, shown
from core.models import Channel
from core.secrets import SecretBox

KIND = "slack"
ChannelId = Annotated[str, StringConstraints(pattern=r"^[CG][A-Z0-9]{2,30}$")]
SCOPES = (
    "chat:write", "commands", "channels:read", "groups:read", "channels:history", "groups:history", "files:read",
    "files:write", "reactions:read", "users:read", "users:read.email",
)  # fmt: skip
"""What the manifest of docs/slack.md asks for."""


class Route(BaseModel):
    """Tickets of this category, priority or source go to this channel of Slack."""

    by: Literal["category", "priority", "source"]
    value: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    channel: ChannelId


class SlackSettings(BaseModel):
    model_config = ConfigDict(extra="ignore", use_attribute_docstrings=True)

    team: str = Field("", json_schema_extra=shown(noted=True))
    """The workspace's name; noted here when its token is tried."""
    bot_user_id: str = Field("", json_schema_extra=shown(noted=True))
    """The app's own user there; noted in the same way."""
    url: str = ""
    """The workspace's address; noted in the same way."""
    channel: ChannelId | None = None
    """The id of the channel for tickets that no route sends elsewhere. `/desk here`, typed in it, sets it too."""
    routes: list[Route] = Field(default_factory=list, max_length=50, json_schema_extra=shown(folded=True))
    """Other channels for some tickets, by category, priority or source: the first that fits is taken."""
    prefix: bool = Field(False, title="Answer from the thread", json_schema_extra=shown(folded=True))
    """Whether a line in a thread that begins with `>>` goes to the customer."""

    def place(self, *, category: str | None, priority: str, sources: Sequence[str]) -> str | None:
        """The channel for such a ticket: of the first route that fits, or the default.

        `sources`: what the customer's channel may be called in a route, its kind and its name.
        """
        facts = {"category": [category or ""], "priority": [priority], "source": sources}
        for route in self.routes:
            if route.value.casefold() in (fact.casefold() for fact in facts[route.by]):
                return route.channel
        return self.channel

    @property
    def places(self) -> set[str]:
        return {route.channel for route in self.routes} | ({self.channel} if self.channel else set())


WAYS = {
    "socket": "We call Slack (Socket Mode)",
    "requests": "Slack calls our https address",
}


class SlackSecrets(BaseModel):
    model_config = ConfigDict(
        use_attribute_docstrings=True,
        json_schema_extra=asked("way", "How clicks reach us", WAYS, told_by="app_token"),
    )

    bot_token: Annotated[str, StringConstraints(pattern=r"^xoxb-\S{3,300}$")]
    """The app's bot token, `xoxb-…`, from its page "OAuth & Permissions"."""
    app_token: Annotated[str, StringConstraints(pattern=r"^(xapp-\S{3,300})?$")] = Field(
        "", title="App-level token", json_schema_extra=shown(when={"way": "socket"})
    )
    """`xapp-…`, for Socket Mode only: Deskhand calls Slack, so it needs no public address."""


def settings_of(channel: Channel) -> SlackSettings:
    return SlackSettings.model_validate(channel.settings)


def secrets_of(channel: Channel, box: SecretBox) -> SlackSecrets:
    return SlackSecrets.model_validate(box.open(channel.sealed_secrets))


def token_of(channel: Channel, box: SecretBox) -> str:
    return secrets_of(channel, box).bot_token
