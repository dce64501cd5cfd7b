"""Who may do what. Every view says so itself; a view that says nothing is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, current_app, g, request
from sqlalchemy import ColumnElement

from app.core.errors import CompanionError
from app.core.words import _, _l
from app.identity.roles import PERMISSIONS, ROLES, TENANT_SAFE

View = TypeVar("View", bound=Callable[..., Any])

# How a role reads where people see it, and what it is for.
ROLE_WORDS = {
    "admin": _l("administrator"),
    "noc": _l("network operations"),
    "billing": _l("billing"),
    "support": _l("support"),
    "reseller": _l("reseller"),
    "readonly": _l("read only"),
}
ROLE_HELP = {
    "admin": _l("Everything, operators and tenants too."),
    "noc": _l("Calls, suspense, dialplan, changes and jobs; moves no money."),
    "billing": _l("Calls and accounts, top-ups; no configuration."),
    "support": _l("Looks at everything that helps a customer, changes nothing."),
    "reseller": _l("Customers, accounts and operators of the own tenant and those beneath it."),
    "readonly": _l("Looks at everything but operators, changes nothing."),
}

HOUSE = 1

_PUBLIC = "public"
# What can be done before the second factor that a role needs is set up.
_WITHOUT_FACTOR = frozenset(
    {"safety.factor", "safety.start", "safety.confirm", "identity.logout", "shell.zones"}
)
_MARK = "companion_access"


class SignInNeeded(CompanionError):
    """Nobody is signed in."""

    code = "sign_in_needed"
    status = 401


class FactorNeeded(CompanionError):
    """The operator's role needs a second factor, and there is none yet."""

    code = "second_factor_needed"
    status = 403


class Forbidden(CompanionError):
    """The operator's role does not include this."""

    code = "forbidden"
    status = 403


@dataclass(frozen=True, slots=True)
class Operator:
    """Who is signed in, as Flask-Login wants it; ``session_hash`` names the row of the session."""

    id: int
    login: str
    role: str
    tenant_id: int
    zone: str
    locale: str
    token: str
    session_hash: str
    # the tenants beneath the operator's own
    beneath: tuple[int, ...] = ()
    # whether nothing may be done before a second factor is set up
    needs_factor: bool = False
    # what a token of the API is limited to; None is all that the role may
    scopes: frozenset[str] | None = None
    # when the token that was shown ends, in UTC milliseconds; None for a session
    token_ends: int | None = None
    # the name of the logo that the operator's pages show
    logo: str = ""
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        """What Flask-Login keeps in the cookie: the session's token, not the operator's id."""
        return self.token

    @property
    def sees(self) -> tuple[int, ...] | None:
        """The tenants whose rows the operator sees; None, for the house itself, means all."""
        return None if self.tenant_id == HOUSE else (self.tenant_id, *self.beneath)

    def sees_tenant(self, tenant_id: int) -> bool:
        """Whether rows of that tenant may be shown."""
        return self.sees is None or tenant_id in self.sees

    def may(self, permission: str) -> bool:
        """Whether the role includes the permission; tenants get no more than is safe for them."""
        if self.tenant_id != HOUSE and permission not in TENANT_SAFE:
            return False
        if self.scopes is not None and permission not in self.scopes:
            return False
        return permission in ROLES.get(self.role, frozenset())


def owned(column: ColumnElement[int], sees: tuple[int, ...] | None) -> list[ColumnElement[bool]]:
    """The conditions under which rows are shown, by the column that holds their tenant."""
    if sees is None:
        return []
    return [column == sees[0]] if len(sees) == 1 else [column.in_(sees)]


def public(view: View) -> View:
    """Marks a view that needs no sign-in."""
    setattr(view, _MARK, _PUBLIC)
    return view


def requires(permission: str) -> Callable[[View], View]:
    """Marks a view that needs the permission; an unknown name is refused at import."""
    if permission not in PERMISSIONS:
        raise ValueError(f"'{permission}' is not in app.identity.roles.PERMISSIONS")

    def mark(view: View) -> View:
        setattr(view, _MARK, permission)
        return view

    return mark


def demand_of(view: Callable[..., Any]) -> str | None:
    """``public``, the permission, or None for a view that says nothing."""
    return getattr(view, _MARK, None)


def current_operator() -> Operator:
    """Who is signed in; raises SignInNeeded."""
    operator = operator_or_none()
    if operator is None:
        raise SignInNeeded(_("You are not signed in."), _("Sign in, then go on where you were."))
    return operator


def operator_or_none() -> Operator | None:
    """Who is signed in, or None (public pages, and pages about errors)."""
    found = g.get("operator")
    return found if isinstance(found, Operator) else None


def insist(permission: str) -> Operator:
    """Who is signed in, if the role includes the permission; raises Forbidden otherwise."""
    operator = current_operator()
    if not operator.may(permission):
        raise Forbidden(
            _("Your role '%(role)s' does not include this.", role=operator.role),
            _("Ask an administrator for it."),
        )
    return operator


def guard_views(app: Flask, load: Callable[[], Operator | None]) -> None:
    """Refuses, before every request, what the view does not allow; ``load`` finds the operator."""

    @app.before_request
    def check() -> None:
        endpoint = request.endpoint
        if endpoint is None or endpoint == "static":
            # An unknown address is answered with 404 to everyone; static files hold no secrets.
            g.operator = load() if endpoint is None else None
            return
        demand = demand_of(current_app.view_functions[endpoint])
        if demand == _PUBLIC and endpoint.endswith(("healthz", "readyz", "metrics.scrape")):
            return
        g.operator = load()
        if demand == _PUBLIC:
            return
        operator = insist(demand or "")
        if operator.needs_factor and endpoint not in _WITHOUT_FACTOR:
            raise FactorNeeded(
                _("Your role needs a second factor."), _("Set it up under “Second factor”.")
            )
