"""Who may do what only one may do: a lease with an end, and a token that only rises.

The token fences: a holder that slept past its lease finds, in the transaction of its own writes,
that a newer token exists (``guard``) and rolls back. Ends are compared with each process's own
clock, so the hosts' clocks must agree to within the lease's length; the token holds regardless.
"""

from __future__ import annotations

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.errors import Conflict
from app.jobs.tables import lease


class LeaseLost(Conflict):
    """Somebody else holds the lease now; nothing may be written under the old one."""

    code = "lease_lost"


def acquire(connection: Connection, name: str, owner: str, ttl_ms: int) -> int | None:
    """The fencing token when the lease was free or over, else None.

    ``owner`` tells people who holds it; even the same owner waits for the end of its own lease.
    Commit at once: until then a rival waits.
    """
    now = clock.now_ms()
    taken = connection.execute(
        update(lease)
        .where(lease.c.name == name, lease.c.until <= now)
        .values(owner=owner[:80], until=now + ttl_ms, token=lease.c.token + 1)
    )
    if taken.rowcount:
        return _token(connection, name)
    if _token(connection, name) is not None:
        return None
    try:
        with connection.begin_nested():
            connection.execute(
                lease.insert().values(
                    name=name, tenant_id=1, owner=owner[:80], until=now + ttl_ms, token=1
                )
            )
    except IntegrityError:
        return None
    return 1


def renew(connection: Connection, name: str, token: int, ttl_ms: int) -> bool:
    """Moves the end to ``ttl_ms`` from now. False: the lease is somebody else's, stop."""
    query = update(lease).where(lease.c.name == name, lease.c.token == token)
    return connection.execute(query.values(until=clock.now_ms() + ttl_ms)).rowcount == 1


def release(connection: Connection, name: str, token: int) -> None:
    """Ends the lease now; does nothing when it is somebody else's."""
    query = update(lease).where(lease.c.name == name, lease.c.token == token)
    connection.execute(query.values(until=0))


def guard(connection: Connection, name: str, token: int) -> None:
    """Raises LeaseLost unless the token is the newest; nobody takes it until this commit."""
    query = select(lease.c.token).where(lease.c.name == name).with_for_update()
    if connection.scalar(query) != token:
        raise LeaseLost(
            f"The lease '{name}' went to another process.", "Nothing was written; it goes on there."
        )


def _token(connection: Connection, name: str) -> int | None:
    return connection.scalar(select(lease.c.token).where(lease.c.name == name))
