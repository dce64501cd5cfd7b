"""The rules for a source's numbers as people look after them: order, changes, and a test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select, update

from app.core import clock
from app.core.database import LARGEST_ID, inserted_id
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.numbering import NumberPlan, to_e164
from app.core.phonebook import About, about
from app.core.words import _, _l
from app.identity import audit
from app.mediation.number_rules import (
    BOTH,
    CALLEE,
    CALLER,
    SIDES,
    Rule,
    Rules,
    Step,
    e164,
    ordered,
)
from app.mediation.source import rule_of
from app.mediation.tables import number_rule

FIELDS = ("domain", "side", "prefix", "least", "most", "strip", "add")
SIDE_WORDS = {CALLER: _l("caller"), CALLEE: _l("callee"), BOTH: _l("both")}
# More rules than this are no rules any more; every call may look at all of them.
MOST = 200
MOST_SIGNS = 64
_SEPARATORS = str.maketrans("", "", "-.() \t")
_PREFIX = re.compile(r"[0-9A-Za-z#*+_]{0,32}")
_ADD = re.compile(r"[0-9#*+]{0,32}")
_DOMAIN = re.compile(r"[^@\s/]{0,128}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of a number: the rules looked at, what the one that fits makes of it (else
    the number itself), the E.164 digits (empty: no number) and what is known of them.

    ``by_plan``: the rule made no number of it, so the dialling plan alone was asked.
    """

    steps: list[Step]
    changed: str
    by_plan: bool
    number: str
    about: About | None

    @property
    def rule(self) -> Rule | None:
        """The rule that was applied."""
        return self.steps[-1].rule if self.steps and self.steps[-1].fits else None


def over(source_id: int) -> Select[Any]:
    """The query of a source's rules."""
    return select(number_rule).where(number_rule.c.source_id == source_id)


def of_source(connection: Connection, source_id: int) -> list[Rule]:
    """A source's rules in the order in which they are looked at."""
    rows = connection.execute(over(source_id).order_by(number_rule.c.place)).mappings()
    return list(ordered(rule_of(row) for row in rows))


def get(connection: Connection, source_id: int, rule_id: int) -> RowMapping:
    """One rule of a source; raises NotFound."""
    wanted = number_rule.c.id == min(rule_id, LARGEST_ID)
    row = connection.execute(over(source_id).where(wanted)).mappings().first()
    if row is None:
        raise NotFound(_("There is no such rule."), _("Look for it in the list."))
    return row


def add(connection: Connection, source: Mapping[Any, Any], values: Mapping[str, Any]) -> int:
    """Makes a rule behind the others; returns its number. Raises InvalidInput, Conflict."""
    checked = _checked(values)
    mine = number_rule.c.source_id == source["id"]
    query = select(func.count(), func.max(number_rule.c.place)).where(mine)
    count, last = connection.execute(query).one()
    if count >= MOST:
        raise Conflict(_("There are %(count)s rules already.", count=MOST), _("Delete some first."))
    new = {
        **checked,
        "tenant_id": source["tenant_id"],
        "source_id": source["id"],
        "place": (last or 0) + 1,
        "created_at": clock.now_ms(),
    }
    number = inserted_id(connection.execute(insert(number_rule), new))
    _note(connection, source, "create", number, after=checked)
    return number


def change(
    connection: Connection, source: Mapping[Any, Any], row: RowMapping, values: Mapping[str, Any]
) -> None:
    """Changes a rule, which keeps its place. Raises InvalidInput."""
    before = {name: row[name] for name in FIELDS}
    after = _checked({**before, **values})
    if after != before:
        connection.execute(update(number_rule).where(number_rule.c.id == row["id"]).values(after))
        _note(connection, source, "change", row["id"], before=before, after=after)


def remove(connection: Connection, source: Mapping[Any, Any], row: RowMapping) -> None:
    """Deletes a rule; calls that are stored stay as they are."""
    connection.execute(delete(number_rule).where(number_rule.c.id == row["id"]))
    before = {name: row[name] for name in FIELDS}
    _note(connection, source, "delete", row["id"], before=before)


def move(connection: Connection, source: Mapping[Any, Any], row: RowMapping, deed: str) -> None:
    """Moves a rule ``up`` or ``down`` among those of its domain. Raises NotFound."""
    if deed not in ("up", "down"):
        raise NotFound(_("There is no such way."), _("Choose one of the list."))
    query = over(source["id"]).where(number_rule.c.domain == row["domain"])
    rows = connection.execute(query.order_by(number_rule.c.place)).mappings().all()
    at = next(place for place, one in enumerate(rows) if one["id"] == row["id"])
    other = at + (-1 if deed == "up" else 1)
    if not 0 <= other < len(rows):
        return
    for one, two in ((rows[at], rows[other]), (rows[other], rows[at])):
        mine = number_rule.c.id == one["id"]
        connection.execute(update(number_rule).where(mine).values(place=two["place"]))
    before, after = {"place": row["place"]}, {"place": rows[other]["place"]}
    _note(connection, source, "move", row["id"], before=before, after=after)


def try_number(
    rules: Rules, plan: NumberPlan, number: str, side: str = CALLEE, domain: str = ""
) -> Answer:
    """What becomes of a number, step by step; decided just as that of a call."""
    side = side if side in (CALLER, CALLEE) else CALLEE
    steps = rules.tried(side, number, domain)
    found = e164(number, plan, rules, side, domain)
    changed = rules.applied(side, number, domain)
    by_plan = changed != number and not to_e164(changed, plan)
    return Answer(steps, changed, by_plan, found, about(found))


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as they are stored; raises InvalidInput with the one that is wrong."""
    prefix = str(values.get("prefix") or "").translate(_SEPARATORS)
    add_ = str(values.get("add") or "").translate(_SEPARATORS)
    domain = str(values.get("domain") or "").strip().lower()
    least, most, strip = (values.get(name) for name in ("least", "most", "strip"))
    side = str(values.get("side") or BOTH)
    if side not in SIDES:
        _refuse("side", _("Choose caller, callee or both."))
    if not _DOMAIN.fullmatch(domain):
        _refuse("domain", _("Write a domain such as sip.example.net, or nothing for all."))
    if not _PREFIX.fullmatch(prefix):
        _refuse("prefix", _("Use up to 32 digits, letters, #, * or +."))
    if not _ADD.fullmatch(add_):
        _refuse("add", _("Use up to 32 digits, #, * or +."))
    for name, number in (("least", least), ("most", most), ("strip", strip)):
        if number is not None and not 0 <= int(number) <= MOST_SIGNS:
            _refuse(name, _("Use 0 to %(most)s, or leave it empty.", most=MOST_SIGNS))
    if least is not None and most is not None and least > most:
        _refuse("most", _("That is less than the shortest."))
    if not prefix and least is None and most is None:
        _refuse("prefix", _("Write a prefix or a length: else every number would fit."))
    return {
        "domain": domain,
        "side": side,
        "prefix": prefix,
        "least": least,
        "most": most,
        "strip": strip,
        "add": add_,
    }


def _refuse(field: str, sentence: str) -> None:
    raise InvalidInput(sentence, "", field)


def _note(
    connection: Connection,
    source: Mapping[Any, Any],
    deed: str,
    number: int,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    audit.record(
        connection,
        action=f"number_rule.{deed}",
        object=f"number_rule:{number}",
        detail={"source": source["name"]},
        before=before,
        after=after,
    )
