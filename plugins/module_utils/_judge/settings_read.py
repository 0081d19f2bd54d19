# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads files of settings into names and values, each in a way of its own but none with a library of its own.

It is not asked what a program would make of a file. It is asked what has changed and what may be shown, so a reader
loses nothing but comments and blank lines, never fails (but for JSON), and gives every value a name that tells where
it stands: ``database.password``. A line that has none is called ``UNNAMED``, and is taken for a secret: it may be a
line of a password file or of a key.

All repetitions that could be tried again and again are bounded: a file may have been written to keep a reader busy.
"""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple

from .secrets import looks_drawn

UNNAMED = "(line without a name)"
FORMATS = ("conf", "env", "ini", "json", "toml", "yaml")

_ENDINGS = {"json": "json", "yml": "yaml", "yaml": "yaml", "env": "env", "toml": "toml"}
_ENDINGS.update(dict.fromkeys(("ini", "cfg", "properties", "service", "timer", "socket", "desktop"), "ini"))

_ENV = re.compile(r"\s*(?:export\s+)?([A-Za-z_][\w.-]{0,99})\s*=\s*(.*)", re.DOTALL)
_INI = re.compile(r"\s*([\w\"'][\w.\- /\"']{0,99}?)\s{0,99}[=:]\s*(.*)", re.DOTALL)
_SECTION = re.compile(r"\s*\[{1,2}\s{0,9}([^\[\]]{1,100}?)\s{0,9}\]{1,2}\s*(?:[#;].*)?")
_YAML = re.compile(
    r"(?:\"([^\"]{1,100})\"|'([^']{1,100})'|([^\s:#'\"\[\]{}&*!|>%@-][^:#]{0,99}?))\s{0,99}:(?:\s+(.*)|$)", re.DOTALL
)
_WORD = re.compile(r"(?:export\s{1,9})?([A-Za-z_][\w.\-]{0,99})(?:\s*=\s*|:(?=\s|$)\s*|\s+|$)(.*)", re.DOTALL)
_COMMENT = re.compile(r"(?<!\s)\s+#.*")
_DASHES = re.compile(r"(?:-(?:\s+|$))+")
_PARTS = re.compile(r"(\"(?:[^\"\\]|\\.){0,500}\"|'(?:[^'\\]|\\.){0,500}'|(?<!\S)#(?!include).*|\$\{\w{1,100}\}|[{};])")
_COMMENTS = ("#", ";", "//")  # but for '#include', which sudo takes for more than that
_DEEPEST = 50
_LONGEST_NAME = 200


class Malformed(Exception):
    """Says where and why, without a word of the file's content."""


class Entry(NamedTuple):
    """``raw`` is the value as it stands there, with its quotes and what follows them."""

    name: str
    value: str
    raw: str


class _Place(NamedTuple):
    """Where a setting stands. ``drawn``: a part of its name, which may be cut off by now, is a secret itself.

    A path is never longer than people read, its end says what it is, and each part is looked at once: a long name, or
    many levels, may stand before each of very many settings.
    """

    path: str = ""
    drawn: bool = False

    def inside(self, name: str) -> _Place:
        path = "{0}.{1}".format(self.path, name) if self.path else name
        return _Place(path[-_LONGEST_NAME:], self.drawn or looks_drawn(name))

    def entry(self, value: str, raw: str) -> Entry:
        if self.drawn:
            whole = "{0}={1}".format(self.path, raw)
            return Entry(UNNAMED, whole, whole)
        return Entry(self.path or UNNAMED, value, raw)


_TOP = _Place()


def format_of(path: str) -> str:
    """What a file is written in, by its name; ``conf`` is every file of words, one setting a line or statement."""
    directory, _slash, name = path.rpartition("/")
    if name == ".env" or name.startswith(".env.") or name == "environment" or directory.endswith("/default"):
        return "env"
    return _ENDINGS.get(name.rpartition(".")[2].lower(), "conf") if "." in name else "conf"


