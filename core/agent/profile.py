"""An organization's wishes, as the agent needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.accounts import Autonomy, OrganizationSettings
from core.models import Organization


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


def profile_of(organization: Organization) -> Profile:
    settings = OrganizationSettings.model_validate(organization.settings)
    return Profile(
        name=organization.name,
        assistant_name=settings.assistant_name,
        greeting=settings.greeting,
        lead_in=settings.lead_in,
        language=settings.language,
        threshold=settings.threshold,
        autonomy=settings.autonomy,
        category_autonomy=settings.category_autonomy,
    )
