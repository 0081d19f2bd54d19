# SPDX-License-Identifier: GPL-3.0-or-later
"""How files of settings are read into names and values: only comments are lost, and no name is made of a secret."""

from __future__ import annotations

import json

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.settings_read import (
    FORMATS,
    UNNAMED,
    Entry,
    Malformed,
    decoded,
    env_values,
    format_of,
    read_entries,
)
from hypothesis import given
from hypothesis import strategies as st

PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0==\nabc==\n-----END PRIVATE KEY-----"


def pairs(text: str, kind: str) -> list[tuple[str, str]]:
    return [(entry.name, entry.value) for entry in read_entries(text, kind)]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/opt/app/.env", "env"),
        ("/opt/app/.env.production", "env"),
        ("/opt/app/main.env", "env"),
        ("/etc/environment", "env"),
        ("/etc/default/redis", "env"),
        ("/etc/app/config.yml", "yaml"),
        ("/etc/app/config.YAML", "yaml"),
        ("/etc/app/config.json", "json"),
        ("/etc/app/pyproject.toml", "toml"),
        ("/etc/app/settings.ini", "ini"),
        ("/etc/systemd/system/api.service", "ini"),
        ("/etc/nginx/sites-enabled/analytics", "conf"),
        ("/etc/postgresql/postgresql.conf", "conf"),
        ("/etc/app.d/x", "conf"),
    ],
)
def test_the_name_of_a_file_tells_how_it_is_read(path: str, kind: str) -> None:
    assert format_of(path) == kind


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a\xc3\xa4", "aä"),
        (b"\xef\xbb\xbfA=1", "A=1"),
        (b"\xff\xfeA\0=\0", "A="),
        (b"\xfe\xff\0A\0=", "A="),
        (b"a\xe4b", "a\\xe4b"),
        (b"\xff\xfeA\0\0\xd8", "A\\x00\\xd8"),
    ],
)
def test_bytes_become_text_whatever_they_are(content: bytes, text: str) -> None:
    assert decoded(content) == text


ENV = [
    ("A=1\nB = two words \n", [("A", "1"), ("B", "two words")]),
    ("export A=1", [("A", "1")]),
    ("# A=1\n; B=2\n\n   \nC=3", [("C", "3")]),
    ("A=", [("A", "")]),
    ("A=1 # comment", [("A", "1")]),
    ("A=a#b", [("A", "a#b")]),
    ("A='1 # kept' # comment", [("A", "1 # kept")]),
    ('A="say \\"hi\\"\\n\\tnow\\$"', [("A", 'say "hi"\n\tnow$')]),
    ("A='say \\n'", [("A", "say \\n")]),
    ("A=one\\\ntwo\nB=2", [("A", "onetwo"), ("B", "2")]),
    ("A=one\\", [("A", "one\\")]),
    ('A="one\ntwo"\nB=2', [("A", "one\ntwo"), ("B", "2")]),
    ('A="one\ntwo \\" more\nthree"\nB=2', [("A", 'one\ntwo " more\nthree'), ("B", "2")]),
    ('A="never closed\nB=2', [("A", "never closed\nB=2")]),
    ("A=1\nA=2", [("A", "1"), ("A", "2")]),
    ("A=1\r\nB=2\r\n", [("A", "1"), ("B", "2")]),
    ("nothing at all", [(UNNAMED, "nothing at all")]),
    ("1A=2", [(UNNAMED, "1A=2")]),
    ("a8Fk29dkfLw02kfLs93kdlR=", [(UNNAMED, "a8Fk29dkfLw02kfLs93kdlR=")]),
    ('KEY="' + PEM + '"\nB=2', [("KEY", PEM), ("B", "2")]),
    ("KEY=" + PEM + "\nB=2", [("KEY", PEM), ("B", "2")]),
    ("KEY=-----BEGIN X-----\nabc\nB=2", [("KEY", "-----BEGIN X-----\nabc\nB=2")]),
]


