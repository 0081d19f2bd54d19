# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the state of Compose services with the ``docker`` command, in a call or two for all of a host."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from .._errors import Unreachable
from .._judge.finding import CRITICAL, UNKNOWN
from .._judge.service_facts import Container
from .._judge.services import Compose
from .._judge.text import printable
from .program import Said, ask

_PROJECT, _SERVICE = "com.docker.compose.project", "com.docker.compose.service"
_ONE_OFF = "com.docker.compose.oneoff"
# Only this, line by line: the whole answer would hold every container's environment, and the secrets in it.
_FORMAT = (
    '{"name":{{json .Name}},"state":{{json .State}},"restarts":{{json .RestartCount}},"created":{{json .Created}},'
    '"policy":{{json .HostConfig.RestartPolicy.Name}},"labels":{{json .Config.Labels}}}'
)
_AT_ONCE = 200
_MOST_COMPLAINTS = 20000
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?\d*Z")


class DockerSilent(Unreachable):
    """``severity`` tells a dead engine from one that this user may not ask."""

    def __init__(self, message: str, advice: str, severity: str = CRITICAL) -> None:
        super().__init__(message, advice)
        self.severity = severity


def containers(places: Iterable[Compose], seconds: float) -> Dict[Tuple[str, str], Tuple[Container, ...]]:
    """The containers of each project and service, by name, those that do not run included. Raises ``DockerSilent``."""
    wanted = {(place.project, place.service) for place in places}
    line = '{{.ID}} {{.Label "' + _PROJECT + '"}} {{.Label "' + _SERVICE + '"}} {{.Label "' + _ONE_OFF + '"}}'
    listed = ask(["docker", "ps", "--all", "--no-trunc", "--filter", "label=" + _PROJECT, "--format", line], seconds)
    if not listed.good:
        raise _silent(listed, seconds)
    chosen = []
    for parts in (row.split(" ") for row in listed.output.splitlines()):
        # 'docker compose run' leaves containers of its own, which are not the service.
        if len(parts) == 4 and (parts[1], parts[2]) in wanted and parts[3] != "True":
            chosen.append(parts[0])
    found: Dict[Tuple[str, str], List[Container]] = {place: [] for place in wanted}
    for answer in _inspected(chosen, seconds):
        labels = answer.get("labels") or {}
        place = (labels.get(_PROJECT), labels.get(_SERVICE))
        if place in found:
            found[place].append(_container(answer))
    return {place: tuple(sorted(them, key=lambda one: one.name)) for place, them in found.items()}


def _inspected(chosen: Sequence[str], seconds: float) -> Iterator[Mapping[str, Any]]:
    for start in range(0, len(chosen), _AT_ONCE):
        part = chosen[start : start + _AT_ONCE]
        said = ask(["docker", "inspect", "--type", "container", "--format", _FORMAT, *part], seconds)
        if not said.good and "No such" not in said.errors:  # one that went away meanwhile is no error of Docker's
            raise _silent(said, seconds)
        for line in said.output.splitlines():
            try:
                answer = json.loads(line)
            except ValueError:
                continue
            if isinstance(answer, dict) and isinstance(answer.get("state"), dict):
                yield answer


def _container(answer: Mapping[str, Any]) -> Container:
    state = answer["state"]
    health = state.get("Health") or {}
    log = health.get("Log") or [{}]
    return Container(
        name=printable(str(answer.get("name") or "").lstrip("/"), 120),
        status=printable(state.get("Status") or "", 40),
        exit_code=_whole(state.get("ExitCode")),
        oom_killed=state.get("OOMKilled") is True,
        error=str(state.get("Error") or ""),
        health=str(health.get("Status") or ""),
        health_log=" ".join(str(log[-1].get("Output") or "").split()),
        restarts=_whole(answer.get("restarts")),
        policy=str(answer.get("policy") or ""),
        created=_time(answer.get("created")),
        started=_time(state.get("StartedAt")),
        finished=_time(state.get("FinishedAt")),
    )


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _time(value: Any) -> Optional[float]:
    """Docker writes nanoseconds, and the year 1 for never."""
    match = _TIME.fullmatch(str(value))
    if not match or match.group(1).startswith("0001"):
        return None
    moment = datetime.strptime(match.group(1), "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return moment.timestamp() + float(match.group(2) or 0)


def last_lines(container: Container, most: int, seconds: float) -> Tuple[str, ...]:
    """The last lines of its last run; nothing where its log cannot be read."""
    # Docker notes the start a little later than the first line may be written.
    since = [] if container.started is None else ["--since", "{0:.3f}".format(container.started - 1)]
    said = ask(["docker", "logs", "--timestamps", "--tail", str(most), *since, "--", container.name], seconds)
    if not said.good:
        return ()
    # Its two streams come apart; the times put them together again.
    lines = sorted(line for line in (said.output + "\n" + said.errors).split("\n") if line)
    return tuple(line.partition(" ")[2].strip() for line in lines[-most:])


@dataclass(frozen=True)
class Declared:
    """What a Compose file wants of each service; nothing of one that cannot be read. ``complaints`` says why not."""

    replicas: Mapping[str, int]
    complaints: str


def declared(places: Iterable[Compose], seconds: float) -> Dict[Tuple[str, str], Declared]:
    """By project and file."""
    found: Dict[Tuple[str, str], Declared] = {}
    for project, file in sorted({(place.project, place.file) for place in places}):
        said = ask(
            ["docker", "compose", "--project-name", project, "--file", file, "config", "--format", "json"], seconds
        )
        try:
            services = json.loads(said.output)["services"] if said.good else {}
        except (ValueError, KeyError, TypeError):
            services = {}
        replicas = {}
        for name, service in services.items():
            number = (service.get("deploy") or {}).get("replicas", service.get("scale", 1))
            replicas[name] = number if isinstance(number, int) else 1
        found[project, file] = Declared(replicas, said.errors[:_MOST_COMPLAINTS])
    return found


def _silent(said: Said, seconds: float) -> DockerSilent:
    # Warnings about its own configuration stand before it.
    reason = printable((said.errors.strip().splitlines() or ["it said nothing."])[-1], 200)
    if said.missing:
        return DockerSilent("There is no program 'docker' on this host.", "Install it, or correct the declared stack.")
    if said.code is None:
        return DockerSilent(
            "Docker does not answer within {0:g} s.".format(seconds),
            "Look at the engine: systemctl status docker, and the load and disks of the host.",
        )
    if "permission denied" in reason.lower():
        return DockerSilent(
            "This user may not ask Docker: {0}".format(reason),
            "Use 'become', or add the user to the group 'docker' (which is as good as root).",
            UNKNOWN,
        )
    return DockerSilent("Docker does not answer: {0}".format(reason), "Start it: systemctl start docker.")
