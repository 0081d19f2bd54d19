# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way to Redis and Valkey: one connection, many commands in one round trip, no wait longer than allowed.

Works with the ``redis`` library from 4.3 (Debian 12) on. What connects, logs in, speaks TLS and the protocol is the
library's ``Connection``; its ``Redis`` class is not used, because it retries, reconnects and decodes behind our back.
"""

from __future__ import annotations

import inspect
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from .._errors import Unreachable
from .._judge.checks import Unavailable
from .._judge.redis_facts import Info
from .._run import require_driver

# What the server, the library or the system says, and what to do about it.
_ADVICE_BY_TEXT = (
    ("wrongpass", "Check login_user and login_password; an ACL user may also be switched off."),
    ("invalid username", "Check login_user and login_password; an ACL user may also be switched off."),
    ("authentication required", "Give login_password (and login_user, where the server has ACL users)."),
    ("without any password configured", "The server has no password: leave login_password out."),
    ("no password is set", "The server has no password: leave login_password out."),
    ("max number of clients", "Every connection is in use: raise maxclients, or find who holds them (CLIENT LIST)."),
    ("protected mode", "The server has no password and only takes local clients: log in from its own host."),
    ("is loading", "Wait: the server is reading its data from disk. INFO persistence shows the progress."),
    ("db index", "Check login_db: the server has fewer logical databases (setting 'databases')."),
    ("connection refused", "Is the server running, and does it listen there? Check login_host and login_port."),
    ("no such file", "Is the server running? Check login_unix_socket and the server's setting 'unixsocket'."),
    ("permission denied", "The user the module runs as may not use this socket: see the setting 'unixsocketperm'."),
    ("not known", "The name does not resolve on the host the module runs on. Check login_host."),
    ("name resolution", "The name does not resolve on the host the module runs on. Check login_host."),
    ("certificate", "Check ca_certs, and that the server's certificate is valid for login_host."),
    ("ssl", "Does the server speak TLS on this port? Check tls, ca_certs, client_cert_file and client_key_file."),
    ("reset by peer", "Something ended the connection: a TLS-only port, a firewall, or the server going down."),
    ("closed", "Something ended the connection: a TLS-only port, a full server, or the server going down."),
)


class RedisLogin(NamedTuple):
    """Where and as whom to connect; the options of the doc fragment ``analytics.ops.redis``."""

    login_host: str = "localhost"
    login_port: int = 6379
    login_user: Optional[str] = None
    login_password: Optional[str] = None
    login_db: int = 0
    login_unix_socket: Optional[str] = None
    tls: bool = False
    validate_certs: bool = True
    ca_certs: Optional[str] = None
    client_cert_file: Optional[str] = None
    client_key_file: Optional[str] = None
    connect_timeout: float = 5.0

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> RedisLogin:
        return cls(**{name: params[name] for name in cls._fields if params.get(name) is not None})

    @property
    def target(self) -> str:
        """Names the database in results, without user or password: ``redis://cache1:6379/0``."""
        if self.login_unix_socket:
            return "unix://{0}?db={1}".format(self.login_unix_socket, self.login_db)
        return "{0}://{1}:{2}/{3}".format(
            "rediss" if self.tls else "redis", self.login_host, self.login_port, self.login_db
        )

    @property
    def user(self) -> str:
        return self.login_user or "default"

    def keywords(self) -> Dict[str, Any]:
        """For the library's connection classes."""
        common: Dict[str, Any] = {
            "db": self.login_db,
            "username": self.login_user or None,
            "password": self.login_password or None,
            "socket_timeout": self.connect_timeout,
        }
        if self.login_unix_socket:
            return dict(common, path=self.login_unix_socket)
        common.update(host=self.login_host, port=self.login_port, socket_connect_timeout=self.connect_timeout)
        if self.tls:
            common.update(
                ssl_cert_reqs="required" if self.validate_certs else "none",
                ssl_check_hostname=self.validate_certs,
                ssl_ca_certs=self.ca_certs,
                ssl_certfile=self.client_cert_file,
                ssl_keyfile=self.client_key_file,
            )
        return common


class Failure(NamedTuple):
    """An error reply: the server understood who asks, and would not do it."""

    text: str

    @property
    def denied(self) -> bool:
        """The ACL user may not run this command or touch this key."""
        # The second is how Redis 7 puts it when a script runs into the rule.
        return any(words in self.text.lower() for words in ("no permissions", "user executing the script can't"))

    @property
    def missing(self) -> bool:
        """The command is not there: too old a server, or renamed or disabled by who runs it."""
        lower = self.text.lower()
        return "unknown command" in lower or "unknown subcommand" in lower