@pytest.mark.parametrize(("text", "expected"), ENV)
def test_environment_files(text: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(text, "env") == expected


@pytest.mark.parametrize(
    ("raw", "values"),
    [
        ("a # b", {"a", "a # b"}),
        ("'a b'", {"a b", "'a b'"}),
        ('"a\\nb"', {"a\nb", "a\\nb", '"a\\nb"'}),
        ("'", {"", "'"}),
        ("'a\"", {'a"', "'a\""}),
    ],
)
def test_all_that_a_process_may_have_been_given(raw: str, values: set[str]) -> None:
    assert set(env_values(read_entries("A=" + raw, "env")[0])) == values


INI = [
    ("a = 1\n[db]\nhost: x\n[db.pool]\nsize=5", [("a", "1"), ("db.host", "x"), ("db.pool.size", "5")]),
    ("# a = 1\n; b = 2\n// c = 3\n\n[db] # main\nhost = y", [("db.host", "y")]),
    ("[db]\nhosts = a\n  b\n\tc", [("db.hosts", "a"), ("db.hosts", "b"), ("db.hosts", "c")]),
    ("[db]\nhosts =\n  a: 1\nlast = 2", [("db.hosts", ""), ("db.hosts", "a: 1"), ("db.last", "2")]),
    ("[db]\nhosts = a\n  more = b", [("db.hosts", "a"), ("db.more", "b")]),
    ("[db]\nlonely", [("db." + UNNAMED, "lonely")]),
    ('["a.b"]\n"c d" = "x" # comment', [("a.b.c d", "x")]),
    ("a = 'x' y", [("a", "'x' y")]),
    ("a = 'x", [("a", "'x")]),
    ("a = x # comment", [("a", "x")]),
    ("log.level=DEBUG", [("log.level", "DEBUG")]),
    ("pattern = [a-z\nb = 1", [("pattern", "[a-z"), ("b", "1")]),
    ("key = " + PEM, [("key", PEM)]),
]


@pytest.mark.parametrize(("text", "expected"), INI)
def test_ini(text: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(text, "ini") == expected


TOML = [
    ("[[hosts]]\nname = 'a'\n[[hosts]]\nname = 'b'", [("hosts.name", "a"), ("hosts.name", "b")]),
    ("a = [\n  1,\n  2,\n]\nb = 1", [("a", "[\n  1,\n  2,\n]"), ("b", "1")]),
    ('a = """one\nkey = 2\n"""\nb = 1', [("a", '"""one\nkey = 2\n"""'), ("b", "1")]),
    ("a = '''one'''\nb = 1", [("a", "'''one'''"), ("b", "1")]),
    ('a = """never closed\nb = 1', [("a", '"""never closed\nb = 1')]),
]


@pytest.mark.parametrize(("text", "expected"), TOML)
def test_toml(text: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(text, "toml") == expected


@pytest.mark.parametrize("opening", ['a = """', "a = ["])
def test_what_is_never_closed_does_not_swallow_the_file(opening: str) -> None:
    names = {name for name, _value in pairs("\n".join([opening, *(f"k{n} = 1" for n in range(1200))]), "toml")}
    assert {"a", "k1199"} <= names


YAML = [
    ("a: 1\nb:\n  c: 2\n  d:\n    e: 3\nf: 4", [("a", "1"), ("b.c", "2"), ("b.d.e", "3"), ("f", "4")]),
    ("---\n# x: 1\n%TAG x\na: 'x' # comment\n...", [("a", "x")]),
    ("hosts:\n  - a\n  - b\nc: 1", [("hosts", "a"), ("hosts", "b"), ("c", "1")]),
    ("hosts:\n- a\n-\n  b", [("hosts", "a"), ("hosts", "b")]),
    ("hosts:\n-\n", []),
    ("hosts:\n  - name: a\n    port: 1\n  - name: b", [("hosts.name", "a"), ("hosts.port", "1"), ("hosts.name", "b")]),
    ("- a\n- b: 1", [(UNNAMED, "a"), ("b", "1")]),
    ("a:\nb: 1", [("a", ""), ("b", "1")]),
    ("a:\n\n  # nothing\n", [("a", "")]),
    ("a: # nothing yet\n  b: 1", [("a.b", "1")]),
    ("a: |\n  one\n    two: 3\n\n  three\nb: 1", [("a", "  one\n    two: 3\n\n  three"), ("b", "1")]),
    ("a: >-\n  one", [("a", "  one")]),
    ("\"a b\": 1\n'c': 2", [("a b", "1"), ("c", "2")]),
    ("a: {b: 1,\n  c: 2}", [("a", "{b: 1,"), ("a.c", "2}")]),
    ("a: one\n  two three", [("a", "one"), ("a", "two three")]),
    ("url: http://x:1/y", [("url", "http://x:1/y")]),
    ("- http://x:1/y", [(UNNAMED, "http://x:1/y")]),
    ("a: *anchor\n<<: *other", [("a", "*anchor"), ("<<", "*other")]),
]


@pytest.mark.parametrize(("text", "expected"), YAML)
def test_yaml(text: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(text, "yaml") == expected


def test_json() -> None:
    content = {"a": {"b": 1, "c": [True, None, {"d": "x"}]}, "e": {}, "f": [], "g": "text"}
    assert pairs(json.dumps(content), "json") == [
        ("a.b", "1"),
        ("a.c", "true"),
        ("a.c", "null"),
        ("a.c.d", "x"),
        ("e", "{}"),
        ("f", "[]"),
        ("g", "text"),
    ]
    assert pairs("3", "json") == [(UNNAMED, "3")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"password": "geheim",\n "b" 1}', "line 2, column 6"),
        ("[" * 100000, "nested too deep"),
        ("1" * 5000, "a number in it is too long"),
    ],
)
def test_json_that_is_none_is_said_without_its_content(text: str, why: str) -> None:
    with pytest.raises(Malformed) as malformed:
        read_entries(text, "json")
    assert why in str(malformed.value)
    assert "geheim" not in str(malformed.value)


INCLUDED = "#includedir /etc/sudoers.d"
CONF = [
    ("listen_addresses = '*' # all\nport 5433\n# off = 1", [("listen_addresses", "*"), ("port", "5433")]),
    ("save 900 1\nsave 300 10", [("save", "900 1"), ("save", "300 10")]),
    ("appendonly", [("appendonly", "")]),
    ("export PATH=/bin", [("PATH", "/bin")]),
    ("host all all 127.0.0.1/32 md5", [("host", "all all 127.0.0.1/32 md5")]),
    ("db1:5432:app:user:geheim", [(UNNAMED, "db1:5432:app:user:geheim")]),
    ("a = x;y", [("a", "x;y")]),
    (
        "http {\n  server {\n    listen 80; # open\n    location /api { return 200 'a;b'; }\n  }\n}\nuser www;",
        [("http.server.listen", "80"), ("http.server.location /api.return", "200 'a;b'"), ("user", "www")],
    ),
    (
        "log_format main '$a'\n  '$b';\nserver {\nlisten 1;\n}",
        [("log_format", "main '$a'\n  '$b'"), ("server.listen", "1")],
    ),
    ("a {\nb 1\n}\n}\nc 2", [("a.b", "1"), ("c", "2")]),
    ("{\na 1\n}", [("{}.a", "1")]),
    ("set $x ${y};\nserver {\nlisten 1;\n}", [("set", "$x ${y}"), ("server.listen", "1")]),
    ("server {\nlisten 1;\nlast 2", [("server.listen", "1"), ("server.last", "2")]),
    ("// x 1\n; y 2\nz: 3", [("z", "3")]),
    ("!includedir /etc/mysql\n#includedir /etc/sudoers.d", [(UNNAMED, "!includedir /etc/mysql"), (UNNAMED, INCLUDED)]),
    ("# -----BEGIN X-----\na 1", [("a", "1")]),
]


@pytest.mark.parametrize(("text", "expected"), CONF)
def test_conf(text: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(text, "conf") == expected


def test_a_long_name_keeps_its_end() -> None:
    deep = "".join(f"level{number} {{\n" for number in range(90)) + "password x\nline:without\n"
    first, second = read_entries(deep, "conf")
    assert len(first.name) == 200
    assert first.name.endswith(".password")
    assert second.name.endswith("." + UNNAMED)


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "json"])
@pytest.mark.parametrize("piece", ["- ", "a\\\n", " ", "[", '"\\"', "a {\nb 1\n", 'a="\n', "a: |\n", "a =", "'"])
def test_a_file_that_is_written_to_keep_a_reader_busy(piece: str, kind: str) -> None:
    """What would grow with the square of the length would not end within this suite's time."""
    text = "a = " + piece * (200000 // len(piece)) + "#"
    assert read_entries(text, kind)


def test_very_many_names_without_a_value() -> None:
    """After each the rest of the file would be copied, for half an hour."""
    assert len(read_entries("a:\n" * 600_000, "yaml")) == 600_000


LONG, MANY = "a" * 999_983, 60_000
BEFORE_MANY = [
    ("json", '{"' + LONG + '": {' + ", ".join(f'"{number}": 1' for number in range(MANY)) + "}}", "a.59999"),
    ("conf", "".join(f"{'block ' * 9}{{\n" for _depth in range(50)) + "a 1;\n" * MANY * 5, "block.a"),
    ("yaml", "".join("\t" * depth + "a" * 98 + ":\n" for depth in range(900)) + ("\t" * 900 + "b: c\n") * 3000, "a.b"),
]


@pytest.mark.parametrize(("kind", "text", "end"), BEFORE_MANY, ids=lambda value: value[:4])
def test_a_long_way_to_very_many_settings(kind: str, text: str, end: str) -> None:
    """With each of them the whole way would come again: tens of gigabytes, all of which would be looked through."""
    entries = read_entries(text, kind)
    assert max(len(entry.name) for entry in entries) == 200
    assert entries[-1].name.endswith(end)


def test_a_secret_on_the_way_hides_all_behind_it_however_far() -> None:
    key = "sk9f8a7b6c5d4e3f2a1b0c9d8e"
    (entry,) = read_entries('{"' + key + '": {"' + "b" * 500 + '": {"c": "x"}}}', "json")
    assert entry.name == UNNAMED
    assert entry.value.endswith("b.c=x") and len(entry.value) == 202


@given(st.text(max_size=300), st.sampled_from([kind for kind in FORMATS if kind != "json"]))
def test_no_text_is_too_odd(text: str, kind: str) -> None:
    for entry in read_entries(text, kind):
        assert isinstance(entry, Entry)
        assert entry.name


@given(
    st.lists(
        st.sampled_from(["a: 1", "  b: 2", "c = 3", "d", "{", "}", "[x]", "- e", "'", '"', "|", "  f"]), max_size=9
    )
)
def test_every_line_is_in_some_setting(words: list[str]) -> None:
    """What stands in a file is in its settings, so that no change of it can go unseen."""
    text = "\n".join(words)
    for kind in ("env", "ini", "toml"):
        read = " ".join(f"{entry.name} {entry.raw}" for entry in read_entries(text, kind))
        for letter in "abcdef":
            assert (letter in text) <= (letter in read), (kind, read)
