"""How a form is to show a field of a settings model: said beside the field, and carried in its JSON schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Condition = Mapping[str, str]
"""Other settings of the model, and the value that each has to have."""


def shown(
    section: str = "",
    *,
    when: Condition | Sequence[Condition] = (),
    folded: bool = False,
    choices: Mapping[str, str] | None = None,
    suggests: bool = False,
    noted: bool = False,
) -> dict[str, Any]:
    """For `Field(json_schema_extra=…)`.

    `when`: shown only if this condition, or one of these, holds. `folded`: for the few who need it. `choices`: what
    each value of an enumeration means. `suggests`: from its value others can be suggested. `noted`: never asked for,
    the check finds it out.
    """
    conditions = [when] if isinstance(when, Mapping) else list(when)
    facts = {
        "section": section,
        "when": [dict(one) for one in conditions],
        "folded": folded,
        "choices": dict(choices or {}),
        "suggests": suggests,
        "noted": noted,
    }
    return {"form": {name: value for name, value in facts.items() if value}}


def asked(name: str, title: str, choices: Mapping[str, str], told_by: str) -> dict[str, Any]:
    """For `ConfigDict(json_schema_extra=…)`: a choice that is not stored, on which fields depend by `when`.

    The first choice holds for a new channel, and wherever the secret `told_by` is set; else the last one does.
    """
    ordered = [{"value": value, "text": text} for value, text in choices.items()]
    return {"asks": [{"name": name, "title": title, "choices": ordered, "told_by": told_by}]}
