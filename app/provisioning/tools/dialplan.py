"""The ``dialplan`` table: translation rules of the dialplan module (its admin guide, 3.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.words import _, _l, _n
from app.opensips.dialplan import CASE_INSENSITIVE, REGEX, STRING, Rule, tokens, too_many_escapes
from app.opensips.mi_names import Command
from app.provisioning.tools.declaration import Column, Tool, limits
from app.provisioning.tools.dialplan_proof import prove, skips
from app.provisioning.tools.words import Words
from app.routing import regex_check

_INT = 2**31 - 1

COLUMNS = (
    Column(
        "dpid",
        _l("Dialplan"),
        "whole",
        _l("The number that the script calls: dp_translate(1, …) uses dialplan 1."),
        limit=_INT,
        required=True,
        filter=True,
        room="medium",
    ),
    Column(
        "pr",
        _l("Priority"),
        "whole",
        _l("The lowest number that matches wins; at equal numbers the older rule."),
        limit=_INT,
        required=True,
        default=0,
    ),
    Column(
        "match_op",
        _l("Match as"),
        "choice",
        _l("A text is compared as a whole, an expression searches in the input."),
        required=True,
        default=REGEX,
        choices=((REGEX, _l("Regular expression")), (STRING, _l("Text"))),
        room="chosen",
    ),
    Column(
        "match_exp",
        _l("Match"),
        "text",
        _l("PCRE; anchor it: ^00[1-9] matches what begins with 00."),
        limit=64,
        required=True,
        search=True,
    ),
    Column(
        "match_flags",
        _l("Upper and lower case"),
        "choice",
        required=True,
        default=0,
        choices=((0, _l("Must be the same")), (CASE_INSENSITIVE, _l("Does not matter"))),
        room="chosen",
    ),
    Column(
        "subst_exp",
        _l("Take apart with"),
        "text",
        _l("PCRE whose groups the output can use; empty: the output stands as it is."),
        limit=64,
        room="wide",
        search=True,
    ),
    Column(
        "repl_exp",
        _l("Output"),
        "text",
        _l(
            r"Text with \1 to \9 for the groups and \0 for all that matched; empty gives an empty"
            " output."
        ),
        limit=32,
        search=True,
    ),
    Column(
        "timerec",
        _l("Only at times"),
        "text",
        _l(
            "A time recurrence (RFC 2445) such as"
            " 20240101T080000|20240101T180000||weekly||||MO,TU; empty: always."
        ),
        limit=255,
        room="chosen",
    ),
    Column(
        "attrs",
        _l("Attributes"),
        "text",
        _l("Handed to the script with the output."),
        limit=255,
        room="wide",
        search=True,
    ),
    Column("disabled", _l("Disabled"), "flag", _l("OpenSIPS skips the rule."), default=0),
)

WORDS = Words(
    add=_l("Add a rule"),
    new=_l("New rule"),
    one=_l("Rule %(id)s"),
    clone=_l("Clone of rule %(id)s"),
    delete=_l("Delete rule %(id)s?"),
    deletes=_l("Delete the rule"),
    changed=_l("Somebody changed this rule while you edited it."),
    gone=_l("Somebody deleted this rule meanwhile."),
    missing=_l("There is no rule %(id)s."),
    loss=_l("Calls that it matched are then matched by the next rule, or by none."),
    empty=_l("No rules yet"),
    first=_l(
        "The dialplan turns what was dialled into what is routed: 00 into +, an emergency number"
        " into its centre."
    ),
    unfound=_l("No rule fits"),
    search=_l("Text in a rule"),
)


def describe(row: Mapping[str, Any]) -> str:
    """A rule in one line: ``dialplan 1, priority 10: ^00(.*)$ → +\\1``."""
    return _(
        "dialplan %(dpid)s, priority %(priority)s: %(match)s → %(output)s",
        dpid=row["dpid"],
        priority=row["pr"],
        match=row["match_exp"],
        output=row.get("repl_exp") or _("(empty)"),
    )


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
            "timerec", _("This is no time recurrence: its parts are separated by |, start first.")
        )
    return problems


def _replacement_problem(rule: Rule, groups: int) -> str | None:
    parts = tokens(rule.repl_exp)
    if too_many_escapes(rule.repl_exp):
        return _(r"OpenSIPS takes at most nine of \1, \u and $… in an output.")
    for part in parts:
        if part.kind == "other" and part.text[0] == "\\" and part.text != r"\u":
            return _(
                "OpenSIPS does not write “%(part)s” where it stands;"
                r" only \0 to \9, \u and $variables have a meaning.",
                part=part.text,
            )
    wanted = max((part.group for part in parts), default=0)
    if any(part.kind == "group" for part in parts) and not rule.subst_exp:
        return _("The output uses a group, but there is no expression to take the input apart.")
    if wanted > groups:
        return _n(
            r"The output uses \%(wanted)s, but the expression has only %(num)s group.",
            r"The output uses \%(wanted)s, but the expression has only %(num)s groups.",
            groups,
            wanted=wanted,
        )
    if rule.subst_exp and not rule.repl_exp:
        return _("Say what the output is, or leave “Take apart with” empty.")
    return None


DIALPLAN = Tool(
    name="dialplan",
    table="dialplan",
    title=_l("Dialplan"),
    columns=COLUMNS,
    reload=Command.DP_RELOAD,
    describe=describe,
    validate=validate,
    skips=skips,
    prove=prove,
    help=_l("Rules that turn what was dialled into what is routed."),
    order=("dpid", "pr"),
    words=WORDS,
)
