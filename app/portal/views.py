"""A subscriber's own page, under /my: apart from operators, their sessions and permissions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, TypeVar, cast

from flask import (
    Blueprint,
    Response,
    g,
    redirect,
    render_template,
    request,
    session,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue

from app.cdr.filters import Filters
from app.cdr.search import Cursor, search
from app.core import clock, money
from app.core.context import databases, settings
from app.core.database import reading, writing
from app.core.errors import CompanionError, InvalidInput
from app.core.words import _
from app.identity import audit, logos, throttle
from app.identity.access import public
from app.identity.throttle import TooManyAttempts
from app.portal import people, statement
from app.portal.forms import BeginForm, EnterForm, NewPasswordForm
from app.portal.people import Subscriber
from app.shell import frame, sheet
from app.shell.forms import Form, place_error
from app.shell.keyset import Place, no_place
from app.shell.toasts import toast

blueprint = Blueprint("my", __name__)
View = TypeVar("View", bound=Callable[..., ResponseReturnValue])
_KEY = "my"
LIMIT = 50


def own(view: View) -> View:
    """A view for a subscriber who is signed in; all others are led to the sign-in."""

    @wraps(view)
    def guarded(**values: Any) -> ResponseReturnValue:
        if _load() is None:
            session.pop(_KEY, None)
            return redirect(url_for("my.enter"), 303)
        frame.show_in(settings().source_zone)
        return view(**values)

    return public(cast(View, guarded))


def _load() -> Subscriber | None:
    token = session.get(_KEY)
    if not token:
        return None
    with reading(databases().panel) as connection:
        found = people.find(connection, str(token))
    if found is None:
        return None
    g.subscriber, due = found
    if due:
        with writing(databases().panel) as connection:
            people.seen(connection, g.subscriber.session_hash)
    return cast(Subscriber, g.subscriber)


def _me() -> Subscriber:
    return cast(Subscriber, g.subscriber)


@blueprint.context_processor
def _who() -> dict[str, Any]:
    me = g.get("subscriber")
    logo = ""
    if me is not None:
        with reading(databases().panel) as connection:
            logo = logos.of(connection, me.tenant_id)
    address = url_for("tenants.picture", name=logo) if logo else ""
    return {"me": me, "plain_form": Form(formdata=None), "my_logo": address}


@blueprint.route("/my/enter", methods=["GET", "POST"])
@public
def enter() -> ResponseReturnValue:
    """The sign-in with address and password."""
    form = EnterForm()
    if request.method == "GET" or not form.validate():
        status = 200 if request.method == "GET" else 400
        return render_template("my/enter.html", form=form), status
    address = re.sub(r"^sips?:", "", (form.address.data or "").strip(), flags=re.IGNORECASE)
    panel, where = databases().panel, request.remote_addr or "local"
    try:
        number = throttle.attempt(panel, address.lower(), where, "my")
    except TooManyAttempts as error:
        return render_template("my/enter.html", form=form, problem=str(error)), 429
    with reading(panel) as connection:
        user_id = people.verify(connection, address, form.password.data or "")
    if user_id is None:
        problem = _("Address or password is wrong.")
        return render_template("my/enter.html", form=form, problem=problem), 401
    with writing(panel) as connection:
        throttle.succeeded(connection, number, address.lower(), "my")
    return _open(user_id)


def _open(user_id: int) -> ResponseReturnValue:
    with writing(databases().panel) as connection:
        token = people.begin(connection, user_id)
    # Nothing from before lives on, a sign-in as an operator neither.
    session.clear()
    session[_KEY] = token
    return redirect(url_for("my.home"), 303)


@blueprint.route("/my/begin/<token>", methods=["GET", "POST"])
@public
def begin(token: str) -> ResponseReturnValue:
    """Where the link of an operator leads: the subscriber chooses his password."""
    form = BeginForm()
    with reading(databases().panel) as connection:
        address = people.invited(connection, token)
    if address is None:
        return render_template("my/begin.html", form=None), 404
    if form.validate_on_submit():
        try:
            hashed = people.hashed(address, form.new.data or "")
            with writing(databases().panel) as connection:
                user_id = people.accept(connection, token, address, hashed)
                named = f"subscriber:{address}"
                audit.record(connection, action="portal.begin", object=named, actor=address)
        except CompanionError as error:
            place_error(form, error, "new")
        else:
            return _open(user_id)
    answer = render_template("my/begin.html", form=form, address=address)
    return answer, 400 if form.errors else 200


@blueprint.post("/my/leave")
@own
def leave() -> ResponseReturnValue:
    """Ends the session."""
    with writing(databases().panel) as connection:
        people.end(connection, _me().session_hash)
    session.clear()
    return redirect(url_for("my.enter"), 303)


@blueprint.get("/my")
@own
def home() -> ResponseReturnValue:
    """The balance and the newest calls."""
    who = _me()
    with reading(databases().panel) as connection:
        mine = statement.account_of(connection, who)
        calls = search(connection, _filters(who), limit=8).rows
    return render_template("my/home.html", account=mine, calls=calls)


@blueprint.get("/my/calls")
@own
def calls() -> ResponseReturnValue:
    """One's calls, newest first; as a file with ``format=csv``, a month of them."""
    who = _me()
    if request.args.get("format") == "csv":
        return _file(who)
    cursor = None
    if text := request.args.get("after"):
        values = Place.parse(text).values
        if len(values) != 2 or not all(isinstance(value, int) for value in values):
            raise no_place()
        cursor = Cursor(*map(int, values))
    with reading(databases().panel) as connection:
        found = search(connection, _filters(who), after=cursor, limit=LIMIT)
    older = found.next_cursor
    following = None if older is None else str(Place((older.setup_at, older.id)))
    return render_template("my/calls.html", calls=found.rows, following=following, paged=cursor)


