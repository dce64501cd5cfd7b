"""What ``flask verify`` would say of our own database alone, as sentences on standard error."""

from __future__ import annotations

from app import invariants
from app.core.database import Databases
from app.core.settings import Settings
from app.upkeep.take import Say


def holds(dbs: Databases, settings: Settings, say: Say) -> bool:
    """Whether every invariant that needs neither OpenSIPS's rows nor its nodes holds."""
    whole = True
    for finding in invariants.check(dbs, settings, offline=True, switch=False):
        state = "broken" if finding.violations else "holds"
        say(f"{finding.invariant}: {state}, {finding.checked} checked")
        for violation in finding.violations[:5]:
            say(f"  {violation}")
        whole = whole and not finding.violations
    return whole
