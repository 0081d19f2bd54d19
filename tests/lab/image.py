# SPDX-License-Identifier: GPL-3.0-or-later
"""The one image that every machine of the lab is made of, built here, and built again only when its recipe changed.

``molecule/image/`` is the recipe. With a registry in reach it is a ``docker build`` on ``debian:12`` or ``debian:13``;
elsewhere the same packages and the same ``customize.sh`` go through ``mmdebstrap``, from Debian's packages alone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass

from tests.lab import CACHE, REPOSITORY, LabError

RECIPE = REPOSITORY / "molecule" / "image"
REPOSITORY_NAME = "analytics-ops-lab"
PULL_SECONDS = 60


@dataclass(frozen=True)
class Distribution:
    name: str
    base: str
    suite: str


DISTRIBUTIONS = {
    "debian12": Distribution("debian12", "debian:12", "bookworm"),
    "debian13": Distribution("debian13", "debian:13", "trixie"),
}


def image(distribution: Distribution) -> str:
    """The name of the image; builds it unless one of this recipe is there. Needs an engine that answers."""
    name = f"{REPOSITORY_NAME}:{distribution.name}-{_fingerprint(distribution)}"
    if _docker("image", "inspect", name).returncode == 0:
        return name
    if _in_reach(distribution.base):
        _build(distribution, name)
    elif shutil.which("mmdebstrap"):
        _bootstrap(distribution, name)
    else:
        raise LabError(
            f"The image of the lab cannot be built: {distribution.base} cannot be pulled, and mmdebstrap, which makes "
            "one from Debian's packages, is not installed (apt install mmdebstrap)."
        )
    _forget_older(distribution, name)
    return name


def _packages(distribution: Distribution) -> list[str]:
    lines = [
        line.strip()
        for file in ("packages.txt", f"packages-{distribution.name}.txt")
        for line in (RECIPE / file).read_text().splitlines()
    ]
    return [line for line in lines if line and not line.startswith("#")]


def _fingerprint(distribution: Distribution) -> str:
    recipe = "\n".join([*_packages(distribution), *((RECIPE / f).read_text() for f in ("customize.sh", "Dockerfile"))])
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]


def _in_reach(base: str) -> bool:
    if _docker("image", "inspect", base).returncode == 0:
        return True
    try:
        return _docker("pull", "--quiet", base, timeout=PULL_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _build(distribution: Distribution, name: str) -> None:
    print(f"lab: building {name} on {distribution.base} (once, about a minute) …", flush=True)
    # The host's network: where a machine reaches Debian's packages, its builds reach them, too.
    options = ["--network", "host", "--tag", name]
    arguments = ["--build-arg", f"BASE={distribution.base}", "--build-arg", f"DISTRIBUTION={distribution.name}"]
    built = _docker("build", "--quiet", *options, *arguments, str(RECIPE))
    if built.returncode:
        raise LabError(f"docker build of {name} failed:\n{_end(built.stderr)}")


def _bootstrap(distribution: Distribution, name: str) -> None:
    print(f"lab: building {name} with mmdebstrap (once, about a minute) …", flush=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    archive, log = CACHE / f"{distribution.name}.tar", CACHE / f"{distribution.name}.log"
    command = [
        *("mmdebstrap", "--variant=minbase", "--include=" + ",".join(_packages(distribution))),
        f'--customize-hook=chroot "$1" sh -s < "{RECIPE / "customize.sh"}"',
        *(distribution.suite, str(archive)),
    ]
    try:
        with log.open("w") as output:
            made = subprocess.run(
                command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "LC_ALL": "C"}, check=False
            )
        if made.returncode:
            raise LabError(f"mmdebstrap failed; the end of {log}:\n{_end(log.read_text(errors='replace'))}")
        # 'docker import' knows no STOPSIGNAL: create.yml gives it to every machine.
        changes = ("ENV container=docker", 'CMD ["/lib/systemd/systemd"]')
        options = [option for change in changes for option in ("--change", change)]
        imported = _docker("import", *options, str(archive), name)
        if imported.returncode:
            raise LabError(f"docker import of {name} failed:\n{_end(imported.stderr)}")
    finally:
        archive.unlink(missing_ok=True)


def _forget_older(distribution: Distribution, name: str) -> None:
    listed = _docker("images", "--format", "{{.Repository}}:{{.Tag}}", REPOSITORY_NAME).stdout.split()
    for older in listed:
        if older.startswith(f"{REPOSITORY_NAME}:{distribution.name}-") and older != name:
            _docker("image", "rm", older)


def _docker(*arguments: str, timeout: float | None = None) -> subprocess.CompletedProcess:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=timeout, check=False)


def _end(text: str, lines: int = 15) -> str:
    return "\n".join(text.splitlines()[-lines:])
