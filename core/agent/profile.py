"""An organization's wishes, as the agent needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.accounts import Autonomy, OrganizationSettings
from core.messages import JsonObject


@dataclass(frozen=True, slots=True)
class Profile:
    """What the organization wants: how to speak, and how sure to be."""

    name: str = ""
    assistant_name: str = "Assistant"
    greeting: str = ""
    lead_in: str = ""
    language: str = "en"
    threshold: float | None = None
    autonomy: Autonomy = "auto"
    category_autonomy: Mapping[str, Autonomy] = field(default_factory=dict)


def profile_of(name: str, stored: JsonObject) -> Profile:
    """From an organization's name and stored settings."""
    settings = OrganizationSettings.model_validate(stored)
    return Profile(
        name=name,
        assistant_name=settings.assistant_name,
        greeting=settings.greeting,
        lead_in=settings.lead_in,
        language=settings.language,
        threshold=settings.threshold,
        autonomy=settings.autonomy,
        category_autonomy=settings.category_autonomy,
    )
