"""The screens of tariffs: list, new, one with its versions, a new version, its rates."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.billing import store, tariffs
from app.billing.lists import RATE_BAR, RATES, TARIFFS
from app.billing.tariff_forms import AssignForm, NewTariffForm, VersionForm, instant
from app.core import clock
from app.core.context import databases
from app.core.database import reading, writing
from app.core.errors import CompanionError
from app.core.prefixes import starts_with
from app.core.words import _
from app.identity import tenants
from app.identity.access import current_operator, requires
from app.rating.tables import rate, tariff
from app.shell.forms import place_error
from app.shell.listing import Asked, Page
from app.shell.toasts import toast

blueprint = Blueprint("tariffs", __name__)


@blueprint.get("/tariffs")
@requires("tariff.read")
def index() -> ResponseReturnValue:
    """The tariffs of the tenants that one sees, by name."""

    def fetch(asked: Asked) -> Page:
        with reading(databases().panel) as connection:
            query = tariffs.over(current_operator().sees)
            return asked.page(connection, query, name=tariff.c.name, id=tariff.c.id)

    return TARIFFS.answer("billing/tariffs.html", fetch)


@blueprint.route("/tariffs/new", methods=["GET", "POST"])
@requires("tariff.write")
def new() -> ResponseReturnValue:
    """Makes a tariff without rates, and goes on to its first version."""
    who, form = current_operator(), NewTariffForm()
    with reading(databases().panel) as connection:
        form.tenant.choices = list(tenants.choices(connection, who.sees))
    if form.validate_on_submit():
        try:
            with writing(databases().panel) as connection:
                number = tariffs.create(
                    connection,
                    who,
                    tenant_id=form.tenant.data,
                    name=form.name.data or "",
                    currency=form.currency.data or "",
                    places=form.places.data or 0,
                    rounding=form.rounding.data,
                )
        except CompanionError as error:
            place_error(form, error, "name")
        else:
            toast(_("The tariff is made. It prices calls as soon as it has a version with rates."))
            return redirect(url_for("tariffs.new_version", tariff_id=number), 303)
    answer = render_template("billing/tariff_new.html", form=form)
    return answer, 400 if form.errors else 200


@blueprint.get("/tariffs/<int:tariff_id>")
@requires("tariff.read")
def show(tariff_id: int) -> ResponseReturnValue:
    """One tariff and its versions."""
    with reading(databases().panel) as connection:
        row = tariffs.get(connection, tariff_id, current_operator().sees)
        versions = tariffs.versions_of(connection, row["id"])
    now = clock.now_ms()
    holds = next((one["id"] for one in versions if one["valid_from"] <= now), None)
    return render_template("billing/tariff.html", row=row, versions=versions, holds=holds, now=now)


@blueprint.route("/tariffs/<int:tariff_id>/versions/new", methods=["GET", "POST"])
@requires("tariff.write")
def new_version(tariff_id: int) -> ResponseReturnValue:
    """Adds a version: all its rates at once, from a moment on."""
    who, form = current_operator(), VersionForm()
    with reading(databases().panel) as connection:
        row = tariffs.get(connection, tariff_id, who.sees)
    if form.validate_on_submit():
        try:
            wall = form.valid_from.data
            begins = instant(wall, who.zone) if wall is not None else 0
            rates = tariffs.parse(form.rates.data or "")
            with writing(databases().panel) as connection:
                tariffs.add_version(connection, row["id"], begins, rates)
        except CompanionError as error:
            place_error(form, error, "rates")
        else:
            toast(_("The version is saved."))
            return redirect(url_for("tariffs.show", tariff_id=row["id"]), 303)
    answer = render_template("billing/tariff_version.html", form=form, row=row)
    return answer, 400 if form.errors else 200


@blueprint.get("/tariffs/<int:tariff_id>/versions/<int:version_id>")
@requires("tariff.read")
def version(tariff_id: int, version_id: int) -> ResponseReturnValue:
    """The rates of a version, by prefix; ``q`` is how a prefix starts."""
    with reading(databases().panel) as connection:
        row = tariffs.get(connection, tariff_id, current_operator().sees)
        one = tariffs.version(connection, row["id"], version_id)
    bar = RATE_BAR.read(request.args)

    def fetch(asked: Asked) -> Page:
        if bar.problems:
            return Page([])
        query = tariffs.rates_of(one["id"])
        query = query.where(starts_with(rate.c.prefix, bar["q"])) if bar["q"] else query
        with reading(databases().panel) as connection:
            return asked.page(connection, query, prefix=rate.c.prefix, id=rate.c.id)

    return RATES.answer("billing/rates.html", fetch, bar=bar, row=row, version=one)


@blueprint.route("/accounts/<int:account_id>/tariff", methods=["GET", "POST"])
@requires("tariff.write")
def assign(account_id: int) -> ResponseReturnValue:
    """Gives an account a tariff from a moment on; without one, from the beginning."""
    who, form = current_operator(), AssignForm()
    found = store.get(databases().panel, account_id, who)
    with reading(databases().panel) as connection:
        form.tariff.choices = list(tariffs.choices(connection, who.sees, found.currency))
        given = tariffs.of_account(connection, found.id)
    if form.validate_on_submit():
        try:
            wall = form.valid_from.data
            begins = instant(wall, who.zone) if wall is not None else 0
            with writing(databases().panel) as connection:
                tariffs.assign(connection, who, found, form.tariff.data, begins)
        except CompanionError as error:
            place_error(form, error, "tariff")
        else:
            toast(_("The account has the tariff."))
            return redirect(url_for("billing.show", account_id=found.id), 303)
    answer = render_template("billing/assign.html", form=form, account=found, given=given)
    return answer, 400 if form.errors else 200
