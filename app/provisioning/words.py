"""How changes and their progress read on a screen."""

from __future__ import annotations

from typing import Any

from app.core.words import _, _l, _n
from app.provisioning.changeset import ChangeSet, Edit
from app.provisioning.tools.registry import TOOLS

# How a state reads and which colour it has.
PUSH_WORDS = {
    "waiting": (_l("waiting"), "info"),
    "pushed": (_l("pushed, comparing"), "info"),
    "verified": (_l("verified"), "ok"),
    "failed": (_l("failed"), "bad"),
}
NODE_WORDS = {"up": _l("up"), "down": _l("down"), "unknown": _l("not asked yet")}
LEVELS = {
    "equal": (
        _l("equal"),
        _l("The node's memory was compared with the table and is equal."),
    ),
    "sampled": (
        _l("sampled"),
        _l("The node was asked a question for each changed row; its answers are the table's."),
    ),
    "reloaded": (
        _l("reloaded"),
        _l("The node loaded the table after the change; no question could show this row."),
    ),
    "unknown": (_l("unknown"), _l("The node could not be asked.")),
}


def kind(edit: Edit) -> str:
    """What an edit does: add, change, delete, enable or disable."""
    before, after = edit.before or {}, edit.after or {}
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    if edit.kind == "change" and changed == {"disabled"}:
        return "disable" if after["disabled"] else "enable"
    return edit.kind


def summary(found: ChangeSet) -> str:
    """A change set in one line: ``Change dialplan 1, priority 10: …``."""
    if not found.edits:
        return _("%(tool)s: nothing", tool=found.tool)
    edit, more = found.edits[0], len(found.edits) - 1
    tool = TOOLS.get(found.tool)
    row = edit.after or edit.before or {}
    what = tool.describe(row) if tool else found.tool
    if not more:
        return {
            "add": _("Add %(what)s", what=what),
            "change": _("Change %(what)s", what=what),
            "delete": _("Delete %(what)s", what=what),
            "enable": _("Enable %(what)s", what=what),
            "disable": _("Disable %(what)s", what=what),
        }[kind(edit)]
    return {
        "add": _n(
            "Add %(what)s and %(num)s more", "Add %(what)s and %(num)s more", more, what=what
        ),
        "change": _n(
            "Change %(what)s and %(num)s more", "Change %(what)s and %(num)s more", more, what=what
        ),
        "delete": _n(
            "Delete %(what)s and %(num)s more", "Delete %(what)s and %(num)s more", more, what=what
        ),
        "enable": _n(
            "Enable %(what)s and %(num)s more", "Enable %(what)s and %(num)s more", more, what=what
        ),
        "disable": _n(
            "Disable %(what)s and %(num)s more",
            "Disable %(what)s and %(num)s more",
            more,
            what=what,
        ),
    }[kind(edit)]


def standing(found: ChangeSet) -> tuple[Any, str]:
    """(words, tone) of a whole change set."""
    if found.state == "conflict":
        return _("not written"), "bad"
    if found.state == "drafted":
        return _("saved, not yet written"), "warn"
    pushes = [push for push in found.pushes if not push.node_retired]
    if not pushes:
        return _("written, no node"), "warn"
    states = [push.state for push in pushes]
    done = states.count("verified")
    if done == len(pushes):
        return _("verified"), "ok"
    tone = "bad" if "failed" in states else "info"
    if len(pushes) == 1:
        return PUSH_WORDS[states[0]][0], tone
    return _("%(done)s of %(all)s nodes verified", done=done, all=len(pushes)), tone