def decoded(content: bytes) -> str:
    """Bytes that are no UTF-8 are shown as such (``\\xe4``), so that a change of them is one, too."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "backslashreplace")
    return content.decode("utf-8", "backslashreplace")


def read_entries(text: str, kind: str) -> List[Entry]:
    """Every setting of a file in its order; a name may come more than once. Raises ``Malformed``."""
    return list(_READERS[kind](text))


def env_values(entry: Entry) -> Tuple[str, ...]:
    """What a process may have been given of a line: readers differ over comments and quotes."""
    raw = entry.raw.strip()
    unquoted = raw[1:-1] if len(raw) > 1 and raw[0] == raw[-1] and raw[0] in "'\"" else raw
    return tuple(dict.fromkeys((entry.value, raw, unquoted, unquoted.replace("\\n", "\n"))))


def _lines(text: str) -> Iterator[str]:
    """Of a key or certificate (PEM) all lines as one, with what stands before it."""
    held: List[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if held or ("-----BEGIN " in line and not line.lstrip().startswith(_COMMENTS)):
            held.append(line)
            if "-----END " in line:
                yield "\n".join(held)
                held = []
        else:
            yield line
    if held:
        yield "\n".join(held)


def _env(text: str) -> Iterator[Entry]:
    lines = list(_lines(text))
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if not line.strip() or line.lstrip().startswith(_COMMENTS):
            continue
        parts = [line]
        while parts[-1].endswith("\\") and number < len(lines):
            parts[-1] = parts[-1][:-1]
            parts.append(lines[number])
            number += 1
        line = "".join(parts)
        found = _ENV.fullmatch(line)
        if not found:
            yield _TOP.entry(line.strip(), line.strip())
            continue
        raw = found.group(2)
        if raw[:1] in ("'", '"') and _closing(raw) < 0:
            end = _end_of_quote(lines, number, raw[0])
            raw = "\n".join([raw, *lines[number:end]])
            number = end
        yield _TOP.inside(found.group(1)).entry(_env_value(raw), raw.strip())


def _closing(raw: str) -> int:
    """Where the quote that ``raw`` begins with ends; -1 if it does not."""
    position = 1
    while position < len(raw):
        if raw[position] == "\\" and raw[0] == '"':
            position += 1
        elif raw[position] == raw[0]:
            return position
        position += 1
    return -1


def _end_of_quote(lines: Sequence[str], number: int, quote: str) -> int:
    """The number after the line that closes it. One that is never closed takes the rest of the file."""
    for later in range(number, len(lines)):
        if quote in lines[later].replace("\\" + quote, ""):
            return later + 1
    return len(lines)


def _env_value(raw: str) -> str:
    if raw[:1] not in ("'", '"'):
        return _COMMENT.sub("", raw).strip()
    end = _closing(raw)
    inner = raw[1:end] if end > 0 else raw[1:]
    if raw[0] == "'":
        return inner
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found.group(1), found.group(1)), inner)


def _ini(text: str) -> Iterator[Entry]:
    """Also properties and systemd's units."""
    return _sections(_lines(text))


def _toml(text: str) -> Iterator[Entry]:
    return _sections(_joined(_lines(text)))


def _sections(lines: Iterator[str]) -> Iterator[Entry]:
    section, place = _TOP, None
    for line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith(_COMMENTS):
            continue
        heading, found = _SECTION.fullmatch(line), _INI.fullmatch(line)
        if heading:
            section, place = _TOP.inside(heading.group(1).replace('"', "")), None
        elif found and not (place and line[:1].isspace() and "=" not in line):
            place = section.inside(found.group(1).replace('"', "").replace("'", ""))
            yield place.entry(_unquoted(found.group(2)), found.group(2).strip())
        elif place and line[:1].isspace():
            yield place.entry(stripped, stripped)
        else:
            yield section.inside(UNNAMED).entry(stripped, stripped)


def _joined(lines: Iterator[str]) -> Iterator[str]:
    """Lists and texts that go over several lines, as one. What is never closed is cut, a text at 1000 lines."""
    held: List[str] = []
    for line in lines:
        held.append(line)
        whole = "\n".join(held) if len(held) < 1000 else ""
        value = whole.partition("=")[2].strip()
        if value[:3] in ('"""', "'''"):
            is_open = value.find(value[:3], 3) < 0
        else:
            is_open = value.startswith("[") and value.count("[") > value.count("]") and len(held) < 200
        if not is_open:
            yield "\n".join(held)
            held = []
    if held:
        yield "\n".join(held)


def _unquoted(raw: str) -> str:
    raw = raw.strip()
    if raw[:1] in ("'", '"'):
        end = _closing(raw)
        if end > 0 and (end == len(raw) - 1 or raw[end + 1 :].lstrip().startswith(("#", ";"))):
            return raw[1:end]
        return raw
    return _COMMENT.sub("", raw)


