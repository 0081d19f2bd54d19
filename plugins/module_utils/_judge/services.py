# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stack as the inventory declares it in ``analytics_ops_services``: read once, checked as a whole.

::

    analytics_ops_services:
      postgres: {unit: postgresql, group: db}
      redis:    {unit: redis-server, group: cache}
      api:
        unit: analytics-api
        group: app
        after: [postgres, redis]
        ready: {http: "http://127.0.0.1:8000/health", within_seconds: 60}
        drain_seconds: 30
        logs: [/opt/analytics/logs/application.log]
      worker:   {compose: {project: analytics, file: /opt/analytics/compose.yml, service: worker}, group: app}
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import urlsplit

from .._errors import InputError
from .inventory import Problems, Reader, pattern, shown
from .waves import all_needs, cycle_text, cycles, did_you_mean

VARIABLE = "analytics_ops_services"

# NONE: something else starts it (a script, a person, another machine), so that nobody here knows its state.
SYSTEMD, COMPOSE, NONE = "systemd", "compose", "none"
MANAGERS = (SYSTEMD, COMPOSE, NONE)
POSTGRESQL, REDIS, HTTP, OTHER = "postgresql", "redis", "http", "other"
DEFAULT_PORTS = {POSTGRESQL: 5432, REDIS: 6379}

KEYS = (
    *("manager", "unit", "compose", "group", "kind", "port", "after", "ready"),
    *("drain_seconds", "logs", "edge", "maintenance_file"),
)
READY_KEYS = ("http", "tcp", "command", "within_seconds")
COMPOSE_KEYS = ("project", "file", "service")

# Names end up as arguments of commands: no space, and no dash in front. A backslash is how systemd escapes.
_NAME = pattern(r"[A-Za-z0-9_][A-Za-z0-9_.@:\\-]*")
_NAME_ADVICE = "Use letters, digits and _ . @ : -, beginning with a letter or a digit."
_PATH = pattern(r"/[^\0\n]*")
_PATH_ADVICE = "Give the absolute path, beginning with /."
_ANY = pattern(r"[^\0]+")

# What a name or a unit tells about the kind: 'postgresql@16-main' is a server, 'postgres-exporter' is none.
_KINDS = (
    (POSTGRESQL, pattern(r"(postgres|postgresql|timescaledb)(@.*|-?\d+(-\w+)?)?(\.service)?")),
    (REDIS, pattern(r"(redis|valkey)(-server)?(@.*|-?\d+)?(\.service)?")),
)
_HERE = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "::")  # noqa: S104 - recognised, not listened on


@dataclass(frozen=True)
class Compose:
    project: str
    file: str
    service: str


@dataclass(frozen=True)
class Ready:
    """How one knows that a service is up. Without ``http``, ``tcp`` and ``command`` its kind says how."""

    http: Optional[str] = None
    tcp: Optional[str] = None
    command: Tuple[str, ...] = ()
    within_seconds: float = 60


@dataclass(frozen=True)
class Service:
    """``port`` is the one it listens on: as given, else as ``ready`` tells, else the usual one of its ``kind``.

    An edge with a ``maintenance_file`` closes by this file, for which its web server tests, and runs on.
    """

    name: str
    manager: str
    unit: Optional[str]
    compose: Optional[Compose]
    group: str
    kind: str
    port: Optional[int]
    after: Tuple[str, ...]
    ready: Ready
    drain_seconds: float
    logs: Tuple[str, ...]
    edge: bool
    maintenance_file: Optional[str] = None

    def as_dict(self) -> Dict[str, Any]:
        """Every key, as the inventory would spell it out; reading it again gives the same service."""
        flat = asdict(self)
        del flat["name"]
        flat.update(after=list(self.after), logs=list(self.logs))
        flat["ready"]["command"] = list(self.ready.command) or None
        return flat


Services = Dict[str, Service]


def parse_services(given: Any, variable: str = VARIABLE) -> Services:
    """The checked stack, by name in the order of the inventory. Raises one ``InputError`` that names every error."""
    problems = Problems(variable)
    if not isinstance(given, Mapping):
        raise InputError(
            "{0}: is {1}.".format(variable, shown(given)),
            "Give a mapping of service names, for example {postgres: {unit: postgresql, group: db}}.",
        )
    services = {}
    for name, keys in given.items():
        if isinstance(name, str) and _NAME.fullmatch(name):
            services[name] = _service(problems, name, {} if keys is None else keys)
        else:
            problems.add(shown(name), "is no name for a service.", _NAME_ADVICE)
    for service in services.values():
        _check_dependencies(problems, service, services)
    for circle in cycles(dependencies(services)):
        problems.add(
            circle[0],
            "services wait for each other: {0}.".format(cycle_text(circle)),
            "Remove one of these from the 'after' of another.",
        )
    _check_ports(problems, services.values(), "group", lambda service: service.group)
    problems.raise_if_any()
    return services


