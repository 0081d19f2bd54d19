# SPDX-License-Identifier: GPL-3.0-or-later
"""``log_scan`` over real files: each fault is found as what it is, and nothing is found where none is."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.logs import access_line, journal, line, rotating_writer, write_log
from tests.support.modules import COLLECTIONS, found, run_module

NOW = time.time()
NOBODY = 65534


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The logs are as old as the test, not as the session: on a slow machine minutes lie between the two."""
    monkeypatch.setitem(globals(), "NOW", time.time())


def scan(path: Path | str, include_ok: bool = False, **options: Any) -> dict[str, Any]:
    """The result for one log called ``app``; options of the log and of the module together."""
    names = ("kind", "levels", "regex", "time_unit", "errors_only", "max_age")
    log = {name: options.pop(name) for name in names if name in options}
    result = run_module("log_scan", logs=[{"path": str(path), "name": "app", **log}], include_ok=include_ok, **options)
    assert not result["failed"], result["msg"]
    assert not result["changed"]
    return result


def only(result: dict[str, Any]) -> dict[str, Any]:
    assert len(result["findings"]) == 1, result["findings"]
    return result["findings"][0]


def figure(result: dict[str, Any], name: str) -> Any:
    return result["measurements"][f"log.app.{name}"]


def healthy() -> list[tuple[float, str, str]]:
    return [(NOW - 7200 + number, "INFO", f"request {number} done") for number in range(7000)]


def test_a_healthy_log_is_silent(tmp_path: Path) -> None:
    path = write_log(tmp_path / "app.log", healthy())
    result = scan(path, include_ok=True, max_age=86400)
    assert (result["status"], result["target"]) == ("healthy", "app")
    assert {finding["severity"] for finding in result["findings"]} == {"ok"}
    assert {finding["check"] for finding in result["findings"]} == set(result["checks"])
    assert (figure(result, "lines"), figure(result, "errors")) == (7000, 0)
    assert scan(path)["findings"] == []


def test_the_most_frequent_errors_are_told_for_the_review(tmp_path: Path) -> None:
    """With the time that they were counted over, and without what looks like a secret."""
    entries = [(NOW - 3000 + n, "ERROR", f"query {n} failed with password=hunter{n}") for n in range(30)]
    entries += [(NOW - 2000 + n, "ERROR", "disk is full") for n in range(3)]
    before = time.time()
    result = scan(write_log(tmp_path / "app.log", entries), since="2h")
    first, second = result["top"]
    assert (first["kind"], first["times"], first["weight"], second["times"]) == ("log.patterns", 30, None, 3)
    assert first["name"].startswith("app: ") and "failed" in first["name"] and "hunter" not in first["name"]
    assert int(before) <= first["last"] <= time.time()
    assert abs(first["last"] - first["first"] - 7200) <= 1
    assert scan(tmp_path / "app.log", since="2h", top=0)["top"] == []


@pytest.mark.parametrize(("errors", "severity"), [(50, None), (100, "warning"), (500, "critical"), (1000, "critical")])
def test_the_share_of_errors_is_judged(tmp_path: Path, errors: int, severity: str | None) -> None:
    entries = [(NOW - 600 + n / 100, "ERROR" if n < errors else "INFO", f"query {n} took {n} ms") for n in range(10000)]
    result = scan(write_log(tmp_path / "app.log", entries))
    assert figure(result, "error_percent") == errors / 100
    if severity is None:
        assert result["findings"] == []
    else:
        finding = only(result)
        assert (finding["check"], finding["severity"], finding["value"]) == ("log.error_rate", severity, errors / 100)
        assert "ERROR query <*> took <*> ms" in finding["message"]
        assert ("waking someone" in finding["advice"]) == (errors >= 1000)


def test_only_what_is_new_enough_counts_and_the_beginning_is_found(tmp_path: Path) -> None:
    entries = [(NOW - 7200 + n / 10, "ERROR", f"number {n}") for n in range(72000)]
    path = write_log(tmp_path / "error.log", entries)
    for seconds in (1, 60, 3600, 7100):
        expected = sum(1 for when, level, text in entries if when >= NOW - seconds)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - seconds))
        result = scan(path, since=stamp)
        assert abs(figure(result, "errors") - expected) <= 10, seconds
        assert figure(result, "bytes") < path.stat().st_size
    assert figure(scan(path, since="3h"), "errors") == 72000
    assert figure(scan(path, since="0"), "errors") == 0


