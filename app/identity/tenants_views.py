"""The screens of tenants: resellers and companies, their domains, who sells to whom."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.context import databases
from app.core.database import reading, writing
from app.core.errors import CompanionError, NotFound
from app.core.words import _
from app.identity import audit, logos, tenants
from app.identity.access import HOUSE, current_operator, public, requires
from app.identity.people_forms import NewTenantForm, TenantForm
from app.identity.people_lists import TENANTS
from app.identity.tables import tenant
from app.shell.forms import Form, place_error
from app.shell.listing import Asked, Page
from app.shell.toasts import toast

blueprint = Blueprint("tenants", __name__)


@blueprint.get("/tenants")
@requires("tenant.read")
def index() -> ResponseReturnValue:
    """The tenants that one sees, by name."""

    def fetch(asked: Asked) -> Page:
        with reading(databases().panel) as connection:
            query = tenants.over(current_operator().sees)
            return asked.page(connection, query, name=tenant.c.name, id=tenant.c.id)

    return TENANTS.answer("identity/tenants.html", fetch, house=HOUSE)


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
        row = tenants.get(connection, tenant_id, sees)
        domains = tenants.domains_of(connection, row["id"])
        logo = logos.own(connection, row["id"])
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
    answer = render_template(
        "identity/tenant.html", form=form, row=row, logo=logo, plain=Form(formdata=None)
    )
    return answer, 400 if form.errors else 200


@blueprint.post("/tenants/<int:tenant_id>/logo")
@requires("tenant.write")
def logo(tenant_id: int) -> ResponseReturnValue:
    """Takes a tenant's logo, a small PNG file; without a file it is taken away."""
    file = request.files.get("logo")
    data = file.read(logos.MOST_BYTES + 1) if file is not None else b""
    with writing(databases().panel) as connection:
        row = tenants.get(connection, tenant_id, current_operator().sees)
        if data:
            logos.put(connection, row["id"], data)
            said = _("The logo is saved.")
        else:
            logos.remove(connection, row["id"])
            said = _("The tenant has no logo of its own.")
    toast(said)
    return redirect(url_for("tenants.edit", tenant_id=tenant_id), 303)


@blueprint.get("/logo/<name>.png")
@public
def picture(name: str) -> ResponseReturnValue:
    """A logo by the hash of its picture, which only those know who were shown it."""
    with reading(databases().panel) as connection:
        found = logos.picture(connection, name[:64])
    if found is None:
        raise NotFound(_("There is no such logo."))
    return Response(found, mimetype="image/png")


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
