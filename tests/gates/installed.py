# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.gates.installed 3.13|3.9``: the built collection, installed into an empty place, as a user has it.

Every module, role, filter and callback has its documentation, and ansible-runner, which AWX runs everything with, runs
the weekly window by its full name over a real PostgreSQL and a real Valkey, with the newest ansible-core; the modules
run on the named Python, as those of a managed host do.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from demo.embedded.binaries import postgres_programs, valkey_server
from demo.embedded.postgres import PostgresServer
from demo.embedded.valkey import ValkeyServer
from tests.gates.galaxy import build
from tests.gates.interpreters import REPOSITORY, GateError, environment, first_interpreter, interpreter
from tests.gates.sanity import CORES, NEWEST

RUNNER = "ansible-runner==2.4.1"
PLAYBOOK = "analytics.ops.weekly_maintenance"
KINDS = {"module": "modules/*.py", "filter": "filter/*.py", "callback": "callback/*.py"}


def documented(programs: Path, collections: Path) -> int:
    plugins = {kind: {file.stem for file in (REPOSITORY / "plugins").glob(place)} for kind, place in KINDS.items()}
    plugins["role"] = {folder.name for folder in (REPOSITORY / "roles").iterdir()}
    for kind, names in plugins.items():
        full = sorted(f"analytics.ops.{name}" for name in names - {"__init__"})
        command = [str(programs / "ansible-doc"), "--json", "--type", kind, *full]
        known = json.loads(_run(command, ANSIBLE_COLLECTIONS_PATH=str(collections)))
        missing = sorted(name for name in full if name not in known)
        if missing or not full:
            raise GateError(f"ansible-doc --type {kind} does not know {', '.join(missing) or 'a single one'}.")
    return sum(len(names) for names in plugins.values())


def window(programs: Path, collections: Path, target: Path, home: Path) -> dict:
    """The report of the window, run by ansible-runner."""
    with servers(home) as (postgres, valkey):
        (home / "inventory").mkdir()
        (home / "inventory" / "hosts.yml").write_text(yaml.safe_dump(inventory(postgres, valkey, target, home)))
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        _run(
            [str(programs / "ansible-runner"), "run", str(home), "--playbook", PLAYBOOK],
            PATH=path,
            ANSIBLE_COLLECTIONS_PATH=str(collections),
            ANSIBLE_HOME=str(home / "ansible"),
            ANSIBLE_CALLBACKS_ENABLED="analytics.ops.operator_report",
            ANALYTICS_OPS_REPORT_FILE=str(home / "report.json"),
        )
    return dict(json.loads((home / "report.json").read_text()), stats=artifacts(home))


def artifacts(home: Path) -> dict:
    """What ansible-runner, and AWX with it, hands to the next job of a workflow."""
    for event in sorted(home.glob("artifacts/*/job_events/*.json")):
        data = json.loads(event.read_text())
        if data.get("event") == "playbook_on_stats":
            return data["event_data"].get("artifact_data", {})
    return {}


@contextmanager
def servers(home: Path) -> Iterator[tuple[PostgresServer, ValkeyServer]]:
    postgres = PostgresServer(postgres_programs(), home / "postgres").create().start()
    try:
        valkey = ValkeyServer(valkey_server(), home / "valkey").start()
        try:
            yield postgres, valkey
        finally:
            valkey.stop()
    finally:
        postgres.stop()


def inventory(postgres: PostgresServer, valkey: ValkeyServer, target: Path, home: Path) -> dict:
    (home / "backups").mkdir()
    (home / "locks").mkdir()
    login = {"login_host": "127.0.0.1", "login_port": postgres.port, "login_user": "postgres"}
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": str(target),
        "analytics_ops_services": {
            "postgres": {"group": "all", "manager": "none", "port": postgres.port},
            "redis": {"group": "all", "manager": "none", "port": valkey.port},
        },
        "analytics_ops_postgresql_login": {**login, "login_password": postgres.password, "login_db": "postgres"},
        "analytics_ops_redis_login": {"login_port": valkey.port, "login_password": valkey.password},
        "analytics_ops_postgresql_programs": str(postgres.programs),
        "analytics_ops_backup_directory": str(home / "backups"),
        "analytics_ops_lock_directory": str(home / "locks"),
        # How the machine is that runs the tests says nothing about the collection: it is looked at, but not judged.
        "analytics_ops_fail_on": "never",
        "redis_maintenance_rules": [{"pattern": "tmp:*", "state": "absent"}],
    }
    return {"all": {"hosts": {"stack1": variables}}}


def judge(report: dict) -> list[str]:
    """What the report should say of a window over an empty database: a proven backup, nothing wrong, nothing failed."""
    wrong = [f"{failure['task']}: {failure['message']}" for failure in report["failures"]]
    # The window itself mends that there was no backup; what it could not mend is not resolved.
    left = [found for found in report["findings"] if found["state"] != "resolved"]
    left = [found for found in left if not found["check"].startswith("host.")]
    wrong += [f"{f['check']}: {f['message']}" for f in left if f["severity"] in ("critical", "unknown")]
    if not any(step["action"] == "dump" for step in report["steps"]):
        wrong.append("no backup was made")
    if report["stats"].get("analytics_ops_status") not in ("healthy", "degraded", "unhealthy"):
        wrong.append(f"a workflow is told nothing: {report['stats']}")
    if len(report["measurements"]) < 4:
        wrong.append(f"only {[one['target'] for one in report['measurements']]} were looked at")
    return wrong


def _run(command: list[str], **variables: str) -> str:
    # Nothing of the checkout: neither its ansible.cfg nor the collection in it.
    outside = {name: value for name, value in os.environ.items() if name != "ANSIBLE_CONFIG"}
    done = subprocess.run(command, env={**outside, **variables}, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode:
        raise GateError(f"{' '.join(command[:4])} … failed:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
    return done.stdout


def main(version: str) -> int:
    home = Path(tempfile.mkdtemp(prefix="installed-"))
    home.chmod(0o755)
    try:
        _found, newest = first_interpreter(*CORES[NEWEST])
        programs = environment(f"runner-{NEWEST}", newest, f"ansible-core=={NEWEST}.*", RUNNER)
        python = interpreter(version)
        if python is None:
            raise GateError(f"There is no Python {version} on this machine.")
        drivers = environment(f"target-{version}", python, "-r", str(REPOSITORY / "meta" / "ee-requirements.txt"))
        install = [str(programs / "ansible-galaxy"), "collection", "install", "--offline"]
        _run([*install, "-p", str(home / "collections"), str(build())])
        collections = home / "collections"
        plugins = documented(programs, collections)
        playbook = [str(programs / "ansible-playbook"), "--syntax-check", "analytics.ops.daily_health_check"]
        _run(playbook, ANSIBLE_COLLECTIONS_PATH=str(collections))
        wrong = judge(window(programs, collections, drivers / "python", home))
    except GateError as error:
        wrong = [str(error)]
    finally:
        shutil.rmtree(home, ignore_errors=True)
    print("\n".join(wrong) or f"{plugins} plugins and roles are documented; the window ran on Python {version}.")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