def test_patterns_are_grouped_with_times_and_a_sample(tmp_path: Path) -> None:
    entries = [(NOW - 300 + n, "ERROR", f"cannot reach 10.0.0.{n} password=hunter22") for n in range(100)]
    entries += [(NOW - 100 + n, "CRITICAL", f"disk /dev/sd{n} full") for n in range(3)]
    result = scan(write_log(tmp_path / "error.log", entries))
    first, second = result["logs"][0]["patterns"]
    assert (first["template"], first["count"], first["level"]) == (
        "ERROR cannot reach <*> password=********",
        100,
        "error",
    )
    assert (second["template"], second["count"]) == ("CRITICAL disk /dev/sd<*> full", 3)
    assert first["first"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - 300))
    assert first["last"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - 201))
    assert "10.0.0.0" in first["sample"]
    assert "hunter22" not in json.dumps(result)


def test_an_emergency_is_critical(tmp_path: Path) -> None:
    entries = [*healthy(), (NOW - 10, "PANIC:", "could not write to file")]
    finding = only(scan(write_log(tmp_path / "app.log", entries)))
    assert (finding["check"], finding["severity"], finding["value"]) == ("log.emergencies", "critical", 1)
    assert "could not write to file" in finding["message"]


def test_named_patterns_have_limits_of_their_own(tmp_path: Path) -> None:
    path = write_log(tmp_path / "app.log", [*healthy(), (NOW - 10, "WARNING", "RateLimitExceeded for client 7")])
    finding = only(scan(path))
    assert (finding["check"], finding["subject"]) == ("log.patterns", "app: rate_limit")
    assert (finding["severity"], finding["value"], finding["warning"]) == ("warning", 1, 1)
    own = [{"name": "slow", "pattern": r"request \d{4} done", "warning": 5000, "critical": 6000}]
    finding = only(scan(path, patterns=own))
    assert (finding["subject"], finding["severity"], finding["value"]) == ("app: slow", "critical", 6000)


def test_failed_log_ins_in_an_auth_log(tmp_path: Path) -> None:
    stamps = [time.strftime("%b %e %H:%M:%S", time.localtime(NOW - 60 + n)) for n in range(30)]
    path = tmp_path / "auth.log"
    path.write_text("".join(f"{s} host sshd[1]: Failed password for root from 10.0.0.7 port 1 ssh2\n" for s in stamps))
    finding = only(scan(path))
    assert (finding["subject"], finding["severity"], finding["value"]) == ("app: failed_logins", "warning", 30)


def test_silence_where_there_should_be_none(tmp_path: Path) -> None:
    path = write_log(tmp_path / "app.log", [(NOW - 5000, "INFO", "last words")])
    finding = only(scan(path, max_age=3600))
    assert (finding["check"], finding["severity"]) == ("log.silent", "warning")
    assert 4990 < finding["value"] < 5100
    assert scan(path, max_age=6000)["findings"] == []
    (tmp_path / "app.log").write_text("")
    assert only(scan(path, max_age=3600))["check"] == "log.silent"


def test_a_missing_log_is_a_finding(tmp_path: Path) -> None:
    for path in (tmp_path / "none.log", tmp_path / "no" / "where.log", tmp_path / "*.log"):
        finding = only(scan(path))
        assert (finding["check"], finding["severity"], finding["subject"]) == ("log.readable", "warning", "app")


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root to become someone else")
def test_an_unreadable_log_is_unknown(tmp_path: Path) -> None:
    path = write_log(tmp_path / "app.log", healthy())
    path.chmod(0o600)
    code = f"import sys; sys.path.insert(0, {str(COLLECTIONS)!r})\n"
    code += "from ansible_collections.analytics.ops.plugins.module_utils._observe.log_files import open_series\n"
    code += f"import os; os.setuid({NOBODY}); print(open_series({str(path)!r}, 0, {{}}).unreadable)"
    for folder in path.parents:
        if folder.stat().st_uid == os.geteuid() and not folder.stat().st_mode & 1:
            folder.chmod(folder.stat().st_mode | 0o755)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Permission denied" in run.stdout, run.stderr


