"""Virtual environments for the matrix of interpreters and gunicorns, made on first use and kept.

`python venvs.py` makes all of them. One that cannot be made says why, and its tests are skipped with that reason.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent.parent.parent / ".cache" / "venvs"


class Pair(NamedTuple):
    """An interpreter and the file of pinned packages that goes with it."""

    python: str
    packages: str

    def __str__(self) -> str:
        return f"python{self.python}-{self.packages}"


# Each interpreter once with a gunicorn that goes with it, and each gunicorn with an old and a new interpreter.
# gunicorn 20.1 imports pkg_resources, which setuptools lost in 82. gunicorn 27 wants 3.10.
PAIRS = [
    Pair("3.9", "gunicorn20"),
    Pair("3.9", "gunicorn23"),
    Pair("3.10", "gunicorn27"),
    Pair("3.11", "gunicorn27"),
    Pair("3.12", "gunicorn23"),
    Pair("3.13", "gunicorn20"),
    Pair("3.13", "gunicorn27"),
    Pair("3.14", "gunicorn27"),
    Pair("3.9", "uvicorn30"),
    Pair("3.11", "uvicorn54"),
    Pair("3.13", "uvicorn54"),
    Pair("3.13", "django52"),
    Pair("3.12", "recipes"),
]


def interpreter(version: str) -> Path | None:
    """An interpreter of this version: on the PATH, or one of pyenv's."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)  # HOME may be a fresh one, for a test of the set-up
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv"))
    found = [*sorted((pyenv / "versions").glob(f"{version}.*/bin/python{version}"))]
    on_path = shutil.which(f"python{version}")
    if on_path and "shims" not in on_path:
        found.append(Path(on_path))
    for candidate in found:
        check = [str(candidate), "-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"]
        tried = subprocess.run(check, capture_output=True, text=True, check=False)
        if tried.stdout.strip() == version:
            return candidate
    return None


def first(packages: str, *versions: str) -> Pair:
    """These packages with the first of these interpreters that is here; else with the first, to be skipped by name."""
    here = (version for version in versions if interpreter(version) is not None)
    return Pair(next(here, versions[0]), packages)


def python(pair: Pair) -> str:
    """The pair's interpreter, in an environment with its packages; raises RuntimeError with the reason why not."""
    requirements = HERE / "matrix" / f"{pair.packages}.txt"
    venv = CACHE / str(pair)
    binary = venv / "bin" / "python"
    mark = venv / "made-from"
    if not mark.exists() or mark.read_bytes() != requirements.read_bytes():
        base = interpreter(pair.python)
        if base is None:
            raise RuntimeError(f"no CPython {pair.python} on this machine")
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run([str(base), "-m", "venv", str(venv)], check=True)
        install = [
            str(binary),
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            "-r",
            str(requirements),
        ]
        environ = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        made = subprocess.run(install, capture_output=True, text=True, check=False, env=environ)
        if made.returncode:
            raise RuntimeError(f"cannot install {requirements.name}: {made.stderr.strip().splitlines()[-1]}")
        shutil.copy(requirements, mark)
    return str(binary)


if __name__ == "__main__":
    for each in PAIRS:
        try:
            print(each, python(each))
        except RuntimeError as e:
            print(each, "not made:", e, file=sys.stderr)
