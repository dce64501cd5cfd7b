"""The ``dialplan`` table: translation rules of the dialplan module (its admin guide, 3.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.opensips.dialplan import CASE_INSENSITIVE, REGEX, STRING, Rule, tokens, too_many_escapes
from app.opensips.mi_names import Command
from app.provisioning.tools.declaration import Column, Tool, limits
from app.provisioning.tools.dialplan_proof import prove, skips
from app.routing import regex_check

_INT = 2**31 - 1

COLUMNS = (
    Column(
        "dpid",
        "Dialplan",
        "whole",
        "The number that the script calls: dp_translate(1, …) uses dialplan 1.",
        limit=_INT,
        required=True,
    ),
    Column(
        "pr",
        "Priority",
        "whole",
        "The lowest number that matches wins; at equal numbers the older rule.",
        limit=_INT,
        required=True,
        default=0,
    ),
    Column(
        "match_op",
        "Match as",
        "choice",
        "A text is compared as a whole, an expression searches in the input.",
        required=True,
        default=REGEX,
        choices=((REGEX, "Regular expression"), (STRING, "Text")),
    ),
    Column(
        "match_exp",
        "Match",
        "text",
        "PCRE; anchor it: ^00[1-9] matches what begins with 00.",
        limit=64,
        required=True,
    ),
    Column(
        "match_flags",
        "Upper and lower case",
        "choice",
        required=True,
        default=0,
        choices=((0, "Must be the same"), (CASE_INSENSITIVE, "Does not matter")),
    ),
    Column(
        "subst_exp",
        "Take apart with",
        "text",
        "PCRE whose groups the output can use; empty: the output stands as it is.",
        limit=64,
    ),
    Column(
        "repl_exp",
        "Output",
        "text",
        r"Text with \1 to \9 for the groups and \0 for all that matched; empty gives an empty"
        " output.",
        limit=32,
    ),
    Column(
        "timerec",
        "Only at times",
        "text",
        "A time recurrence (RFC 2445) such as 20240101T080000|20240101T180000||weekly||||MO,TU;"
        " empty: always.",
        limit=255,
    ),
    Column("attrs", "Attributes", "text", "Handed to the script with the output.", limit=255),
    Column("disabled", "Disabled", "flag", "OpenSIPS skips the rule.", default=0),
)


def describe(row: Mapping[str, Any]) -> str:
    """A rule in one line: ``dialplan 1, priority 10: ^00(.*)$ → +\\1``."""
    output = row.get("repl_exp") or "(empty)"
    return f"dialplan {row['dpid']}, priority {row['pr']}: {row['match_exp']} → {output}"


def validate(values: Mapping[str, Any]) -> dict[str, str]:
    """A sentence for each column that the switch would refuse, mangle or suffer from."""
    problems = limits(COLUMNS, values)
    rule = Rule.of({name: value for name, value in values.items() if name not in problems})
    patterns = [rule.match_exp if rule.match_op == REGEX else "", rule.subst_exp]
    ignore_case = bool(rule.match_flags & CASE_INSENSITIVE)
    match, subst = regex_check.check(patterns, ignore_case=ignore_case)
    if match.problem:
        problems.setdefault("match_exp", match.problem)
    if subst.problem:
        problems.setdefault("subst_exp", subst.problem)
    replacement = _replacement_problem(rule, subst.groups)
    # groups are only known of an expression that was tried
    if replacement and not match.problem and not subst.problem:
        problems.setdefault("repl_exp", replacement)
    if rule.timerec and "|" not in rule.timerec:
        problems.setdefault(
            "timerec", "This is no time recurrence: its parts are separated by |, start first."
        )
    return problems


def _replacement_problem(rule: Rule, groups: int) -> str | None:
    parts = tokens(rule.repl_exp)
    if too_many_escapes(rule.repl_exp):
        return r"OpenSIPS takes at most nine of \1, \u and $… in an output."
    for part in parts:
        if part.kind == "other" and part.text[0] == "\\" and part.text != r"\u":
            return (
                f"OpenSIPS does not write “{part.text}” where it stands;"
                r" only \0 to \9, \u and $variables have a meaning."
            )
    wanted = max((part.group for part in parts), default=0)
    if any(part.kind == "group" for part in parts) and not rule.subst_exp:
        return "The output uses a group, but there is no expression to take the input apart."
    if wanted > groups:
        return f"The output uses \\{wanted}, but the expression has only {groups} group(s)."
    if rule.subst_exp and not rule.repl_exp:
        return "Say what the output is, or leave “Take apart with” empty."
    return None


DIALPLAN = Tool(
    name="dialplan",
    table="dialplan",
    title="Dialplan",
    columns=COLUMNS,
    reload=Command.DP_RELOAD,
    describe=describe,
    validate=validate,
    skips=skips,
    prove=prove,
    help="Rules that turn what was dialled into what is routed.",
)