PACKERS = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}


@pytest.mark.parametrize("ending", [*PACKERS, ".zst"])
def test_rotated_and_compressed_files_belong_to_the_log(tmp_path: Path, ending: str) -> None:
    if ending == ".zst":
        zstandard = pytest.importorskip("zstandard")
        pack = zstandard.ZstdCompressor().compress
    else:
        pack = PACKERS[ending]
    path = tmp_path / "error.log"
    for age, name in (
        (4, f"error.log.3{ending}"),
        (3, f"error.log-20260101{ending}"),
        (2, "error.log.1"),
        (1, "error.log"),
    ):
        start = NOW - 3600 * age
        write_log(tmp_path / name, [(start + n * 3.6, "ERROR", f"hour {age} number {n}") for n in range(1000)])
        if name.endswith(ending):
            content = (tmp_path / name).read_bytes()
            (tmp_path / name).write_bytes(pack(content))
        os.utime(tmp_path / name, (start + 3600, start + 3600))
    (tmp_path / "error.log.other").write_text(line(NOW, "ERROR", "of someone else"))
    assert figure(scan(path), "errors") == 4000
    half = scan(path, since="210m")
    assert 3490 <= figure(half, "errors") <= 3510
    late = scan(path, since="90m")
    assert 1490 <= figure(late, "errors") <= 1510
    assert late["logs"][0]["files"] == 2
    assert figure(scan(tmp_path / "err*.log", since="90m"), "errors") >= 1490


def test_a_damaged_compressed_file_is_unknown_and_hides_nothing(tmp_path: Path) -> None:
    path = write_log(tmp_path / "error.log", [(NOW - 10, "ERROR", "new")])
    content = gzip.compress(
        b"".join(line(NOW - 100 + n / 1000, "ERROR", f"{n * 7919 % 99991}").encode() for n in range(60000))
    )
    (tmp_path / "error.log.1.gz").write_bytes(content[:100000] + b"\0" * 5000 + content[105000:])
    result = scan(path)
    finding = only(result)
    assert (finding["check"], finding["severity"]) == ("log.readable", "unknown")
    assert figure(result, "errors") > 1


def test_nothing_is_counted_twice_and_nothing_lost_whatever_rotates(tmp_path: Path) -> None:
    """A writer rotates by renaming, compresses, and truncates a copy, while we look again and again."""
    path = tmp_path / "error.log"
    counted, previous = 0, {}
    with rotating_writer(path, lines=30000) as writer:
        while writer.poll() is None:
            result = scan(path, previous=previous)
            counted, previous = counted + figure(result, "errors"), result["positions"]
    assert writer.returncode == 0
    os.utime(path, (NOW - 60, NOW - 60))  # a last line without an end is no longer being written
    result = scan(path, previous=previous)
    assert counted + figure(result, "errors") == 30000
    assert figure(scan(path, previous=result["positions"]), "errors") == 0


