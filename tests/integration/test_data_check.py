# SPDX-License-Identifier: GPL-3.0-or-later
"""``data_check`` on real stores: each broken rule is found as what it is, and data that is in order is silent."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from demo.embedded.process import free_port
from tests.support.databases import Database
from tests.support.duckdb_files import held, make
from tests.support.modules import run_module

SECRET = "ada@example.com"


def look(database: Database, *assertions: dict[str, Any], **options: Any) -> dict[str, Any]:
    named = [{"name": f"a{number}", **given} for number, given in enumerate(assertions)]
    result = run_module("data_check", **{**database.login, "assertions": named, "statement_timeout": 60, **options})
    assert not result["failed"], result["msg"]
    assert not result["changed"]
    return result


def reported(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    assert all(f["advice"] for f in result["findings"] if f["severity"] != "ok")
    shown = [f for f in result["findings"] if f["severity"] != "ok"]
    assert len({(f["check"], f["subject"]) for f in shown}) == len(shown)
    return {(f["check"].removeprefix("data."), f["subject"]): f["severity"] for f in shown}


@pytest.fixture
def shop(database: Database) -> Database:
    database.execute(
        "CREATE TABLE daily (day date, person text, rate numeric);"
        "INSERT INTO daily SELECT current_date - 1, 'person ' || n, n % 101 FROM generate_series(1, 500) n;"
        "CREATE TABLE sync (written timestamptz); INSERT INTO sync VALUES (now());"
    )
    return database


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return make(
        tmp_path / "copy.duckdb",
        "CREATE TABLE daily AS SELECT (current_date - 1)::date AS day, 'person ' || range AS person,"
        " (range % 101)::decimal(10, 2) AS rate FROM range(1, 501)",
        "CREATE TABLE sync AS SELECT now() AS written",
    )


YESTERDAY = {"sql": "SELECT count(*) FROM daily WHERE day = CURRENT_DATE - 1", "min": 1}
RATES = {"sql": "SELECT person, rate FROM daily WHERE rate NOT BETWEEN 0 AND 100", "no_rows": True}
LAG = {"sql": "SELECT max(written) FROM sync", "warning_age": 300, "critical_age": 600}


def test_data_in_order_is_silent(shop: Database, copy: Path) -> None:
    result = look(
        shop,
        YESTERDAY,
        RATES,
        LAG,
        {"sql": "SELECT min(rate), max(rate) FROM daily", "min": 0, "max": 100},
        {"sql": "SELECT true", "equals": "yes"},
        {"sql": "SELECT count(*), sum(rate) FROM daily;", "other_sql": "SELECT count(*), sum(rate) FROM daily -- all"},
        {**LAG, "store": "duckdb"},
        {**YESTERDAY, "store": "duckdb"},
        duckdb_file=str(copy),
        include_ok=True,
    )
    assert reported(result) == {}
    assert result["status"] == "healthy"
    assert {f["check"] for f in result["findings"]} == set(result["checks"])
    assert result["measurements"]["data.a0.value"] == 500
    assert result["measurements"]["data.a1.rows"] == 0
    assert 0 <= result["measurements"]["data.a2.age_seconds"] < 300
    assert result["measurements"]["data.a3.min.value"] == 0
    assert result["measurements"]["data.a3.max.value"] == 100
    assert result["measurements"]["data.a7.value"] == 500


def test_aggregation_that_did_not_run(shop: Database) -> None:
    shop.execute("DELETE FROM daily")
    result = look(shop, YESTERDAY, RATES, LAG)
    assert reported(result) == {("range", "a0"): "critical"}
    assert result["findings"][0]["message"] == "It is 0; allowed is at least 1."


def test_rows_that_break_a_rule_are_shown_few_and_harmless(shop: Database) -> None:
    shop.execute(r"INSERT INTO daily SELECT current_date, E'\x1b[2J' || n, 101 FROM generate_series(1, 1000) n")
    result = look(shop, RATES, rows_shown=3)
    assert reported(result) == {("no_rows", "a0"): "critical"}
    message = result["findings"][0]["message"]
    assert message.startswith("More than 3 rows break the rule: person=\\x1b[2J") and message.count("rate=101") == 3
    assert message.isprintable()


def test_values_of_people_stay_out(shop: Database) -> None:
    shop.execute("INSERT INTO daily VALUES (current_date, %s, 101)", [SECRET])
    hidden = [
        {**RATES, "show_values": False},
        {"sql": "SELECT max(person) FROM daily WHERE rate > 100", "equals": "x", "show_values": False},
        {"sql": "SELECT person::int FROM daily WHERE rate > 100", "min": 1, "show_values": False},
    ]
    result = look(shop, *hidden)
    assert reported(result) == {
        ("no_rows", "a0"): "critical",
        ("equals", "a1"): "critical",
        ("statement", "a2"): "unknown",
    }
    assert SECRET not in str(result["findings"]) + str(result["measurements"])
    assert SECRET in str(look(shop, RATES)["findings"])


@pytest.mark.parametrize(("minutes", "severity"), [(6, "warning"), (11, "critical")])
def test_synchronisation_that_lags(shop: Database, minutes: int, severity: str) -> None:
    shop.execute("UPDATE sync SET written = now() - make_interval(mins => %s)", [minutes])
    result = look(shop, LAG)
    assert reported(result) == {("freshness", "a0"): severity}
    assert result["findings"][0]["value"] >= minutes * 60


def test_times_without_a_zone_are_in_the_given_one(shop: Database, copy: Path) -> None:
    shop.execute("CREATE TABLE local (at timestamp); INSERT INTO local VALUES (now() AT TIME ZONE 'Asia/Tokyo')")
    local = {**LAG, "sql": "SELECT max(at) FROM local"}
    assert reported(look(shop, local, time_zone="Asia/Tokyo")) == {}
    result = look(shop, local)
    assert reported(result) == {("freshness", "a0"): "critical"}
    assert "ahead of the clock" in result["findings"][0]["message"]
    zone = {"sql": "SELECT current_setting('TimeZone')", "equals": "Asia/Tokyo"}
    assert reported(look(shop, zone, {**zone, "store": "duckdb"}, time_zone="Asia/Tokyo", duckdb_file=str(copy))) == {}


def test_no_row_and_null_are_said(shop: Database) -> None:
    shop.execute("DELETE FROM sync")
    result = look(
        shop,
        LAG,
        {**LAG, "sql": "SELECT written FROM sync"},
        {"sql": "SELECT NULL::int", "min": 0},
        {"sql": "SELECT 1 WHERE false", "equals": "1"},
    )
    assert reported(result) == {
        ("freshness", "a0"): "critical",
        ("freshness", "a1"): "critical",
        ("range", "a2"): "critical",
        ("equals", "a3"): "critical",
    }
    messages = {f["subject"]: f["message"] for f in result["findings"]}
    assert "returned NULL" in messages["a0"]
    assert "returned no row" in messages["a1"]
    assert "It is NULL;" in messages["a2"]
    assert "It is no row;" in messages["a3"]


def test_stores_that_differ(shop: Database, copy: Path) -> None:
    both = {"sql": "SELECT count(*), max(day) FROM daily", "other_sql": "SELECT count(*), max(day) FROM daily"}
    shop.execute("INSERT INTO daily SELECT current_date - 1, 'new', 1")
    result = look(shop, both, duckdb_file=str(copy))
    assert reported(result) == {("same", "a0: count"): "critical"}
    assert result["findings"][0]["message"] == "It is 501 here and 500 in the other store."
    assert reported(look(shop, {**both, "tolerance_percent": 1}, duckdb_file=str(copy))) == {}


def test_figures_of_any_kind(shop: Database) -> None:
    """Infinite times, numbers that are none, and bytes: none of them is a time or a number, and none ends the run."""
    odd = ["'infinity'::timestamptz", "'NaN'::numeric", "'x'::bytea", "'-infinity'::date", "1e300::numeric * 1e300"]
    result = look(shop, *[{"sql": f"SELECT {value}", "max": 1} for value in odd])
    assert {check for check, _subject in reported(result)} <= {"statement", "range"}
    assert len(reported(result)) == len(odd)


def test_two_databases_of_one_server(shop: Database) -> None:
    both = {"sql": "SELECT current_database()", "other_sql": "SELECT current_database()", "severity": "warning"}
    result = look(shop, both, other_login={"login_db": "postgres"})
    assert reported(result) == {("same", "a0"): "warning"}
    elsewhere = {"sql": "SELECT current_database()", "store": "other", "equals": "postgres"}
    assert reported(look(shop, elsewhere, other_login={"login_db": "postgres"})) == {}


def test_figures_that_are_not_as_usual(shop: Database) -> None:
    figure = {"sql": "SELECT count(*) FROM daily", "usual_percent": 30}
    previous: dict[str, float] = {}
    for _look in range(3):
        result = look(shop, figure, previous=previous)
        assert reported(result) == {}
        previous = result["measurements"]
    assert (previous["data.a0.usual"], previous["data.a0.looks"]) == (500, 3)
    shop.execute("DELETE FROM daily WHERE rate < 20")
    assert reported(look(shop, figure, previous=previous)) == {}
    shop.execute("DELETE FROM daily WHERE rate < 50")
    assert reported(look(shop, figure, previous=previous)) == {("usual", "a0"): "critical"}


FAILING = [
    ("SELECT count(*) FROM gone", "gone"),
    ("SELEC 1", "syntax error"),
    ("SELECT 1; SELECT 2", "not one single query"),
    ("SELECT 1; COMMIT; DROP TABLE daily", "not one single query"),
    ("COMMIT", "."),
    ("DELETE FROM daily", "."),
    ("DELETE FROM daily RETURNING 1", "."),
    ("WITH gone AS (DELETE FROM daily RETURNING 1) SELECT count(*) FROM gone", "."),
    ("SELECT nextval('counter')", "would change something"),
    ("SELECT set_config('transaction_read_only', 'off', false)", "."),
    ("", "."),
    ("SELECT 1 UNION ALL SELECT 2", "more than one row"),
    ("SELECT pg_sleep(3600)", "did not end within 2 seconds"),
    ("SELECT * FROM locked", "stays locked"),
]


def test_a_statement_that_fails_changes_nothing_and_hides_no_other(shop: Database) -> None:
    shop.execute("CREATE SEQUENCE counter; CREATE TABLE locked (a int)")
    holder = shop.session(autocommit=False)
    holder.cursor().execute("LOCK TABLE locked")
    assertions = [{"sql": sql, "min": 0, "timeout": 2 if "sleep" in sql else 60} for sql, _word in FAILING]
    result = look(shop, *assertions, {**YESTERDAY, "name": "last", "min": 501}, lock_timeout=0.2)
    expected = {("statement", f"a{number}"): "unknown" for number in range(len(FAILING))}
    assert reported(result) == {**expected, ("range", "last"): "critical"}
    messages = {f["subject"]: f["message"] for f in result["findings"]}
    for number, (sql, word) in enumerate(FAILING):
        assert word in messages[f"a{number}"], (sql, messages[f"a{number}"])
    assert shop.value("SELECT count(*) FROM daily") == 500


def test_statements_on_a_file_are_as_safe(shop: Database, copy: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    before = copy.read_bytes()
    statements = [
        "SELECT count(*) FROM gone",
        "SELECT 1; SELECT 2",
        "DELETE FROM daily",
        f"SELECT * FROM read_csv('{tmp_path}/secret.csv')",
        f"COPY daily TO '{tmp_path}/out.csv'",
        "SELECT * FROM daily",
        "SELECT count(*) FROM range(1000000000) a, range(1000000) b",
    ]
    assertions = [{"sql": sql, "min": 0, "store": "duckdb"} for sql in statements]
    assertions[-1]["timeout"] = 2
    result = look(shop, *assertions, {**YESTERDAY, "store": "duckdb", "min": 501}, duckdb_file=str(copy))
    expected = {("statement", f"a{number}"): "unknown" for number in range(len(statements))}
    assert reported(result) == {**expected, ("range", f"a{len(statements)}"): "critical"}
    assert "did not end within 2 seconds" in str(result["findings"])
    assert copy.read_bytes() == before
    assert not (tmp_path / "out.csv").exists()


def test_results_of_any_size_are_cut(shop: Database, copy: Path) -> None:
    endless = {"sql": "SELECT generate_series(1, 2000000000), repeat('x', 10000)", "no_rows": True}
    file = {"sql": "SELECT range, repeat('x', 10000) FROM range(2000000000)", "no_rows": True, "store": "duckdb"}
    result = look(shop, endless, file, duckdb_file=str(copy))
    assert reported(result) == {("no_rows", "a0"): "critical", ("no_rows", "a1"): "critical"}
    assert all(len(f["message"]) <= 500 for f in result["findings"])


NESTED = "(repeat('[', {0}) || repeat(']', {0}))::json"


def test_values_that_are_odd_end_nothing(shop: Database, copy: Path) -> None:
    """JSON that is nested too deep to be read, numbers that are too long, and those that no figure can be."""
    statements = [
        *(f"SELECT {NESTED.format(depth)}" for depth in (900, 960, 980, 990, 1000, 2000)),
        "SELECT repeat('9', 5000)::json",
        "SELECT repeat('9', 5000)::numeric",
        "SELECT ARRAY[repeat('9', 5000)::numeric]",
        "SELECT 'NaN'::numeric",
        "SELECT 'Infinity'::float8",
        "SELECT 'infinity'::timestamptz",
        "SELECT '200000-01-01'::date",
        "SELECT interval '178000000 years'",
        "SELECT repeat('x', 50000000)",
        "SELECT 1e308::float8 UNION ALL SELECT -1e308",
    ]
    rules = [{"min": 0}, {"equals": 1}, {"warning_age": 60}, {"usual_percent": 10}, {"no_rows": True}]
    for rule in rules:
        result = look(shop, *({"sql": sql, **rule} for sql in statements))
        assert {subject for _check, subject in reported(result)} >= {"a0", "a5"}, result


def test_usual_figures_of_any_size(shop: Database) -> None:
    figure = {"sql": "SELECT v FROM v", "usual_percent": 10}
    shop.execute("CREATE TABLE v (v float8)")
    previous: dict[str, float] = {}
    for value in ("1e-310", "1e-310", "1e-310", "5", "1e308", "-1e308"):
        shop.execute(f"DELETE FROM v; INSERT INTO v VALUES ({value})")
        result = look(shop, figure, previous=previous)
        assert not result["failed"], result
        previous = result["measurements"]


def test_a_store_that_is_down_does_not_hide_the_other(shop: Database, copy: Path) -> None:
    file = {**YESTERDAY, "store": "duckdb", "min": 501}
    result = look(shop, YESTERDAY, file, duckdb_file=str(copy), login_port=free_port())
    reached = [f["check"] for f in result["findings"]]
    assert sorted(reached) == ["data.range", "data.reachable"]
    assert result["status"] == "unhealthy"
    assert "refused" in result["msg"].lower()


def test_a_file_in_use_is_unknown_and_one_that_is_damaged_critical(shop: Database, copy: Path) -> None:
    file = {**YESTERDAY, "store": "duckdb"}
    with held(copy):
        result = look(shop, file, YESTERDAY, duckdb_file=str(copy))
        assert reported(result) == {("reachable", str(copy)): "unknown"}
    content = copy.read_bytes()
    copy.write_bytes(content[:20000] + bytes(len(content) - 20000))
    assert reported(look(shop, file, YESTERDAY, duckdb_file=str(copy)))
    copy.write_bytes(b"garbage")
    assert reported(look(shop, file, YESTERDAY, duckdb_file=str(copy))) == {("reachable", str(copy)): "critical"}


def test_a_server_that_goes_away_in_the_middle(shop: Database) -> None:
    waiting = {"sql": "SELECT pg_sleep(3600)", "equals": ""}
    results: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: results.append(look(shop, waiting)))
    thread.start()
    query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'FETCH%%' AND datname = %s"
    while thread.is_alive() and not shop.value(query, [shop.name]):
        thread.join(0.05)
    thread.join()
    assert [f["check"] for f in results[0]["findings"]] == ["data.reachable"]


def test_a_narrow_role_is_enough_and_a_missing_right_is_named(shop: Database) -> None:
    shop.execute(
        "DROP ROLE IF EXISTS data_watch; CREATE ROLE data_watch LOGIN PASSWORD 'watchword';"
        "GRANT SELECT ON sync TO data_watch"
    )
    try:
        result = look(shop, LAG, YESTERDAY, login_user="data_watch", login_password="watchword")
        assert reported(result) == {("statement", "a1"): "unknown"}
        assert "GRANT SELECT" in result["findings"][0]["advice"]
    finally:
        shop.execute("DROP OWNED BY data_watch; DROP ROLE data_watch")


WRONG = [
    ({"assertions": [{"name": "a", "sql": "SELECT 1"}]}, "has no rules"),
    ({"assertions": [{"name": "a", "sql": "SELECT 1", "min": 1, "no_rows": True}]}, "has 2 rules"),
    ({"assertions": [{"name": "a", "sql": "SELECT 1", "min": 1}] * 2}, "two are called 'a'"),
    ({"assertions": [{"name": "a", "sql": "SELECT 1", "min": 1, "store": "duckdb"}]}, "duckdb_file"),
    ({"assertions": [{"name": "a", "sql": "SELECT 1", "min": 1, "store": "other"}]}, "other_login"),
    ({"assertions": [{"name": "a", "sql": "SELECT 1", "min": 1, "timeout": 0}]}, "timeout"),
    ({"assertions": [], "time_zone": "Mars/Olympus"}, "time_zone"),
    ({"assertions": [], "rows_shown": 0}, "rows_shown"),
    ({"assertions": [], "previous": {"a": 1}}, "previous"),
]


@pytest.mark.parametrize(("options", "word"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_wrong_options_fail_before_anything_is_asked(options: dict[str, Any], word: str) -> None:
    result = run_module("data_check", login_host="127.0.0.1", login_port=free_port(), **options)
    assert result["failed"]
    assert word in result["msg"]