@blueprint.get("/my/statement")
@own
def month() -> ResponseReturnValue:
    """A month: calls by destination, and what moved the balance."""
    who = _me()
    wanted = statement.month(request.args.get("month"), settings().source_zone)
    with reading(databases().panel) as connection:
        mine = statement.account_of(connection, who)
        found = statement.of(connection, who, mine, wanted)
    return render_template("my/statement.html", month=wanted, found=found, account=mine)


@blueprint.route("/my/password", methods=["GET", "POST"])
@own
def password() -> ResponseReturnValue:
    """A new password, after the old one."""
    who, form = _me(), NewPasswordForm()
    if form.validate_on_submit():
        panel = databases().panel
        try:
            where = request.remote_addr or "local"
            number = throttle.attempt(panel, who.address, where, "my-confirm")
            with reading(panel) as connection:
                right = people.verify(connection, who.address, form.old.data or "") == who.id
            if not right:
                raise InvalidInput(_("That is not your present password."), _("Try again."), "old")
            hashed = people.hashed(who.address, form.new.data or "")
            with writing(panel) as connection:
                people.set_password(connection, who, hashed)
                throttle.succeeded(connection, number, who.address, "my-confirm")
                named = f"subscriber:{who.address}"
                audit.record(connection, action="portal.password", object=named, actor=who.address)
        except CompanionError as error:
            place_error(form, error, "old")
        else:
            toast(_("The password is changed."))
            return redirect(url_for("my.home"), 303)
    answer = render_template("my/password.html", form=form)
    return answer, 400 if form.errors else 200


def _filters(who: Subscriber, since: int | None = None, until: int | None = None) -> Filters:
    return Filters(since=since, until=until, account=who.address, tenants=(who.tenant_id,))


def _file(who: Subscriber) -> Response:
    wanted = statement.month(request.args.get("month"), settings().source_zone)
    filters = _filters(who, wanted.since, wanted.until)
    where = clock.zone(settings().source_zone)

    def rows() -> Iterator[list[object]]:
        after: Cursor | None = None
        while True:
            with reading(databases().panel) as connection:
                found = search(connection, filters, after=after, limit=500)
            for cdr in found.rows:
                at = clock.to_datetime(cdr["setup_at"]).astimezone(where)
                price = money.to_text(cdr["price"], cdr["sell_currency"])
                shown = (cdr["caller"], cdr["callee"], cdr["destination"])
                seconds = f"{cdr['duration_ms'] // 1000}.{cdr['duration_ms'] % 1000:03d}"
                yield [at.isoformat("T", "seconds"), *shown, seconds, price, cdr["sell_currency"]]
            after = found.next_cursor
            if after is None:
                return

    head = [_("Time"), _("Caller"), _("Callee"), _("Destination"), _("Length")]
    lines = sheet.lines([*head, _("Price"), _("Currency")], rows())
    headers = {"Content-Disposition": f'attachment; filename="calls-{wanted.name}.csv"'}
    return Response(stream_with_context(lines), mimetype="text/csv", headers=headers)