def services_alone(given: Mapping[str, Any], variable: str = "services") -> Services:
    """Some services of the stack, checked as the stack is, but for what they need: that may run on another host."""
    alone = {
        name: {key: value for key, value in one.items() if key != "after"} if isinstance(one, Mapping) else one
        for name, one in given.items()
    }
    return parse_services(alone, variable)


def dependencies(services: Mapping[str, Service]) -> Dict[str, Tuple[str, ...]]:
    """Who needs whom, as ``waves`` wants it; names that do not exist are left out."""
    return {name: tuple(need for need in one.after if need in services) for name, one in services.items()}


def order_of_starting(services: Mapping[str, Service]) -> Dict[str, Tuple[str, ...]]:
    """Who starts after whom: after what it needs, and the edge after all that does not need an edge itself.

    Requests come in by the edge, so it opens last and closes first, whatever it says that it needs.
    """
    needs = dependencies(services)
    edges = {name for name, one in services.items() if one.edge}
    behind = [name for name in services if not ({name} | all_needs(needs, name)) & edges]
    return {name: tuple(dict.fromkeys([*needs[name], *behind])) if name in edges else needs[name] for name in services}


def hosts_of(services: Mapping[str, Service], groups: Mapping[str, Sequence[str]]) -> Dict[str, List[str]]:
    """Where each service runs; ``groups`` are the hosts of each group of the inventory."""
    return {name: sorted(groups.get(one.group, ())) for name, one in services.items()}


def services_on_host(
    services: Services, host_groups: Iterable[str], inventory_groups: Optional[Iterable[str]] = None
) -> Services:
    """The services that run on a host, told by the groups it is in; ``all`` means every host.

    ``inventory_groups`` are the names of all groups: a service of a group that is not among them would run nowhere and
    never be looked at, so that is an error. A group that exists and is empty says that the service is not wanted here.
    """
    problems = Problems(VARIABLE)
    if inventory_groups is not None:
        known = {"all", *inventory_groups}
        for service in services.values():
            if service.group not in known:
                problems.add(
                    "{0}.group".format(service.name),
                    "the inventory has no group '{0}', so the service would run nowhere.".format(service.group),
                    did_you_mean(service.group, known - {"ungrouped"}, "Add it, or choose one of its groups"),
                )
    mine = {"all", *host_groups}
    placed = {name: service for name, service in services.items() if service.group in mine}
    _check_ports(problems, placed.values(), "host", lambda service: "")
    problems.raise_if_any()
    return placed


def _service(problems: Problems, name: str, given: Any) -> Service:
    reader = Reader(problems, name, given, KEYS)
    compose = _compose(problems, name, reader)
    manager = reader.choice("manager", COMPOSE if reader.has("compose") else SYSTEMD, MANAGERS)
    if manager == COMPOSE and not reader.has("compose"):
        problems.add(name, "is managed by compose but does not say which.", "Add compose: {project, file, service}.")
    for other, owner in (("compose", COMPOSE), ("unit", SYSTEMD)):
        if reader.has(other) and manager != owner:
            reader.wrong(other, "'{0}' does not go with the manager {1}: remove one of them.".format(other, manager))
    unit = reader.text("unit", name, _NAME, _NAME_ADVICE) if manager == SYSTEMD else None
    ready = _ready(problems, name, reader)
    kind = _kind((name, unit or "", compose.service if compose else ""), ready)
    kind = reader.choice("kind", kind, (POSTGRESQL, REDIS, HTTP, OTHER))
    # An explicit null says that it listens nowhere, for example a worker that is asked through the API's port.
    port = None if "port" in reader.given else _port_of(ready) or DEFAULT_PORTS.get(kind)
    port = reader.number("port", port, 1, 65535, "the port", whole=True)
    edge = reader.flag("edge")
    if reader.has("maintenance_file") and not edge:
        reader.wrong("maintenance_file", "Only the edge closes: add 'edge: true', or remove it.")
    return Service(
        name=name,
        manager=manager,
        unit=unit,
        compose=compose,
        group=reader.text("group", name, _NAME, _NAME_ADVICE) or name,
        kind=kind,
        port=None if port is None else int(port),
        after=reader.texts("after", _ANY, "Give names of services."),
        ready=ready,
        drain_seconds=reader.number("drain_seconds", 0, 0, 86400, "seconds") or 0,
        logs=reader.texts("logs", _PATH, _PATH_ADVICE),
        edge=edge,
        maintenance_file=reader.text("maintenance_file", None, _PATH, _PATH_ADVICE),
    )


