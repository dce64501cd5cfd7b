"""The shipped scripts agree with themselves and with what the panel reads. No OpenSIPS needed."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from app.opensips.tables import EXTRA_COLUMNS

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "opensips_scripts"
CONFIGS = sorted(SCRIPTS.glob("*.cfg"))
COLUMN_FILES = sorted((SCRIPTS / "sql").glob("acc-*-columns.*.sql"))
# In the order in which they are applied.
COLUMN_STEMS = ("acc-extra-columns", "acc-attempt-columns")
DIALECTS = {"mysql", "postgres", "sqlite"}
LOSSLESS_FILES = sorted((SCRIPTS / "sql").glob("acc-lossless.*.sql"))
TABLES = {"acc", "missed_calls"}


def code(path: Path) -> str:
    """A configuration without its comments (a # inside quotes stays)."""
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        bare = re.match(r'(?:[^"#]|"(?:[^"\\]|\\.)*")*', line)
        kept.append(bare.group() if bare else "")
    return "\n".join(kept)


def declared_columns() -> list[str]:
    """The database columns that accounting.cfg tells the acc module to fill."""
    found = re.findall(r'"extra_fields", "db:([^"]*)"', code(SCRIPTS / "accounting.cfg"))
    assert len(found) == 1, "one extra_fields line for the database"
    return [item.split("->")[-1].strip() for item in found[0].split(";")]


def clock_readings() -> set[str]:
    """What travels with a call and is written nowhere: "log" is not accounted."""
    text = code(SCRIPTS / "accounting.cfg")
    found = re.findall(r'"extra_fields", "log:([^"]*)"', text)
    assert len(found) == 1
    assert not re.search(r'do_accounting\("[^"]*log', text)
    return {item.strip() for item in found[0].split(";")}


def statements(path: Path) -> list[str]:
    """The SQL statements of a file, without comments."""
    lines = path.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line.split("--")[0] for line in lines)
    return [part.strip() for part in text.split(";") if part.strip()]


def added(path: Path) -> dict[str, dict[str, int]]:
    """table → column → size, as a file of extra columns adds them."""
    result: dict[str, dict[str, int]] = {}
    for statement in statements(path):
        table = re.match(r"ALTER TABLE (\w+)", statement)
        assert table, statement
        columns = re.findall(r"ADD COLUMN (\w+) VARCHAR\((\d+)\) NULL", statement)
        assert columns, f"adds nothing that may be NULL: {statement}"
        result.setdefault(table.group(1), {}).update((name, int(size)) for name, size in columns)
    return result


def test_there_is_a_file_for_each_database() -> None:
    names = {path.name for path in COLUMN_FILES}
    assert names == {f"{stem}.{kind}.sql" for stem in COLUMN_STEMS for kind in DIALECTS}
    assert {path.name.split(".")[1] for path in LOSSLESS_FILES} == {"mysql", "postgres"}


@pytest.mark.parametrize("kind", sorted(DIALECTS))
def test_columns_are_those_of_accounting_and_of_the_panel(kind: str) -> None:
    columns: dict[str, dict[str, int]] = {table: {} for table in TABLES}
    for stem in COLUMN_STEMS:
        found = added(SCRIPTS / f"sql/{stem}.{kind}.sql")
        assert set(found) == TABLES
        for table in TABLES:
            columns[table] |= found[table]
    for table in TABLES:
        assert list(columns[table]) == declared_columns()
        assert columns[table] == EXTRA_COLUMNS


def test_every_declared_column_is_filled_and_no_other() -> None:
    text = code(SCRIPTS / "accounting.cfg")
    known = set(declared_columns()) | clock_readings()
    assert set(re.findall(r"\$acc_extra\((\w+)\)\s*=[^=]", text)) == known
    for path in CONFIGS:
        used = set(re.findall(r"\$\(?acc_extra\((\w+)\)", code(path)))
        assert used <= known, path.name


def test_values_that_callers_choose_are_cut_to_their_columns() -> None:
    text = code(SCRIPTS / "accounting.cfg")
    cut = re.findall(r"route\(acc_text, (\d+)\);\s*\$acc_extra\((\w+)\) = \$var\(text\);", text)
    sizes = {name: int(size) for size, name in cut}
    assert sizes == {name: EXTRA_COLUMNS[name] for name in sizes}
    assert set(sizes) == {
        "caller", "callee", "caller_domain", "account", "user_agent",
        "trunk", "asserted", "routed", "routing_number", "cause",
    }  # fmt: skip


def test_sqlite_columns_apply_to_the_stock_tables() -> None:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE acc (id INTEGER PRIMARY KEY, callid CHAR(64) NOT NULL)")
    database.execute("CREATE TABLE missed_calls (id INTEGER PRIMARY KEY, callid CHAR(64) NOT NULL)")
    database.execute("INSERT INTO acc (callid) VALUES ('before')")
    for stem in COLUMN_STEMS:
        sql = (SCRIPTS / f"sql/{stem}.sqlite.sql").read_text(encoding="utf-8")
        database.executescript(sql)
    for table in TABLES:
        names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        assert names[2:] == declared_columns()
    assert database.execute("SELECT caller, charge_id FROM acc").fetchall() == [(None, None)]