@pytest.mark.skipif(
    shutil.which("logrotate") is None and not Path("/usr/sbin/logrotate").exists(), reason="no logrotate"
)
@pytest.mark.parametrize("how", ["copytruncate", "compress", "dateext"])
def test_logrotate_between_two_looks(tmp_path: Path, how: str) -> None:
    path = tmp_path / "error.log"
    config = tmp_path / "rotate.conf"
    config.write_text(
        f"{path} {{\n rotate 5\n {how}\n{'' if how == 'copytruncate' else ' create'}\n su root root\n}}\n"
    )
    config.chmod(0o644)
    path.write_text("")
    total, previous = 0, {}
    for turn in range(4):
        with path.open("a") as log:
            log.writelines(line(NOW - 60 + turn, "ERROR", f"{turn} {n}") for n in range(100))
        if turn % 2 == 0:
            result = scan(path, previous=previous)
            total, previous = total + figure(result, "errors"), result["positions"]
            with path.open("a") as log:
                log.writelines(line(NOW - 60 + turn, "ERROR", f"later {turn} {n}") for n in range(50))
        if how == "dateext" and turn:
            continue  # one date, one file
        run = subprocess.run(
            ["/usr/sbin/logrotate", "-f", "-s", tmp_path / "state", config], capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr
    assert total + figure(scan(path, previous=previous), "errors") == 500
    assert figure(scan(path), "errors") == 500


def test_hostile_lines_stop_nothing_and_are_shown_harmlessly(tmp_path: Path) -> None:
    path = tmp_path / "error.log"
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(NOW - 60)).encode()
    hostile = [
        b"<script>alert(1)</script> \x1b[2J\x1b]0;title\x07",
        b"\x00\x00\xff\xfe broken \xc3\x28",
        b"x" * 10_000_000,
        b"{{ lookup('pipe', 'id') }}",
        "\u202egnitirw".encode(),
    ]
    path.write_bytes(b"".join(stamp + b" ERROR " + text + b"\r\n" for text in hostile) + stamp + b" ERROR last")
    os.utime(path, (NOW - 60, NOW - 60))
    result = scan(path, thresholds={"errors": {"warning": 1}})
    assert figure(result, "errors") == 6
    assert figure(result, "lines") == 6
    samples = [one["sample"] for one in result["logs"][0]["patterns"]]
    assert len(samples) == 6
    assert all(text.isprintable() and len(text) <= 300 for text in samples)
    finding = only(result)
    assert finding["message"].isprintable()
    assert "\u202e" not in json.dumps(result, ensure_ascii=False)