def _compose(problems: Problems, name: str, service: Reader) -> Optional[Compose]:
    if not service.has("compose"):
        return None
    reader = Reader(problems, "{0}.compose".format(name), service.given["compose"], COMPOSE_KEYS)
    missing = [key for key in COMPOSE_KEYS if not reader.has(key)]
    if missing and isinstance(service.given["compose"], Mapping):
        problems.add(reader.where, "{0} missing.".format(_listed(missing)), "Compose needs project, file and service.")
    return Compose(
        project=reader.text("project", "", _NAME, _NAME_ADVICE) or "",
        file=reader.text("file", "", _PATH, _PATH_ADVICE) or "",
        service=reader.text("service", "", _NAME, _NAME_ADVICE) or "",
    )


def _ready(problems: Problems, name: str, service: Reader) -> Ready:
    if not service.has("ready"):
        return Ready()
    reader = Reader(problems, "{0}.ready".format(name), service.given["ready"], READY_KEYS)
    ways = [key for key in ("http", "tcp", "command") if reader.has(key)]
    if len(ways) > 1:
        problems.add(reader.where, "has {0}.".format(" and ".join(ways)), "Keep the one that tells best.")
    http = reader.text("http", None, _ANY, "Give the URL of a health endpoint.")
    if http is not None and not _is_url(http):
        # Not repeated: what is wrong with it may be the password in it.
        advice = "Give http:// or https:// with a host, without user and password."
        problems.add("{0}.http".format(reader.where), "is no URL to ask for health.", advice)
        http = None
    tcp = str(reader.given["tcp"]) if reader.has("tcp") else None
    if tcp is not None and _port_of(Ready(tcp=tcp)) is None:
        reader.wrong("tcp", "Give host:port, or just the port.")
    command = reader.texts("command", _ANY, "Give the program and its arguments, each as a text.")
    within = reader.number("within_seconds", Ready.within_seconds, 0.1, 86400, "seconds")
    return Ready(http, tcp, command, within or Ready.within_seconds)


def _kind(names: Iterable[str], ready: Ready) -> str:
    for kind, expression in _KINDS:
        if any(expression.fullmatch(name.lower()) for name in names):
            return kind
    return HTTP if ready.http else OTHER


def _is_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in ("http", "https") and bool(url.hostname) and "@" not in url.netloc and url.port != 0
    except ValueError:
        return False


def _port_of(ready: Ready) -> Optional[int]:
    """The port that ``ready`` names on the service's own host; another host's port is not the service's."""
    if ready.http:
        url = urlsplit(ready.http)
        return (url.port or (443 if url.scheme == "https" else 80)) if url.hostname in _HERE else None
    if ready.tcp:
        host, colon, port = ready.tcp.rpartition(":")
        if port.isascii() and port.isdigit() and 1 <= int(port) <= 65535 and (host or not colon):
            return int(port) if not host or host.strip("[]") in _HERE else 0
    return None


def _check_dependencies(problems: Problems, service: Service, services: Services) -> None:
    for need in service.after:
        if need not in services:
            advice = did_you_mean(need, set(services) - {service.name}, "The services are")
            problems.add("{0}.after".format(service.name), "there is no service {0}.".format(shown(need)), advice)


def _check_ports(problems: Problems, services: Iterable[Service], what: str, place: Any) -> None:
    taken: Dict[Tuple[str, int], List[str]] = {}
    for service in services:
        if service.port:
            taken.setdefault((place(service), service.port), []).append(service.name)
    for (where, port), names in sorted(taken.items()):
        if len(names) > 1:
            problems.add(
                _listed(names),
                "all use port {0} of the same {1}{2}.".format(port, what, " '{0}'".format(where) if where else ""),
                "Give each its own 'port'; null for one that listens nowhere or is asked through another.",
            )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