class RedisClient:
    """One connection. Use it as a context manager. Replies are bytes, numbers, lists or ``Failure``."""

    def __init__(self, login: RedisLogin) -> None:
        self.login = login
        # What the server answered to the first PING, if that was an error.
        self.ping_failure: Optional[Failure] = None
        self._connection: Any = None

    def __enter__(self) -> RedisClient:
        self._redis = require_driver("redis", "redis", "python3-redis")
        self._connection = self._connect()
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.disconnect()

    def ask(self, commands: Sequence[Sequence[Any]]) -> List[Any]:
        """Run ``commands`` in one round trip; one reply each. An error reply is returned, not raised.

        Raises ``Unreachable`` when the connection is lost or does not answer in time.
        """
        self.send(commands)
        return [self.receive() for command in commands]

    def call(self, *command: Any) -> Any:
        return self.ask([command])[0]

    def send(self, commands: Sequence[Sequence[Any]]) -> None:
        """Send without waiting; every command must be met by one ``receive``, in order."""
        with self._watched():
            self._connection.send_packed_command(self._connection.pack_commands(commands))

    def receive(self) -> Any:
        try:
            with self._watched():
                return self._connection.read_response()
        except self._redis.ResponseError as error:
            return Failure(str(error))

    def _connect(self) -> Any:
        library = self._redis
        login = self.login
        if login.login_unix_socket:
            kind = library.UnixDomainSocketConnection
        else:
            kind = library.SSLConnection if login.tls else library.Connection
        known = {name for base in kind.__mro__[:-1] for name in inspect.signature(base.__init__).parameters}
        wishes = {
            # The second protocol is what every version speaks, and its replies are plain.
            "protocol": 2,
            # CLIENT SETINFO would only be denied to narrow users, and show up in the server's ACL log.
            **({"driver_info": None} if "driver_info" in known else {"lib_name": None, "lib_version": None}),
            "ssl_check_hostname": None,
        }
        keywords = {name: value for name, value in wishes.items() if name in known}
        keywords.update(
            (name, value) for name, value in login.keywords().items() if name not in wishes or name in known
        )
        self._connection = kind(**keywords)
        with self._watched(connecting=True):
            self._connection.connect()
            # Only now has the server really answered: connecting alone is done by the operating system.
            self._connection.send_command("PING")
            try:
                self._connection.read_response()
            except library.ResponseError as error:
                # An answer, though not PONG: no right to PING, or a server that cannot save and so says MISCONF.
                self.ping_failure = Failure(str(error))
            except library.exceptions.BusyLoadingError:
                # Such a server still answers INFO; the library has closed the connection over it, though.
                self._connection.connect()
        return self._connection

    def _watched(self, connecting: bool = False) -> _Watched:
        return _Watched(self._redis, self.login, connecting)


class _Watched:
    """Turns what the library raises when the server is gone, silent or unwilling into ``Unreachable``."""

    def __init__(self, library: Any, login: RedisLogin, connecting: bool) -> None:
        self.library = library
        self.login = login
        self.connecting = connecting

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        library, target, seconds = self.library, self.login.target, self.login.connect_timeout
        if isinstance(error, (library.TimeoutError, TimeoutError)):
            if self.connecting:
                raise Unreachable(
                    "{0} did not answer within {1:g} seconds.".format(target, seconds),
                    "The port is open or filtered but nothing speaks the Redis protocol{0} there in time: look at the "
                    "server's load, its slow log and at firewalls; raise connect_timeout if it is only slow.".format(
                        " over TLS" if self.login.tls else ""
                    ),
                ) from error
            raise Unreachable(
                "{0} stopped answering within {1:g} seconds.".format(target, seconds),
                "Look at the server's load and slow log; the connection was given up.",
            ) from error
        if isinstance(error, (library.ConnectionError, OSError)) or (
            self.connecting and isinstance(error, library.RedisError)
        ):
            text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            lower = text.lower()
            advice = next((advice for part, advice in _ADVICE_BY_TEXT if part in lower), "Look at the server's log.")
            raise Unreachable("{0} cannot be used: {1}.".format(target, text), advice) from error


def unavailable(client: RedisClient, failure: Failure, command: str, rights: str) -> Unavailable:
    """Says which right is missing, or that the command is not there."""
    if failure.denied:
        return Unavailable(
            "The user '{0}' may not run {1}.".format(client.login.user, command),
            "Grant it: ACL SETUSER {0} {1}".format(client.login.user, rights),
        )
    if failure.missing:
        return Unavailable(
            "The server does not know {0}: it is too old, or the command was renamed or disabled.".format(command),
            "With a managed server ask the provider's own monitoring, and leave this check out (exclude_checks).",
        )
    return Unavailable("{0} failed: {1}".format(command, failure.text), "Look in the server's log.")


def read_info(reply: bytes) -> Info:
    lines = reply.decode("utf-8", "backslashreplace").split("\r\n")
    return Info(dict(line.partition(":")[::2] for line in lines if ":" in line and not line.startswith("#")))
