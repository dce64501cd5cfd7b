"""``flask push``: a line per node, and an exit code for scripts."""

from __future__ import annotations

from dataclasses import replace

from flask import Flask

from app.core.database import Databases
from app.core.settings import NodeSetting, Settings
from tests.opensips.fake_mi import FakeNode, free_port
from tests.provisioning.scene import adding, loader, look, only_draft, submit


def push(app: Flask, **urls: str) -> tuple[int, str]:
    nodes = tuple(NodeSetting(name, url) for name, url in urls.items())
    app.extensions["settings"] = replace(app.extensions["settings"], nodes=nodes, mi_timeout=2.0)
    result = app.test_cli_runner().invoke(args=["push"])
    return result.exit_code, result.output


def test_everything_arrives(app: Flask, dbs: Databases) -> None:
    with FakeNode(loader(dbs)) as node:
        set_id = only_draft(dbs, adding(dbs))
        assert push(app, edge=node.url) == (0, "edge: 1 verified (1 sampled)\n")
        assert look(dbs, set_id).settled
        assert push(app, edge=node.url) == (0, "edge: nothing waits\n")


def test_a_node_that_is_down_is_named_and_fails_the_command(app: Flask, dbs: Databases) -> None:
    with FakeNode(loader(dbs)) as node:
        only_draft(dbs, adding(dbs))
        code, output = push(app, edge=node.url, far=f"http://127.0.0.1:{free_port()}/mi")
    assert code == 1
    assert "edge: 1 verified (1 sampled)" in output
    assert "far: 0 verified, 1 not" in output and "Connection refused" in output


def test_what_waited_long_is_tried_at_once(app: Flask, dbs: Databases, settings: Settings) -> None:
    with FakeNode(loader(dbs)) as node:
        node.stop()
        used = replace(settings, nodes=(NodeSetting("edge", node.url),))
        submit(dbs, used, adding(dbs))
        assert push(app, edge=node.url)[0] == 1
        node.start()
        assert push(app, edge=node.url)[0] == 0


def test_without_nodes_it_says_how_to_name_them(app: Flask, dbs: Databases) -> None:
    code, output = push(app)
    assert code == 0 and "PANEL_NODES" in output
