# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventories of ``examples/`` as Ansible reads them, and the overlay that moves one to where a test runs it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible.vars.manager import VariableManager

from tests.support.sources import REPOSITORY

FOLDER = REPOSITORY / "examples"
EXAMPLES = sorted(path.parent.name for path in FOLDER.glob("*/hosts.yml"))
# What Ansible itself knows of a host.
ANSIBLE = ("ansible_", "inventory_", "group_names", "groups", "omit", "playbook_dir", "environment")

# A machine that tests at full load answers late without being ill.
BUSY = {
    name: {"warning": 60, "critical": 120}
    for name in (
        "http.response_time",
        "http.component_response_time",
        "redis.latency",
        "redis.latency_peak",
        "redis.latency_events",
        "redis.slow_commands",
        "pg.replication_lag",
    )
}


class Inventory:
    """One example. Variables are as they are written, ``templated`` as a play sees them."""

    def __init__(self, example: str) -> None:
        self.folder = FOLDER / example
        self._loader = DataLoader()
        self._inventory = InventoryManager(loader=self._loader, sources=[str(self.folder)])
        self._variables = VariableManager(loader=self._loader, inventory=self._inventory)
        self.hosts = sorted(host.name for host in self._inventory.get_hosts())
        self.groups = sorted(self._inventory.groups)

    def groups_of(self, host: str) -> list[str]:
        return sorted(group.name for group in self._inventory.get_host(host).get_groups())

    def variables(self, host: str) -> dict[str, Any]:
        everything = self._variables.get_vars(host=self._inventory.get_host(host))
        return {name: value for name, value in everything.items() if not name.startswith(ANSIBLE)}

    def templated(self, host: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
        """With the defaults of roles, which templates may refer to each other's variables."""
        everything = self._variables.get_vars(host=self._inventory.get_host(host))
        trusted = {name: _trusted(value) for name, value in defaults.items()}
        variables = {**trusted, **everything}
        templar = Templar(loader=self._loader, variables=variables)
        names = [*defaults, *self.variables(host)]
        return {name: templar.template(variables[name]) for name in names}


def _trusted(value: Any) -> Any:
    return trust_as_template(value) if isinstance(value, str) else value


def moved(value: Any, moves: Mapping[str, str]) -> Any:
    """Every text with what ``moves`` names replaced once, the longest first; paths only where a text begins."""
    longest_first = sorted(moves, key=len, reverse=True)
    names = re.compile("|".join((r"\A" if name[0] == "/" else "") + re.escape(name) for name in longest_first))
    if isinstance(value, Mapping):
        return {str(name): moved(one, moves) for name, one in value.items()}
    if isinstance(value, list):
        return [moved(one, moves) for one in value]
    return names.sub(lambda found: moves[found[0]], value) if isinstance(value, str) else value


def overlay(
    example: str,
    directory: Path,
    moves: Mapping[str, Mapping[str, str]],
    laid_over: Mapping[str, Mapping[str, Any]],
    logs: Mapping[str, Path],
) -> Path:
    """A second inventory that moves the first to this machine, and changes nothing of what it declares but that.

    ``moves`` replace addresses, ports and paths, for each host. Services are processes that no manager knows, a
    container's log is the file that ``logs`` names, there are no timers, and this machine's own state is not looked at.
    ``laid_over`` are ports and passwords for each host: a mapping only where the host has one of that name.
    """
    inventory = Inventory(example)
    (directory / "host_vars").mkdir(parents=True)
    (directory / "hosts.json").write_text(json.dumps({"all": {"hosts": dict.fromkeys(inventory.hosts)}}))
    for host in inventory.hosts:
        changed = moved(inventory.variables(host), moves[host])
        for service in changed["analytics_ops_services"].values():
            service.pop("unit", None)
            service.pop("compose", None)
            service["manager"] = "none"
        for log in changed.get("health_check_logs", []):
            if "container" in log:
                log["path"] = str(logs[log.pop("container")])
        for name, value in laid_over[host].items():
            if not isinstance(value, Mapping):
                changed[name] = value
            elif name in changed:
                changed[name] = {**changed[name], **value}
        changed["analytics_ops_thresholds"] = {**changed.get("analytics_ops_thresholds", {}), **BUSY}
        changed |= {"health_check_timers": [], "health_check_host": False, "ansible_connection": "local"}
        changed["ansible_python_interpreter"] = "{{ ansible_playbook_python }}"
        (directory / "host_vars" / f"{host}.json").write_text(json.dumps(changed, indent=1))
    return directory
