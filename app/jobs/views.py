"""The start page, the progress of long work, and what load balancers ask."""

from __future__ import annotations

from datetime import datetime, time

from flask import Blueprint, Response, jsonify, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, RowMapping, select

from app.cdr import figures
from app.cdr.filters import Filters
from app.cdr.search import search
from app.core import clock
from app.core.context import databases
from app.core.database import reading
from app.identity.access import current_operator, public, requires
from app.jobs import heartbeat, progress, ready
from app.mediation import suspense
from app.provisioning.tables import node

blueprint = Blueprint("jobs", __name__)


@blueprint.get("/")
@requires("home.read")
def home() -> ResponseReturnValue:
    """What goes on: calls today, what waits for somebody, the nodes, the newest calls."""
    zone = current_operator().zone
    with reading(databases().panel) as connection:
        waiting = suspense.counts(connection)
        return render_template(
            "jobs/home.html",
            running=progress.running(connection),
            today=figures.since(connection, _midnight(zone)),
            hour=figures.since(connection, clock.now_ms() - clock.HOUR),
            unpriced=figures.unpriced_count(connection),
            most=figures.MOST,
            suspended=sum(waiting.values()),
            reasons=len(waiting),
            calls=search(connection, Filters(), limit=8).rows,
            nodes=_nodes(connection),
            worker=heartbeat.last(connection, "worker"),
            worker_alive=heartbeat.alive(connection, "worker", ready.WORKER_SILENT_MS),
        )


@blueprint.get("/jobs")
@requires("job.read")
def index() -> ResponseReturnValue:
    """Long work that runs, and the last that ran."""
    with reading(databases().panel) as connection:
        running = progress.running(connection)
        ended = [job for job in progress.newest(connection) if job.state != progress.RUNNING]
    return render_template("jobs/index.html", running=running, ended=ended)


@blueprint.get("/jobs/running")
@requires("job.read")
def running() -> ResponseReturnValue:
    """The progress bars alone: the page asks for them every two seconds."""
    with reading(databases().panel) as connection:
        return render_template("jobs/running.html", running=progress.running(connection))


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


def _midnight(zone: str) -> int:
    """The instant at which the viewer's day began."""
    where = clock.zone(zone)
    today = clock.to_datetime(clock.now_ms()).astimezone(where).date()
    return clock.from_datetime(datetime.combine(today, time.min, where))


def _nodes(connection: Connection) -> list[RowMapping]:
    return list(connection.execute(select(node).order_by(node.c.name)).mappings())
