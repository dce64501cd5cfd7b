"""Whether the audit is as it was written: every entry's hash, their numbers, and the head."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from app.core.findings import MOST, Finding
from app.identity import audit as log
from app.identity.tables import audit, audit_head

_CHUNK = 2_000


def check(connection: Connection) -> Finding:
    """Walks the whole chain. Entries from before there was a chain have no number.

    Who can write every table can also make a new chain: keep the head (``flask audit head``)
    somewhere else to notice that.
    """
    wrong: list[str] = []
    checked, seq, previous = 0, 0, log.START
    while True:
        rows = connection.execute(
            select(audit).where(audit.c.seq > seq).order_by(audit.c.seq).limit(_CHUNK)
        ).mappings()
        chunk = rows.all()
        for row in chunk:
            checked += 1
            if row["seq"] != seq + 1:
                wrong.append(f"entries {seq + 1} to {row['seq'] - 1} are missing")
            elif log.digest(dict(row), previous) != row["hash"]:
                wrong.append(f"entry {row['seq']} or the one before it was changed")
            seq, previous = row["seq"], row["hash"]
        if len(chunk) < _CHUNK:
            break
    head = connection.execute(select(audit_head).where(audit_head.c.id == log.HEAD)).first()
    last = (head.seq, head.hash) if head is not None else (0, log.START)
    if last != (seq, previous):
        wrong.append(f"the chain ends at entry {seq}, its head says {last[0]}")
    stray = connection.scalar(
        select(func.count()).where(audit.c.seq.is_(None), audit.c.hash.is_not(None))
    )
    if stray:
        wrong.append(f"{stray} entries lost their number")
    return Finding("9 audit chain", checked, wrong[:MOST])


def head(connection: Connection) -> tuple[int, str]:
    """The number and the hash of the newest entry."""
    row = connection.execute(select(audit_head).where(audit_head.c.id == log.HEAD)).first()
    return (int(row.seq), str(row.hash)) if row is not None else (0, log.START)


def holds(connection: Connection, kept: str) -> bool:
    """Whether ``NUMBER:HASH``, as ``flask audit head`` printed it, is still an entry."""
    number, _, digest = kept.partition(":")
    if not number.isdigit():
        return False
    found = connection.scalar(select(audit.c.hash).where(audit.c.seq == int(number)))
    return found == digest or (int(number), digest) == (0, log.START)
