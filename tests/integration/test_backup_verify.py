# SPDX-License-Identifier: GPL-3.0-or-later
"""``backup_verify`` on what real servers and their tools write, whole and damaged."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.backup import Backup
from ansible_collections.analytics.ops.plugins.module_utils._observe.backup_checksum import Checksums
from ansible_collections.analytics.ops.plugins.module_utils._observe.backup_reader import Request, read_backup
from ansible_collections.analytics.ops.plugins.module_utils._observe.backup_stream import Guard

from tests.support.backup_damage import committed_table, measure_all, table
from tests.support.backups import every_dump, fill, pg_basebackup, pg_dump, write_checksum
from tests.support.databases import Database
from tests.support.modules import found, run_module


@pytest.fixture(scope="module")
def dumps(postgres, tmp_path_factory) -> dict[str, Path]:
    with Database.fresh(postgres, "backup_verify") as database:
        fill(database)
        return every_dump(database, tmp_path_factory.mktemp("dumps"))


def test_good_dumps_are_no_alarm_at_any_level(dumps):
    expected = {name.split(",")[0] for name in dumps}
    for level in ("present", "structure", "full"):
        result = run_module("backup_verify", path=[str(path) for path in dumps.values()], level=level)
        assert {backup["format"] for backup in result["backups"]} == expected
        assert {backup["level"] for backup in result["backups"]} == {level}
        assert {finding["check"] for finding in result["findings"]} <= {"backup.provable"}


def test_good_dumps_with_checksums_are_healthy(dumps):
    stored = [write_checksum(path) for path in dumps.values()]
    try:
        for level in ("checksum", "full"):
            result = run_module("backup_verify", path=[str(path) for path in dumps.values()], level=level, jobs=4)
            assert (result["status"], result["findings"]) == ("healthy", [])
            assert {backup["level"] for backup in result["backups"]} == {level}
    finally:
        for path in stored:
            path.unlink()


def test_only_content_without_a_checksum_of_its_own_is_degraded(dumps):
    result = run_module("backup_verify", path=[str(path) for path in dumps.values()])
    status = {backup["path"]: backup["status"] for backup in result["backups"]}
    for name, path in dumps.items():
        proven = name in ("custom", "directory", "plain, gzip", "plain, zstd (program)", "plain, lz4 (program)")
        assert status[str(path)] == ("healthy" if proven else "degraded"), name


def test_schema_only_and_empty_database_and_cluster_dumps(postgres, tmp_path):
    with Database.fresh(postgres, "backup_verify_empty") as database:
        for name, *arguments in (("a.dump", "-Fc"), ("b.dir", "-Fd"), ("c.tar", "-Ft"), ("d.sql.gz", "-Z6")):
            pg_dump(database, tmp_path / name, *arguments)
        fill(database)
        pg_dump(database, tmp_path / "e.dump", "-Fc", "--schema-only")
        pg_dump(database, tmp_path / "f.dump", "-Fc", "--inserts")
        pg_dump(database, tmp_path / "g.dir", "-Fd", "--rows-per-insert=50", "-Z0", "-j2")
        pg_dump(database, tmp_path / "h.sql", "--column-inserts")
        pg_dump(database, tmp_path / "all.sql", program="pg_dumpall")
        pg_dump(database, tmp_path / "globals.sql", "--globals-only", program="pg_dumpall")
    for path in list(tmp_path.iterdir()):
        write_checksum(path)
    result = run_module(
        "backup_verify", path=[str(tmp_path)], thresholds={"backup.size": {"warning": None, "critical": None}}
    )
    assert len(result["backups"]) == 10
    assert result["findings"] == []


def test_custom_archive_written_to_a_pipe_or_by_redirection_and_one_in_gzip(postgres, dumps, tmp_path):
    import gzip
    import os
    import subprocess

    with Database.fresh(postgres, "backup_verify_pipe") as database:
        fill(database)
        piped = tmp_path / "piped.dump"
        redirected = tmp_path / "redirected.dump"
        program = f"'{postgres.programs}/pg_dump' -Fc"
        command = f"{program} | cat > '{piped}'; {program} > '{redirected}'"
        environment = {"PGHOST": "127.0.0.1", "PGPORT": str(postgres.port), "PGUSER": "postgres"}
        environment.update(PGDATABASE=database.name, PGPASSWORD=postgres.password)
        subprocess.run(["bash", "-c", "set -o pipefail; " + command], env={**os.environ, **environment}, check=True)
    (tmp_path / "wrapped.dump.gz").write_bytes(gzip.compress(dumps["custom, uncompressed"].read_bytes()))
    (tmp_path / "wrapped.tar.gz").write_bytes(gzip.compress(dumps["tar"].read_bytes()))
    result = run_module("backup_verify", path=[str(tmp_path)])
    assert {finding["check"] for finding in result["findings"]} == {"backup.provable"}
    assert [(b["format"], b["compression"], b["status"]) for b in result["backups"]] == [
        ("custom", "none", "healthy"),
        ("custom", "none", "healthy"),
        ("custom", "gzip", "healthy"),
        ("tar", "gzip", "healthy"),
    ]


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_other_encodings_are_no_damage(postgres, tmp_path, encoding):
    maintenance = Database(postgres, "postgres")
    maintenance.execute("DROP DATABASE IF EXISTS other_encoding")
    maintenance.execute(f"CREATE DATABASE other_encoding TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
    database = Database(postgres, "other_encoding")
    try:
        # Bytes that are no UTF-8.
        database.execute("CREATE TABLE t AS SELECT convert_from('\\xe4f6fc'::bytea, getdatabaseencoding()) AS a")
        for name, *arguments in (("a.dump", "-Fc", "-Z0"), ("b.dir", "-Fd", "-Z0"), ("c.tar", "-Ft"), ("d.sql", "-Fp")):
            write_checksum(pg_dump(database, tmp_path / name, *arguments))
        result = run_module("backup_verify", path=[str(tmp_path)])
        assert (len(result["backups"]), result["findings"]) == (4, [])
    finally:
        database.close()
        maintenance.execute("DROP DATABASE other_encoding WITH (FORCE)")
        maintenance.close()


@pytest.mark.parametrize("name", ["custom", "custom, uncompressed", "tar", "plain, gzip"])
def test_bytes_behind_the_end_are_a_warning(dumps, tmp_path, name):
    copy = tmp_path / dumps[name].name
    copy.write_bytes(dumps[name].read_bytes() + b"rubbish")
    result = run_module("backup_verify", path=[str(copy)])
    assert [f["severity"] for f in found(result, "backup.trailing")] == ["warning"]
    assert result["status"] == "degraded"


def test_damage_is_named_by_table_and_place(dumps, tmp_path):
    data = bytearray(dumps["custom"].read_bytes())
    data[len(data) // 2] ^= 0x10
    copy = tmp_path / "damaged.dump"
    copy.write_bytes(data)
    (finding,) = found(run_module("backup_verify", path=[str(copy)]), "backup.content")
    assert finding["severity"] == "critical"
    assert "'events'" in finding["message"]
    assert "at byte" in finding["message"]
    assert "take and verify one now" in finding["advice"]


@pytest.mark.parametrize("missing", ["largest", "toc.dat", "blobs"])
@pytest.mark.parametrize("level", ["structure", "full"])
def test_missing_part_of_a_directory(dumps, tmp_path, missing, level):
    copy = tmp_path / "dump.dir"
    shutil.copytree(dumps["directory"], copy)
    parts = sorted(copy.iterdir(), key=lambda path: path.stat().st_size)
    gone = {"largest": parts[-1], "toc.dat": copy / "toc.dat", "blobs": next(copy.glob("blobs*.toc"))}[missing]
    gone.unlink()
    result = run_module("backup_verify", path=[str(copy)], level=level)
    (backup,) = result["backups"]
    assert (backup["format"], backup["status"]) == ("directory", "unhealthy")
    assert found(result, "backup.complete")


@pytest.mark.parametrize("kind", ["pipe", "one long line"])
def test_a_list_of_large_objects_that_has_no_end(dumps, tmp_path, kind):
    """A pipe that nobody writes to, and as many zeros as fit into no memory, which take no room on the disk."""
    copy = tmp_path / "dump.dir"
    shutil.copytree(dumps["directory"], copy)
    listing = next(copy.glob("blobs*.toc"))
    listing.unlink()
    if kind == "pipe":
        os.mkfifo(listing)
    else:
        listing.touch()
        os.truncate(listing, 200 * 1024**3)
    result = run_module("backup_verify", path=[str(copy)], level="structure")
    assert found(result, "backup.structure")


def test_hostile_file_names_in_a_table_of_contents_lead_nowhere(dumps, tmp_path):
    copy = tmp_path / "dump.dir"
    shutil.copytree(dumps["directory"], copy)
    toc = (copy / "toc.dat").read_bytes()
    name = next(path.name[:-3] for path in copy.glob("[0-9]*.dat.gz")).encode()
    (copy / "toc.dat").write_bytes(toc.replace(name, (b"../../../" + name)[: len(name)], 1))
    result = run_module("backup_verify", path=[str(copy)])
    assert "outside of the dump" in found(result, "backup.structure")[0]["message"]


@pytest.mark.parametrize("name", ["custom", "custom, uncompressed", "tar", "directory"])
def test_random_rubbish_in_the_table_of_contents_is_damage_and_never_an_error(dumps, tmp_path, name):
    original = dumps[name]
    copy = tmp_path / original.name
    shutil.copytree(original, copy) if original.is_dir() else shutil.copy(original, copy)
    file = copy / "toc.dat" if copy.is_dir() else copy
    good = file.read_bytes()
    chosen = random.Random(7)
    kinds = set()
    for _round in range(150):
        data = bytearray(good)
        start = chosen.randrange(min(len(data), 2500))
        length = chosen.choice((1, 1, 4, 40))
        data[start : start + length] = chosen.randbytes(length)
        file.write_bytes(data)
        backup = Backup(str(copy), name.split(",")[0], size_bytes=1)
        reading = read_backup(backup, Request("full"), Guard(), Checksums())
        kinds.update(flaw.kind for flaw in reading.flaws)
    assert "structure" in kinds
    assert kinds <= {"structure", "content", "complete", "trailing", "level"}


@pytest.fixture(scope="module", params=["plain", "tar"])
def base_backup(postgres, request, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("base") / "base"
    return pg_basebackup(postgres, target, *(["-Ft", "-z"] if request.param == "tar" else []))


def test_base_backup(postgres, base_backup):
    result = run_module("backup_verify", path=[str(base_backup)], programs=str(postgres.programs))
    (backup,) = result["backups"]
    assert backup["format"] == "base_backup"
    major = int(str(postgres.programs.parent.name))
    if (base_backup / "base.tar.gz").exists() and major < 18:
        assert (backup["status"], backup["level"]) == ("degraded", "structure")
        assert "PostgreSQL 18" in found(result, "backup.level")[0]["message"]
    else:
        assert (backup["status"], backup["level"], backup["findings"]) == ("healthy", "full", [])


def test_base_backup_without_programs_reaches_structure(base_backup, tmp_path):
    result = run_module("backup_verify", path=[str(base_backup)], programs=str(tmp_path))
    (backup,) = result["backups"]
    assert (backup["status"], backup["level"]) == ("degraded", "structure")
    assert "pg_verifybackup" in found(result, "backup.level")[0]["message"]
    structure = run_module("backup_verify", path=[str(base_backup)], programs=str(tmp_path), level="structure")
    assert structure["status"] == "healthy"


def test_damaged_manifest_is_seen_without_programs(base_backup, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(base_backup, copy)
    manifest = copy / "backup_manifest"
    manifest.write_bytes(manifest.read_bytes().replace(b'"Size": 8192', b'"Size": 8193', 1))
    result = run_module("backup_verify", path=[str(copy)], level="structure")
    assert "own checksum" in found(result, "backup.structure")[0]["message"]


def test_what_each_level_finds_is_what_the_documentation_says(tmp_path, postgres):
    """Measured anew, with the seed of the page. After a wanted change: python -m tests.support.backup_damage."""
    major = int(postgres.programs.parent.name)
    measured = measure_all(tmp_path, major)
    if major == 18:
        assert table(measured) == committed_table()
    for name, columns in measured.items():
        full = columns.get("checksum stored", columns["full"])
        missed = {
            kind: count for kind, count in full.items() if count < {"flip": 10, "zero": 10, "cut": 3}.get(kind, 0)
        }
        # WAL is not in the manifest of a base backup, and most of its last segment is never read.
        assert not missed or name == "base backup" or (name == "base backup, tar" and major < 18), (name, columns)
