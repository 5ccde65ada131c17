"""An organization's wishes, as the agent needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import structlog
from pydantic import ValidationError

from core.accounts import Autonomy, OrganizationSettings
from core.knowledge.recalibrate import Recalibration
from core.messages import JsonObject
from core.service import Service

log = structlog.get_logger()


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
    recalibration: Recalibration = field(default_factory=Recalibration)
    """What a confidence is worth in this organization."""
    service: Service = field(default_factory=Service)


def profile_of(name: str, stored: JsonObject) -> Profile:
    """From an organization's name and stored settings. With settings that cannot be read, people answer."""
    try:
        settings = OrganizationSettings.model_validate(stored)
    except ValidationError as error:
        log.warning("organization.settings_unreadable", organization=name, reason=str(error))
        return Profile(name=name, autonomy="off")
    return Profile(
        name=name,
        assistant_name=settings.assistant_name,
        greeting=settings.greeting,
        lead_in=settings.lead_in,
        language=settings.language,
        threshold=settings.threshold,
        autonomy=settings.autonomy,
        category_autonomy=settings.category_autonomy,
        service=settings.service,
    )


def calibrated(profile: Profile, recalibration: Recalibration) -> Profile:
    return replace(profile, recalibration=recalibration)


def spoken_with(profile: Profile, language: str | None) -> Profile:
    """The profile for a customer whose language their channel told us, such as `de` or `pt-br`."""
    return replace(profile, language=language.partition("-")[0].lower()) if language else profile
