"""Answer, or hand over? All of it, in order of precedence, on one page."""

from __future__ import annotations

from core.agent.profile import Profile
from core.agent.state import Decision, Reading
from core.knowledge.clarify import candidates
from core.knowledge.confidence import DEFAULT_THRESHOLD
from core.knowledge.index import Retrieval

NO_TOPIC = 0.5
"""Below this probability that the knowledge covers the question, knowledge is missing, not confidence."""
FRUSTRATED = 0.7
"""Of the conversation; and of the message itself at least ANGRY: asking again, calmly, is no anger."""
ANGRY = 0.6


def decide(reading: Reading, retrieval: Retrieval, profile: Profile, *, quota_left: bool) -> Decision:
    """What to do with a message that was read and for which passages were retrieved."""
    if reading.sensitive:
        return Decision("escalate", "sensitive")
    if reading.wants_human:
        return Decision("escalate", "asked_for_human")
    if reading.courtesy:
        return Decision("courtesy")
    autonomy = profile.category_autonomy.get(reading.category or "", profile.autonomy)
    if autonomy == "off":
        return Decision("route", "mode_draft")
    if reading.frustration >= FRUSTRATED and reading.sentiment.frustration >= ANGRY:
        return Decision("escalate", "frustrated")
    if reading.repeated:
        return Decision("escalate", "repeated")
    threshold = threshold_of(profile)
    if not retrieval.hits or retrieval.confidence < threshold:
        # Once in a row: whoever is asked back and is still not understood gets a person.
        if autonomy == "auto" and quota_left and not reading.asked_back and candidates(retrieval, threshold):
            return Decision("clarify")
        covered = bool(retrieval.hits) and retrieval.topic >= NO_TOPIC
        return Decision("escalate", "low_confidence" if covered else "no_knowledge")
    if autonomy == "draft":
        return Decision("escalate", "mode_draft")
    if not quota_left:
        return Decision("escalate", "quota")
    return Decision("answer")


def wanted_of(profile: Profile) -> float:
    """The probability of being right from which an answer goes out by itself."""
    return DEFAULT_THRESHOLD if profile.threshold is None else profile.threshold


def threshold_of(profile: Profile) -> float:
    """The confidence, as the search gives it, that is worth so much here."""
    return profile.recalibration.needed(wanted_of(profile))


def leaves_to_people(decision: Decision) -> bool:
    """Whether the bot falls silent after this hand-over, or goes on answering what it can.

    Who asked for a person, is upset, or wrote of something delicate gets no more machine. A question that the
    documents do not cover, or whose answer did not help, opens a ticket; the next one may be one that they do.
    """
    return decision.reason in ("asked_for_human", "sensitive", "frustrated")