@pytest.mark.parametrize("path", LOSSLESS_FILES, ids=lambda path: path.name)
def test_lossless_widens_and_frees_the_same_columns_of_both_tables(path: Path) -> None:
    found = statements(path)
    assert {re.match(r"ALTER TABLE (\w+)", one).group(1) for one in found} == TABLES  # type: ignore[union-attr]
    for statement in found:
        widened = re.findall(r"(\w+) (?:TYPE )?VARCHAR\(255\)", statement)
        assert sorted(widened) == ["callid", "from_tag", "sip_reason", "to_tag"]
        assert re.search(r"to_tag (VARCHAR\(255\) NULL|DROP NOT NULL)", statement)


@pytest.mark.parametrize("path", [*COLUMN_FILES, *LOSSLESS_FILES], ids=lambda path: path.name)
def test_sql_says_that_it_is_offered_and_is_applied_by_nothing(path: Path) -> None:
    assert "Offered, never applied unasked" in path.read_text(encoding="utf-8")
    for module in (ROOT / "app").rglob("*.py"):
        assert path.name not in module.read_text(encoding="utf-8"), module


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_includes_exist_and_braces_match(path: Path) -> None:
    text = code(path)
    for name in re.findall(r'^\s*(?:include|import)_file\s+"([^"]+)"', text, re.MULTILINE):
        assert (SCRIPTS / name).is_file(), name
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    assert bare.count("{") == bare.count("}")
    assert bare.count("(") == bare.count(")")


@pytest.mark.parametrize("charging", ["charging-off.cfg", "charging-cgrates.cfg"])
def test_the_whole_loads_a_module_once_and_defines_each_route_once(
    charging: str,
) -> None:
    parts = ["opensips.cfg", "mi.cfg", "accounting.cfg", charging]
    text = "\n".join(code(SCRIPTS / part) for part in parts)
    modules = re.findall(r'^loadmodule "(\w+)\.so"', text, re.MULTILINE)
    assert len(modules) == len(set(modules)), "OpenSIPS refuses a module loaded twice"
    tuned = set(re.findall(r'^modparam\("(\w+)"', text, re.MULTILINE))
    assert tuned <= set(modules)
    routes = re.findall(r"^route\[(\w+)\]", text, re.MULTILINE)
    assert len(routes) == len(set(routes))
    called = set(re.findall(r"\broute\((\w+)", text))
    called |= set(re.findall(r"\basync\(.*, (\w+)\);", text))
    assert called <= set(routes)
    for kind in ("failure", "reply"):
        armed = set(re.findall(rf't_on_{kind}\("(\w+)"\)', text))
        route = f"{'on' if kind == 'reply' else ''}{kind}_route"
        assert armed <= set(re.findall(rf"^{route}\[(\w+)\]", text, re.MULTILINE))


def test_parameters_come_after_their_module() -> None:
    for path in CONFIGS:
        loaded: set[str] = set()
        for line in code(path).splitlines():
            if found := re.match(r'loadmodule "(\w+)\.so"', line):
                loaded.add(found.group(1))
            elif found := re.match(r'include_file "(.+)"', line):
                loaded |= set(re.findall(r'loadmodule "(\w+)\.so"', code(SCRIPTS / found.group(1))))
            elif found := re.match(r'modparam\("(\w+)"', line):
                assert found.group(1) in loaded, f"{path.name}: {line}"


def test_mi_listens_on_loopback_with_a_raised_limit() -> None:
    text = code(SCRIPTS / "mi.cfg")
    assert 'modparam("httpd", "ip", "127.0.0.1")' in text
    size = re.search(r'"receive_buf_size", (\d+)', text)
    assert size
    assert int(size.group(1)) > 1024


def test_settings_stand_in_one_block_at_the_top() -> None:
    text = (SCRIPTS / "opensips.cfg").read_text(encoding="utf-8")
    block, rest = text.split("end of the settings", 1)
    assert re.search(r"^#+ SETTINGS", block, re.MULTILINE)
    for setting in (
        "mpath=",
        "socket=",
        "db_default_url=",
        '"db_url"',
        '"httpd", "port"',
        "TZ=UTC",
    ):
        assert setting in block
        assert setting not in rest


def test_charging_sends_our_id_and_limits_the_call() -> None:
    text = code(SCRIPTS / "charging-cgrates.cfg")
    assert "$cgr(ChargeID) = $acc_extra(charge_id);" in text
    assert "$DLG_timeout = $cgr_ret(MaxUsage);" in text
    for refusal in ("402", "403", "503"):
        assert f"t_reply({refusal}," in text


def test_the_readme_names_every_file() -> None:
    readme = (SCRIPTS / "README.md").read_text(encoding="utf-8")
    for path in CONFIGS:
        assert f"`{path.name}`" in readme
    for stem in ("sql/acc-lossless", *(f"sql/{stem}" for stem in COLUMN_STEMS)):
        assert stem in readme
