"""What the bot's confidence is worth here, learned from what agents and customers made of its answers."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from core.accounts import organization
from core.agent.policy import threshold_of, wanted_of
from core.agent.profile import calibrated, profile_of
from core.calibration import recalibration_of
from core.knowledge.recalibrate import FEWEST_OUTCOMES
from web.auth import Caller, Desk

router = APIRouter(prefix="/api/v1/organization", tags=["team"])
STEPS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)


class Meaning(BaseModel):
    given: float
    means: float
    """So many of the answers given this confidence are expected to be right here."""


class Calibration(BaseModel):
    outcomes: int
    """Decisions and ratings known."""
    outcomes_needed: int
    """Below this nothing is changed."""
    wanted: float
    """An answer goes out by itself if it is right with this probability."""
    confidence_needed: float
    """The confidence, as the search gives it, that reaches it."""
    promises: list[Meaning]


@router.get("/calibration")
async def calibration(caller: Caller, desk: Desk) -> Calibration:
    async with desk.db.read(caller.organization_id) as scope:
        ours = await organization(scope)
    learned = recalibration_of(ours.calibration)
    profile = calibrated(profile_of(ours.name, ours.settings), learned)
    return Calibration(
        outcomes=(ours.calibration or {}).get("outcomes", 0),
        outcomes_needed=FEWEST_OUTCOMES,
        wanted=wanted_of(profile),
        confidence_needed=round(threshold_of(profile), 4),
        promises=[Meaning(given=step, means=round(learned(step), 4)) for step in STEPS],
    )
