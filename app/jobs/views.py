"""The start page, the progress of long work, and what load balancers ask."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, RowMapping, select

from app.cdr import figures
from app.cdr.filters import Filters
from app.cdr.search import search
from app.core import clock
from app.core.context import databases
from app.core.database import reading, writing
from app.core.errors import Conflict
from app.core.words import _
from app.identity import audit
from app.identity.access import current_operator, public, requires
from app.jobs import backlog, heartbeat, kinds, progress, queue, ready
from app.jobs.forms import PlainForm
from app.jobs.lists import JOBS
from app.jobs.tables import job as job_table
from app.jobs.wording import STATES, announcement, problem, starter_of
from app.mediation import suspense
from app.provisioning.tables import node
from app.provisioning.words import NODE_WORDS
from app.shell.confirm import Confirmation, confirmation
from app.shell.listing import Asked, Page
from app.shell.toasts import toast

blueprint = Blueprint("jobs", __name__)


@blueprint.context_processor
def _words() -> dict[str, object]:
    return {"job_title": kinds.title, "job_states": STATES}


@blueprint.get("/")
@requires("home.read")
def home() -> ResponseReturnValue:
    """What goes on: calls today, what waits for somebody, the nodes, the newest calls."""
    operator = current_operator()
    zone, sees = operator.zone, operator.sees
    with reading(databases().panel) as connection:
        waiting = suspense.counts(connection) if operator.may("suspense.read") else {}
        return render_template(
            "jobs/home.html",
            running=progress.running(connection) if operator.may("job.read") else [],
            today=figures.since(connection, clock.midnight(zone), sees),
            hour=figures.since(connection, clock.now_ms() - clock.HOUR, sees),
            unpriced=figures.unpriced_count(connection, sees),
            most=figures.MOST,
            suspended=sum(waiting.values()),
            reasons=len(waiting),
            calls=search(connection, Filters(tenants=sees), limit=8).rows,
            nodes=_nodes(connection) if operator.may("gateway.read") else [],
            node_words=NODE_WORDS,
            worker=heartbeat.last(connection, "worker"),
            worker_alive=heartbeat.alive(connection, "worker", ready.WORKER_SILENT_MS),
        )


@blueprint.get("/jobs")
@requires("job.read")
def index() -> ResponseReturnValue:
    """Long work that runs, and what has ended."""

    def fetch(asked: Asked) -> Page:
        with reading(databases().panel) as connection:
            found = asked.page(connection, progress.over(), id=job_table.c.id)
        return replace(found, rows=[progress.job_of(row) for row in found.rows])

    with reading(databases().panel) as connection:
        running = progress.running(connection)
    return JOBS.answer("jobs/index.html", fetch, running=running)


@blueprint.get("/jobs/running")
@requires("job.read")
def running() -> ResponseReturnValue:
    """The progress bars alone: the page asks for them every two seconds.

    ``seen`` are the jobs that ran when it last asked; those that ended meanwhile are announced.
    """
    seen = [int(text) for text in request.args.get("seen", "").split(".") if _is_id(text)]
    with reading(databases().panel) as connection:
        for job in progress.ended(connection, seen[:50]):
            toast(announcement(job), "bad" if job.state == "failed" else "")
        return render_template("jobs/running.html", running=progress.running(connection))


@blueprint.get("/jobs/<int:job_id>")
@requires("job.read")
def show(job_id: int) -> ResponseReturnValue:
    """A job: how far it is, what came of it, what to do when it failed."""
    with reading(databases().panel) as connection:
        job = progress.get(connection, job_id)
        starter = starter_of(connection, job)
    piece = request.args.get("piece") == "progress"
    if piece and job.over:
        toast(announcement(job), "bad" if job.state == "failed" else "")
    kind = kinds.known().get(job.kind)
    return render_template(
        "jobs/progress.html" if piece else "jobs/show.html",
        job=job,
        starter=starter,
        result=kinds.result(job),
        problem=problem(job),
        cancellable=kind is not None,
        pausable=job.kind == backlog.KIND,
        form=PlainForm(),
        screen=kind.screen if kind is not None else None,
    )


@blueprint.route("/jobs/<int:job_id>/cancel", methods=["GET", "POST"])
@requires("job.write")
def cancel(job_id: int) -> ResponseReturnValue:
    """Asks, then stops the job after the part that is being done."""
    with reading(databases().panel) as connection:
        job = progress.get(connection, job_id)
    back = url_for("jobs.show", job_id=job_id)
    form = PlainForm()
    if form.validate_on_submit():
        with writing(databases().panel) as connection:
            if not queue.cancel(connection, job_id):
                raise _too_late()
            audit.record(
                connection, action="job.cancel", object=f"job:{job_id}", detail={"done": job.done}
            )
        return redirect(back, 303)
    if job.over or job.kind not in kinds.known():
        raise _too_late()
    asked = Confirmation(
        title=_("Cancel this job?"),
        what=_("It stops after the part that is being done. What is done stays done."),
        objects=[kinds.title(job)],
        deed=_("Cancel the job"),
        stay=_("Let it run"),
        back=back,
        danger=True,
    )
    return confirmation(asked, form)


@blueprint.post("/jobs/<int:job_id>/pause")
@requires("job.write")
def pause(job_id: int) -> ResponseReturnValue:
    """Stops the reading of earlier calls until somebody lets it go on."""
    with writing(databases().panel) as connection:
        backlog.pause(connection, job_id)
    return redirect(url_for("jobs.show", job_id=job_id), 303)


@blueprint.post("/jobs/<int:job_id>/resume")
@requires("job.write")
def resume(job_id: int) -> ResponseReturnValue:
    """Goes on with the reading of earlier calls from where it stood."""
    with writing(databases().panel) as connection:
        backlog.resume(connection, job_id)
    return redirect(url_for("jobs.show", job_id=job_id), 303)


@blueprint.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@public
def readyz() -> Response | tuple[Response, int]:
    """Databases, schema and worker are fine; else 503 and which is not."""
    found = ready.problems(databases())
    if found:
        return jsonify(status="not ready", problems=found), 503
    return jsonify(status="ready")


def _too_late() -> Conflict:
    return Conflict(
        _("The job has ended already, or cannot be cancelled."), _("Its page says how it ended.")
    )


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) < 2**63


def _nodes(connection: Connection) -> list[RowMapping]:
    return list(connection.execute(select(node).order_by(node.c.name)).mappings())