def test_a_log_without_times_is_counted_whole_and_said_so(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("ERROR: one\nINFO: two\nERROR: three\n" * 2)
    result = scan(tmp_path / "app.log")
    finding = only(result)
    assert (finding["check"], finding["severity"]) == ("log.understood", "info")
    assert figure(result, "errors") == 4


def healthy_access(count: int = 3000) -> list[str]:
    return [access_line(NOW - 600 + n / 10, f"10.0.{n % 30}.1", seconds=0.01 * (n % 40)) for n in range(count)]


def access(tmp_path: Path, lines: list[str], **options: Any) -> dict[str, Any]:
    path = tmp_path / "access.log"
    path.write_text("".join(lines))
    os.utime(path, (NOW - 30, NOW - 30))
    return scan(path, kind="access", **options)


def test_healthy_traffic_is_silent_and_measured(tmp_path: Path) -> None:
    result = access(tmp_path, healthy_access(), include_ok=True)
    assert {finding["severity"] for finding in result["findings"]} == {"ok"}
    assert (figure(result, "requests"), figure(result, "clients")) == (3000, 30)
    assert figure(result, "p50_seconds") == pytest.approx(0.195, rel=0.06)
    assert figure(result, "p99_seconds") == pytest.approx(0.39, rel=0.03)
    assert figure(result, "requests_per_minute") == pytest.approx(600, rel=0.02)
    assert access(tmp_path, healthy_access())["findings"] == []


BAD_TRAFFIC = [
    ("log.client_errors", "warning", 240, {"status": 404}),
    ("log.server_errors", "warning", 100, {"status": 502}),
    ("log.server_errors", "critical", 240, {"status": 500}),
    ("log.slow_requests", "warning", 60, {"seconds": 3.5}),
    ("log.answered_attacks", "warning", 1, {"path": "/.env"}),
    ("log.attacks", "warning", 110, {"path": "/wp-login.php", "status": 302}),
    ("log.attacks", "warning", 110, {"path": "/x?q=1%27%20or%201", "status": 302}),
    ("log.attacks", "warning", 110, {"path": "/x/../../etc/passwd", "status": 302}),
]


@pytest.mark.parametrize(("check", "severity", "count", "bad"), BAD_TRAFFIC)
def test_bad_traffic_is_what_it_is(tmp_path: Path, check: str, severity: str, count: int, bad: dict) -> None:
    lines = healthy_access() + [access_line(NOW - 60, f"10.1.{n % 25}.1", **bad) for n in range(count)]
    finding = only(access(tmp_path, lines))
    assert (finding["check"], finding["severity"]) == (check, severity)


def test_one_client_that_does_most(tmp_path: Path) -> None:
    lines = healthy_access() + [access_line(NOW - 60, "6.6.6.6") for n in range(4000)]
    finding = only(access(tmp_path, lines))
    assert (finding["check"], finding["severity"]) == ("log.top_client", "warning")
    assert "6.6.6.6" in finding["message"]
    lines = healthy_access() + [access_line(NOW - 60, "6.6.6.6", status=404) for n in range(120)]
    assert only(access(tmp_path, lines))["check"] == "log.failing_client"
    lines = healthy_access() + [access_line(NOW - 60, "6.6.6.6", status=401) for n in range(60)]
    finding = only(access(tmp_path, lines))
    assert (finding["check"], finding["subject"], finding["value"]) == ("log.denied_client", "app: 6.6.6.6", 60)


def test_few_requests_are_not_judged_by_shares(tmp_path: Path) -> None:
    lines = [access_line(NOW - 600 + n, "10.0.0.1", status=(200, 500, 404)[n % 3], seconds=9) for n in range(100)]
    assert access(tmp_path, lines)["findings"] == []


def test_an_access_log_of_another_format(tmp_path: Path) -> None:
    lines = [f"{n}|{200 if n % 10 else 503}|10.0.0.{n % 20}|{n}\n" for n in range(200)]
    assert only(access(tmp_path, lines))["check"] == "log.understood"
    regex = r"^\d+\|(?P<status>\d+)\|(?P<client>[^|]+)\|(?P<seconds>\d+)$"
    result = access(tmp_path, lines, regex=regex, time_unit="milliseconds")
    assert (only(result)["check"], only(result)["value"]) == ("log.server_errors", 10)
    assert figure(result, "p99_seconds") == pytest.approx(0.197, rel=0.03)
    entry = {"time": NOW, "remote_addr": "10.0.0.1", "request": "GET / HTTP/1.1", "status": 503, "request_time": 0.5}
    result = access(tmp_path, [json.dumps(entry) + "\n"] * 200)
    assert (only(result)["check"], only(result)["value"]) == ("log.server_errors", 100)


WRONG = [
    ({"logs": [{"path": "relative.log"}]}, "is not absolute"),
    ({"logs": [{}]}, "nothing to read"),
    ({"logs": [{"path": "/a", "journal": "b"}]}, "path and journal"),
    ({"logs": [{"journal": "--vacuum-size=1"}]}, "no name of a journal"),
    ({"logs": [{"container": "a b"}]}, "no name of a container"),
    ({"logs": [{"path": "/a"}, {"path": "/a"}]}, "two are called"),
    ({"logs": [{"path": "/a", "max_age": 0}]}, "max_age is 0"),
    ({"logs": [{"path": "/a", "regex": "("}]}, "no regular expression"),
    ({"logs": [{"path": "/a", "regex": "(?P<status>.)"}]}, "does not fit"),
    ({"since": "yesterday"}, "is no time"),
    ({"patterns": [{"name": "x", "pattern": "("}]}, "no regular expression"),
    ({"patterns": [{"name": "x", "pattern": ""}]}, "is empty"),
    ({"previous": {"/a": {"files": 3}}}, "is no position"),
    ({"top": -1}, "top: is -1"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_options_fail_with_one_clear_message(options: dict, message: str) -> None:
    result = run_module("log_scan", **{"logs": [{"path": "/nowhere/a.log"}], **options})
    assert result["failed"]
    assert message in result["msg"]


def test_a_pattern_of_paths_is_as_many_logs_as_it_names(tmp_path: Path) -> None:
    write_log(tmp_path / "a.log", [(NOW - 10, "ERROR", "a")])
    write_log(tmp_path / "b.log", [(NOW - 10, "ERROR", "b")])
    write_log(tmp_path / "b.log.1", [(NOW - 20, "ERROR", "b")])
    result = scan(tmp_path / "*.log*")
    assert [(one["name"], one["errors"]) for one in result["logs"]] == [
        (f"app:{tmp_path}/a.log", 1),
        (f"app:{tmp_path}/b.log", 2),
    ]


def test_time_that_is_over_is_unknown(tmp_path: Path) -> None:
    """300 MB that nothing decompresses in a tenth of a second."""
    plain = write_log(tmp_path / "app.log", healthy() * 20)
    text = plain.read_bytes()
    packed = tmp_path / "app.log.1.gz"
    first = line(NOW - 7300, "INFO", "the start of another file")  # else it would be taken for a copy
    packed.write_bytes(gzip.compress(first.encode() + text) * (300 * 2**20 // len(text)))
    result = scan(plain, timeout=0.1)
    assert [one["severity"] for one in found(result, "log.readable")] == ["unknown"]
    assert result["status"] != "healthy"


_MEMORY = """
import sys, time
sys.path.insert(0, {collections!r})
from ansible_collections.analytics.ops.plugins.module_utils._observe.log_read import *
from ansible_collections.analytics.ops.plugins.module_utils._observe.log_streams import *
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_lines import *
def high():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) // 1024
before = high()
levels = frozenset(("error",))
task = Task(Job(levels), None, 0.0, Clock(time.time()), time.monotonic() + 600, {workers})
read = read_log({path!r}, task, {{}})
print(read.tally.errors, read.tally.lines, high() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the high-water mark from /proc")
@pytest.mark.parametrize("workers", [1, 2])
def test_memory_is_bounded_whatever_the_size(tmp_path: Path, workers: int) -> None:
    """220 MB with errors each of its own kind, and a line of 10 MB."""
    path = tmp_path / "app.log"
    lines, filling = 0, "z" * 300
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(NOW - 60))
    with path.open("wb") as log:
        log.write(f"{stamp} ERROR ".encode() + b"y" * 10_000_000 + b"\n")
        while log.tell() < 220_000_000:
            words = "".join(chr(97 + lines // 26**k % 26) for k in range(5))
            log.write(f"{stamp} ERROR [{words}] kind {words} {filling}\n".encode())
            log.write(f"{stamp} INFO {filling}\n".encode() * 30)
            lines += 1
    code = _MEMORY.format(collections=str(COLLECTIONS), path=str(path), workers=workers)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    errors, counted, mib = map(int, run.stdout.split())
    assert (errors, counted) == (lines + 1, 31 * lines + 1)
    assert mib < 64


def test_a_real_journal_is_read(tmp_path: Path) -> None:
    directory = journal(tmp_path, "shop.service", NOW - 600)
    log = {"journal": "shop.service", "name": "app"}
    result = run_module("log_scan", logs=[log], journal_directory=str(directory), thresholds={"errors": {"warning": 1}})
    finding = found(result, "log.errors")[0]
    assert finding["value"] == 3, result
    assert {one["template"]: one["count"] for one in result["logs"][0]["patterns"]} == {
        "ERR order <*> failed": 1,
        "ERROR in the text of the service": 1,
        "ValueError: bad": 1,
    }
    again = run_module("log_scan", logs=[log], journal_directory=str(directory), previous=result["positions"])
    assert again["measurements"]["log.app.errors"] == 0
    other = run_module("log_scan", logs=[{"journal": "other.service"}], journal_directory=str(directory))
    assert other["findings"] == []


def test_what_cannot_be_asked_is_unknown(tmp_path: Path) -> None:
    result = run_module("log_scan", logs=[{"journal": "x.service"}], journal_directory=str(tmp_path / "none"))
    assert [(one["check"], one["severity"]) for one in result["findings"]] == [("log.readable", "unknown")]
    result = run_module("log_scan", logs=[{"container": "no-such-container-of-ours"}])
    assert [(one["check"], one["severity"]) for one in result["findings"]] == [("log.readable", "unknown")]


def test_a_log_of_very_many_files(tmp_path: Path) -> None:
    """Each would be open, and compared with each other: of 8 000 that took 43 s."""
    for number in range(1200):
        path = write_log(tmp_path / f"app.log.{number}", [(NOW - 60 - number, "ERROR", f"{number} failed")])
        os.utime(path, (NOW - 60 - number,) * 2)
    result = scan(tmp_path / "app.log", checks=["readable"])
    assert only(result)["message"] == f"{tmp_path}/app.log has more than 1000 files, of which the oldest were not read."
    assert (result["logs"][0]["files"], figure(result, "errors")) == (1000, 1000)
