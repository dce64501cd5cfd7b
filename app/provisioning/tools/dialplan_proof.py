"""Has a node loaded the dialplan that the table holds? Asked with numbers that show it.

The module lists no rules, so ``dp_translate`` is asked for one input per changed rule and must
answer what the table says; where the status report is offered (3.3 and later), the number of
rules loaded must be that of the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, Table, func, select

from app.opensips.dialplan import Answer, Rule, skip_reason
from app.opensips.mi import MiCommandError
from app.opensips.mi_names import Command
from app.opensips.sandbox import MOST_ROWS, SandboxTimeout, probes
from app.opensips.tables import reflect
from app.provisioning.changeset import Edit
from app.provisioning.tools.declaration import Ask, OutOfTime, Proof

_LOADED = re.compile(r"(\d+) rules loaded \((\d+) discarded\)")
_NO_PROBE = "no input could be made that shows this rule"


def prove(
    connection: Connection, ask: Ask, edits: Mapping[int, Sequence[Edit]]
) -> dict[int, Proof]:
    """The proof of each change set on this node, right after it was told to reload."""
    table = reflect(connection, "dialplan")
    problem, note = _compare_counts(connection, table, ask)
    if problem:
        return {set_id: Proof("reloaded", problem) for set_id in edits}
    now = _rows(connection, table.select().where(table.c.id.in_(_ids(edits.values()))))
    chosen, images = _images(edits, now)
    dpids = {image.dpid for image in images}
    rules = _rows(connection, table.select().where(table.c.dpid.in_(dpids)))
    try:
        found = probes(rules.values(), images)
    except SandboxTimeout as exc:
        unproven = Proof("reloaded", note=f"{note} {exc.message}".strip())
        return dict.fromkeys(chosen, unproven)
    proofs: dict[int, Proof] = {}
    for set_id in chosen:
        ids = _ids([edits[set_id]])
        mine = [probe for probe in found if probe["row"] in ids]
        try:
            proofs[set_id] = _proof(ask, mine, {row: rules.get(row) for row in ids}, note)
        except OutOfTime:
            if not proofs:
                raise
            break
    return proofs


def _proof(ask: Ask, wanted: list[dict[str, Any]], now: dict[int, Rule | None], note: str) -> Proof:
    """``now`` holds the changed rows as the table has them, None for those that are gone."""
    for row, rule in now.items():
        if rule and not rule.disabled and (reason := skip_reason(rule)):
            return Proof("reloaded", f"OpenSIPS leaves rule {row} out: {reason}.", note)
    done: list[dict[str, Any]] = []
    shown: set[int] = set()
    asked: set[tuple[int, int, str | None]] = set()
    for probe in wanted:
        row, answer, text = probe["row"], probe["answer"], probe["input"]
        if (row, probe["dpid"], text) in asked:
            continue
        asked.add((row, probe["dpid"], text))
        if answer is None:
            done.append({"row": row, "input": None, "note": _NO_PROBE})
            continue
        got, expected = translated(ask, probe["dpid"], text), shape(answer)
        done.append({"row": row, "input": text, "expected": expected, "got": got})
        if not agrees(answer, got):
            return Proof(
                "reloaded",
                f"Asked for {text} in dialplan {probe['dpid']}, the node answers {words(got)};"
                f" the table says {words(expected)}.",
                note,
                tuple(done),
            )
        rule = now[row]
        if probe["own"] or rule is None or rule.disabled:
            shown.add(row)
    return Proof("sampled" if set(now) <= shown else "reloaded", "", note, tuple(done))


def skips(row: Mapping[str, Any]) -> str | None:
    """Why OpenSIPS leaves a row out when it loads the table, or None."""
    return skip_reason(Rule.of(row))


def _ids(edits: Iterable[Sequence[Edit]]) -> set[int]:
    return {int(edit.row_id) for group in edits for edit in group if edit.row_id}


def _images(
    edits: Mapping[int, Sequence[Edit]], now: Mapping[int, Rule]
) -> tuple[list[int], list[Rule]]:
    """The change sets that fit into one question, and the rules to show.

    Each as it is now and as it was: the new one must be there, the old one gone.
    """
    chosen: list[int] = []
    images: dict[Rule, None] = {}
    for set_id, group in edits.items():
        mine: dict[Rule, None] = {}
        for edit in group:
            row = int(edit.row_id)
            current = now.get(row)
            mine |= {current: None} if current else {}
            for past in (edit.before, None if current else edit.after):
                mine |= {Rule.of({**past, "id": row}): None} if past else {}
        if chosen and len(images | mine) > MOST_ROWS:
            break
        chosen.append(set_id)
        images |= mine
    return chosen, list(images)


def _rows(connection: Connection, query: Select[Any]) -> dict[int, Rule]:
    rows = [Rule.of(dict(row)) for row in connection.execute(query).mappings()]
    return {rule.id: rule for rule in rows}


def _compare_counts(connection: Connection, table: Table, ask: Ask) -> tuple[str, str]:
    """(problem, note) from the node's own report of its last load."""
    report = last_load(ask)
    if report is None:
        return "", ""
    loaded, discarded = report
    rows = (
        connection.scalar(select(func.count()).select_from(table).where(table.c.disabled == 0)) or 0
    )
    if loaded + discarded != rows:
        return (
            f"The node loaded {loaded + discarded} rules, the table has {rows}: it may read"
            " another database.",
            "",
        )
    note = f"{loaded} of {rows} rules loaded."
    if discarded:
        note = f"{loaded} of {rows} rules loaded; OpenSIPS left {discarded} out as invalid."
    return "", note


def last_load(ask: Ask) -> tuple[int, int] | None:
    """(loaded, discarded) of the last load by the status report; None when it is not offered."""
    if not ask.facts.offers(Command.SR_LIST_REPORTS):
        return None
    try:
        groups = ask(Command.SR_LIST_REPORTS, {"group": "dialplan"})
    except MiCommandError:
        return None
    for group in groups if isinstance(groups, list) else []:
        if isinstance(group, dict) and group.get("Name") == "default":
            logs = [str(report.get("Log", "")) for report in group.get("Reports", [])]
            found = [match for log in logs if (match := _LOADED.search(log))]
            return (int(found[-1][1]), int(found[-1][2])) if found else None
    return None


def translated(ask: Ask, dpid: int, text: str) -> dict[str, str] | None:
    """``output`` and ``attrs`` as the node translates; None for "No translation"."""
    try:
        reply = ask(Command.DP_TRANSLATE, {"dpid": dpid, "input": text})
    except MiCommandError as exc:
        if exc.number == 404:
            return None
        raise
    if not isinstance(reply, dict):
        return {"output": str(reply), "attrs": ""}
    return {
        "output": str(reply.get("Output") or ""),
        "attrs": str(reply.get("ATTRIBUTES") or ""),
    }


def shape(answer: Answer) -> dict[str, str | None] | None:
    """Our answer in the form of the node's; an output of None may be anything."""
    return {"output": answer.output, "attrs": answer.attrs} if answer.translates else None


def agrees(answer: Answer, got: dict[str, str] | None) -> bool:
    """Whether the node's answer is the table's."""
    expected = shape(answer)
    if expected is None or got is None:
        return expected is None and got is None
    if expected["attrs"] != got["attrs"]:
        return False
    return expected["output"] is None or expected["output"] == got["output"]


def words(answer: dict[str, Any] | None) -> str:
    """An answer for a sentence."""
    if answer is None:
        return "no translation"
    output = "something" if answer["output"] is None else f"“{answer['output']}”"
    return f"{output} (attributes “{answer['attrs']}”)" if answer["attrs"] else output
