# SPDX-License-Identifier: GPL-3.0-or-later
"""``make docs``: writes the documents that are made from the code, so that they cannot say anything else."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from docs.thresholds_page import thresholds_document

REPOSITORY = Path(__file__).resolve().parents[1]
JUDGE = "ansible_collections.analytics.ops.plugins.module_utils._judge"

HEAD = """# Checks

Every check of every checking module, with the limits that hold unless `thresholds` says otherwise. Written by
`make docs` from the code; a change belongs there.

A limit is reached by a value that is equal to it, or above it; where it says "or less", below it. *Further limits* must
be reached, too, before anything is reported. A check without limits is a matter of yes or no, and its finding says how
bad that is; or it waits for a limit of your own, where its source says *none*. *M1* to *M5* are the manuals of
[thresholds.md](thresholds.md); *needs previous* means figures of an earlier look, which the role `health_check` takes
from the history. The procedures are those of [procedures.md](procedures.md).
"""


def checks_document() -> str:
    parts = [HEAD]
    for prefix, register in sorted(registers().items()):
        parts.append(f"## `{prefix}`\n")
        parts.append("| check | question | warning | critical | unit | further limits | source | procedure |")
        parts.append("|---|---|---|---|---|---|---|---|")
        parts.extend(_row(check) for check in register.checks.values())
        parts.append("")
    return "\n".join(parts).rstrip("\n") + "\n"


def registers() -> dict[str, Any]:
    """Every ``CHECKS`` of a file in ``_judge``, by its prefix; several files may fill the same one."""
    sys.path[:0] = [str(REPOSITORY / ".collections")]
    found: dict[str, Any] = {}
    for path in sorted((REPOSITORY / "plugins" / "module_utils" / "_judge").glob("*.py")):
        register = getattr(import_module(f"{JUDGE}.{path.stem}"), "CHECKS", None)
        if register is not None and found.setdefault(register.prefix, register) is not register:
            raise SystemExit(f"two registers have the prefix '{register.prefix}'; the second is in {path.name}")
    return found


def _row(check: Any) -> str:
    limit = check.threshold
    further = [f"{name} ≥ {_number(value)}" for name, value in sorted(limit.floors.items())]
    further += [f"{name} ≤ {_number(value)}" for name, value in sorted(limit.ceilings.items())]
    cells = [
        f"`{check.name}`",
        check.question,
        _level(limit.warning, limit.higher_is_worse),
        _level(limit.critical, limit.higher_is_worse),
        limit.unit,
        "; ".join(further),
        limit.source,
        check.procedure,
    ]
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") or "–" for cell in cells) + " |"


def _level(value: float | None, higher_is_worse: bool) -> str:
    return "" if value is None else _number(value) + ("" if higher_is_worse else " or less")


def _number(value: float) -> str:
    return f"{value:,.10g}".replace(",", " ")


def limits_document() -> str:
    return thresholds_document(registers())


DOCUMENTS = {"docs/checks.md": checks_document, "docs/thresholds.md": limits_document}


def main(arguments: list[str]) -> int:
    """With ``--check`` nothing is written, and the exit code tells whether something would have been."""
    stale = False
    for name, document in DOCUMENTS.items():
        text = document()
        path = REPOSITORY / name
        fresh = path.exists() and path.read_text() == text
        if not fresh and "--check" not in arguments:
            path.write_text(text)
        stale = stale or not fresh
        print(f"{name}: {'up to date' if fresh else 'run make docs' if '--check' in arguments else 'written'}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
