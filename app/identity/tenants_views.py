"""The screens of tenants: resellers and companies, their domains, who sells to whom."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, func, select

from app.core.context import databases
from app.core.database import reading, writing
from app.core.errors import CompanionError
from app.core.words import _
from app.identity import audit, tenants
from app.identity.access import HOUSE, Operator, current_operator, owned, requires
from app.identity.people_forms import NewTenantForm, TenantForm
from app.identity.people_lists import TENANTS
from app.identity.tables import operator, tenant, tenant_domain
from app.shell.forms import place_error
from app.shell.listing import Asked, Page
from app.shell.toasts import toast

blueprint = Blueprint("tenants", __name__)


@blueprint.get("/tenants")
@requires("tenant.read")
def index() -> ResponseReturnValue:
    """The tenants that one sees, by name."""

    def fetch(asked: Asked) -> Page:
        with reading(databases().panel) as connection:
            query = _over(current_operator())
            return asked.page(connection, query, name=tenant.c.name, id=tenant.c.id)

    return TENANTS.answer("identity/tenants.html", fetch, house=HOUSE)


def _over(who: Operator) -> Select[Any]:
    above = tenant.alias()
    counts = {
        name: select(func.count())
        .select_from(table)
        .where(table.c.tenant_id == tenant.c.id)
        .scalar_subquery()
        for name, table in (("domains", tenant_domain), ("operators", operator))
    }
    return (
        select(
            *tenant.c, above.c.name.label("parent"), *(q.label(name) for name, q in counts.items())
        )
        .outerjoin(above, above.c.id == tenant.c.parent_id)
        .where(*owned(tenant.c.id, who.sees))
    )


@blueprint.route("/tenants/new", methods=["GET", "POST"])
@requires("tenant.write")
def new() -> ResponseReturnValue:
    """Makes a tenant beneath the house, or beneath one that the operator sees."""
    who, form = current_operator(), NewTenantForm()
    with reading(databases().panel) as connection:
        form.parent.choices = list(tenants.choices(connection, who.sees))
    if form.validate_on_submit():
        try:
            with writing(databases().panel) as connection:
                number = tenants.create(
                    connection,
                    name=form.name.data or "",
                    parent_id=form.parent.data,
                    domains=_lines(form),
                    sees=who.sees,
                )
                _record(connection, "tenant.create", number, form)
        except CompanionError as error:
            place_error(form, error, "name")
        else:
            toast(_("The tenant is made."))
            return redirect(url_for("tenants.index"), 303)
    answer = render_template("identity/tenant.html", form=form, row=None)
    return answer, 400 if form.errors else 200


@blueprint.route("/tenants/<int:tenant_id>", methods=["GET", "POST"])
@requires("tenant.write")
def edit(tenant_id: int) -> ResponseReturnValue:
    """One tenant: its name and its domains."""
    sees = current_operator().sees
    with reading(databases().panel) as connection:
        row = tenants.get(connection, min(tenant_id, 2**31 - 1), sees)
        domains = tenants.domains_of(connection, row["id"])
    form = TenantForm(name=row["name"], domains="\n".join(domains))
    if request.method == "POST" and form.validate():
        try:
            with writing(databases().panel) as connection:
                tenants.rename(connection, row["id"], form.name.data or "")
                tenants.set_domains(connection, row["id"], _lines(form), sees)
                _record(
                    connection,
                    "tenant.change",
                    row["id"],
                    form,
                    {"name": row["name"], "domains": domains},
                )
        except CompanionError as error:
            place_error(form, error, "domains")
        else:
            toast(_("The tenant is saved."))
            return redirect(url_for("tenants.index"), 303)
    answer = render_template("identity/tenant.html", form=form, row=row)
    return answer, 400 if form.errors else 200


def _lines(form: TenantForm) -> list[str]:
    return (form.domains.data or "").replace(",", "\n").split("\n")


def _record(
    connection: Any,
    action: str,
    tenant_id: int,
    form: TenantForm,
    before: dict[str, Any] | None = None,
) -> None:
    after = tenants.domains_of(connection, tenant_id)
    audit.record(
        connection,
        action=action,
        object=f"tenant:{tenant_id}",
        before=before,
        after={"name": form.name.data, "domains": after},
    )