def _yaml(text: str) -> Iterator[Entry]:
    lines = list(_lines(text))
    parents: List[Tuple[int, _Place]] = []
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        body = line.lstrip(" \t")
        if not body or body.startswith(("#", "---", "...", "%")):
            continue
        indent = len(line) - len(body)
        dashes = _DASHES.match(body)
        if dashes:
            indent, body = indent + dashes.end(), body[dashes.end() :]
        while parents and parents[-1][0] >= indent:
            parents.pop()
        found = _YAML.fullmatch(body)
        if not found:
            if body:
                yield _innermost(parents).entry(_unquoted(body), body.strip())
            continue
        place = _innermost(parents).inside((found.group(1) or found.group(2) or found.group(3)).strip())
        parents.append((indent, place))
        raw = (found.group(4) or "").strip()
        if raw[:1] in ("|", ">"):
            end = number
            while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > indent):
                end += 1
            raw, number = "\n".join(line.rstrip() for line in lines[number:end]).strip("\n"), end
            yield place.entry(raw, raw)
        elif raw and not raw.startswith("#"):
            yield place.entry(_unquoted(raw), raw)
        elif not _goes_on(lines, number, indent):
            yield place.entry("", "")


def _goes_on(lines: Sequence[str], number: int, indent: int) -> bool:
    """Whether what belongs to a name follows in the next lines; a list may stand at the same depth."""
    for later in range(number, len(lines)):
        body = lines[later].strip()
        if body and not body.startswith("#"):
            depth = _indent(lines[later])
            return depth > indent or (depth == indent and (body.startswith("- ") or body == "-"))
    return False


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _innermost(parents: Sequence[Tuple[int, _Place]]) -> _Place:
    return parents[-1][1] if parents else _TOP


def _json(text: str) -> Iterator[Entry]:
    try:
        whole = json.loads(text)
        yield from _flat(_TOP, whole)
    except RecursionError:
        raise Malformed("it is nested too deep")
    except json.JSONDecodeError as error:
        raise Malformed("{0} in line {1}, column {2}".format(error.msg, error.lineno, error.colno))
    except ValueError:
        raise Malformed("a number in it is too long")


def _flat(place: _Place, value: Any) -> Iterator[Entry]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _flat(place.inside(name), inner)
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _flat(place, inner)
    else:
        text = value if isinstance(value, str) else json.dumps(value)
        yield place.entry(text, text)


def _conf(text: str) -> Iterator[Entry]:
    """Words: ``name value``, ``name = value``; with ``;`` and ``{ }`` as nginx has them, or a line each."""
    uncommented = [line for line in _lines(text) if not line.lstrip().startswith(_COMMENTS) or "#include" in line]
    in_blocks = any(line.rstrip().endswith("{") for line in uncommented)
    by_statement = in_blocks and any(line.rstrip().endswith(";") for line in uncommented)
    blocks = [_TOP]
    for ending, statement in _statements(uncommented, in_blocks, by_statement):
        if ending == "{":
            deeper = len(blocks) <= _DEEPEST
            blocks.append(blocks[-1].inside(" ".join(statement.split())[:60] or "{}") if deeper else blocks[-1])
            continue
        if statement:
            yield _worded(blocks[-1], statement)
        if ending == "}" and len(blocks) > 1:
            blocks.pop()


def _statements(lines: Sequence[str], in_blocks: bool, by_statement: bool) -> Iterator[Tuple[str, str]]:
    """Pairs of what ended a statement (``{``, ``}``, ``;`` or a line's end) and the statement."""
    held: List[str] = []
    for line in lines:
        for part in _PARTS.split(line):
            if part.startswith("#") and not part.startswith("#include"):
                break
            if (part == ";" and by_statement) or (part in ("{", "}") and in_blocks):
                yield part, "".join(held).strip()
                held = []
            else:
                held.append(part)
        if by_statement:
            held.append("\n")
        else:
            yield "\n", "".join(held).strip()
            held = []
    yield "\n", "".join(held).strip()


def _worded(block: _Place, statement: str) -> Entry:
    found = _WORD.fullmatch(statement)
    if not found:
        name, raw = UNNAMED, statement
    else:
        name, raw = found.group(1), found.group(2).strip()
    return block.inside(name).entry(_unquoted(raw), raw)


_READERS: Dict[str, Callable[[str], Iterator[Entry]]] = {
    "conf": _conf,
    "env": _env,
    "ini": _ini,
    "json": _json,
    "toml": _toml,
    "yaml": _yaml,
}
