"""What a person at the desk can do with a ticket or a draft. Desks outside, the console and the API all call these.

Each verb is part of its caller's transaction, changes state by one conditional UPDATE, leaves a line in the audit,
and has the ticket shown anew at every desk outside. Whoever comes second gets a `Conflict` that says who was first.
"""

from core.desk.acting import Agent, ticket_of
from core.desk.blocking import block, unblock
from core.desk.closing import mark_spam, merge, reopen, resolve
from core.desk.drafts import RejectReason, approve, reject
from core.desk.labels import set_category, set_priority
from core.desk.notes import edit_note, note, retract_note
from core.desk.ownership import assign, claim, hand_back, release, snooze, wake
from core.desk.replies import LONGEST_REPLY, edit_reply, reply, retract, undo

__all__ = [
    "LONGEST_REPLY",
    "Agent",
    "RejectReason",
    "approve",
    "assign",
    "block",
    "claim",
    "edit_note",
    "edit_reply",
    "hand_back",
    "mark_spam",
    "merge",
    "note",
    "reject",
    "release",
    "reopen",
    "reply",
    "resolve",
    "retract",
    "retract_note",
    "set_category",
    "set_priority",
    "snooze",
    "ticket_of",
    "unblock",
    "undo",
    "wake",
]
