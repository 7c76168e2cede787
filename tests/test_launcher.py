"""The launcher makes one good environment, whatever interrupts it; a stand-in for uv replaces the real install."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Records that it ran, makes the checkout importable as an editable install does, and fails or dawdles when told to.
UV = """#!/bin/sh
echo install >> "$UV_LOG"
sleep "${UV_TAKES_S:-0}"
[ -z "$UV_FAILS" ] || { echo "no such wheel"; exit 1; }
while [ "$1" != --python ]; do shift; done
bin=$(dirname "$2")
dirname "$(dirname "$bin")" > "$(echo "$bin"/../lib/python*/site-packages)"/checkout.pth
"""
CLI = "import os, sys\nprint('cli', sys.argv[1:], os.getcwd(), flush=True)\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "check out"
    (root / "experiments").mkdir(parents=True)
    (root / "experiments" / "__main__.py").write_text(CLI)
    (root / "pyproject.toml").write_text("")
    (root / "constraints.txt").write_text("")
    shutil.copy(ROOT / "lab", root)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "uv").write_text(UV)
    (tools / "uv").chmod(0o755)
    return root


def start(checkout: Path, *arguments: str, python: str = sys.executable, **environment: str) -> subprocess.Popen[str]:
    tools = checkout.parent / "tools"
    path = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "UV_LOG": str(checkout.parent / "log")}
    return subprocess.Popen(
        [python, str(checkout / "lab"), *arguments],
        cwd=checkout.parent,
        env=os.environ | path | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(lab: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = lab.communicate(timeout=120)
    return lab.returncode, out, err


def installs(checkout: Path) -> int:
    log = checkout.parent / "log"
    return log.read_text().count("install") if log.exists() else 0


def test_the_first_start_installs_and_the_second_does_not(checkout: Path) -> None:
    code, out, err = ended(start(checkout, "run", "x y"))
    # From another folder, which stays the current one.
    assert (code, out) == (0, f"cli ['run', 'x y'] {checkout.parent}\n")
    assert err.count("\n") == 1
    assert "installing into .venv" in err
    assert ended(start(checkout))[2] == ""
    assert installs(checkout) == 1


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_another_lock_makes_the_environment_stale(checkout: Path, name: str) -> None:
    ended(start(checkout))
    (checkout / name).write_text("# changed\n")
    assert ended(start(checkout))[0] == 0
    assert installs(checkout) == 2


def test_the_environment_can_rebuild_itself(checkout: Path) -> None:
    ended(start(checkout))
    (checkout / "constraints.txt").write_text("# changed\n")
    own = str(checkout / ".venv" / "bin" / "python")
    assert ended(start(checkout, python=own))[0] == 0
    assert installs(checkout) == 2


def test_a_moved_checkout_does_not_import_the_old_one(checkout: Path) -> None:
    ended(start(checkout))
    moved = checkout.rename(checkout.parent / "moved")
    assert ended(start(moved))[0] == 0
    assert installs(moved) == 2


def test_two_first_starts_make_one_environment(checkout: Path) -> None:
    both = [start(checkout, UV_TAKES_S="1") for _ in range(2)]
    outcomes = [ended(lab) for lab in both]
    assert [code for code, _, _ in outcomes] == [0, 0]
    assert installs(checkout) == 1
    assert sum("waiting for it" in err for _, _, err in outcomes) == 1


def test_a_start_killed_during_the_install_is_not_taken_for_a_good_one(checkout: Path) -> None:
    lab = start(checkout, UV_TAKES_S="1")
    while not installs(checkout):
        time.sleep(0.02)
    lab.send_signal(signal.SIGKILL)
    lab.wait(timeout=60)
    # Its install goes on for a moment, and must not write beside the next.
    code, out, err = ended(start(checkout))
    assert (code, out) == (0, f"cli [] {checkout.parent}\n")
    assert "waiting for it" in err
    assert installs(checkout) == 2
    lab.communicate(timeout=60)


def test_a_failed_install_says_why_and_leaves_nothing_good(checkout: Path) -> None:
    code, out, err = ended(start(checkout, UV_FAILS="1"))
    assert (code, out) == (3, "")
    assert "no such wheel" in err  # what uv said
    assert "trying pip" in err
    assert "-m pip" in err or "has no pip" in err  # the Python that runs the tests may have none
    assert not (checkout / ".venv" / "lab-stamp").exists()
    assert ended(start(checkout))[0] == 0


def test_notebooks_bring_their_own_packages_once(checkout: Path) -> None:
    ended(start(checkout))
    for arguments in (("notebook",), ("notebook",), ("list",)):
        assert ended(start(checkout, *arguments))[0] == 0
    assert installs(checkout) == 2


def test_an_old_python_gets_a_sentence(checkout: Path) -> None:
    code = "import runpy, sys; sys.version_info = (3, 10, 2); lab = sys.argv.pop(1); runpy.run_path(lab)"
    found = subprocess.run(
        [sys.executable, "-c", code, str(checkout / "lab"), "run"], capture_output=True, text=True, check=False
    )
    assert found.returncode == 2
    assert "Python 3.10 is too old; the lab needs 3.11 to 3.13" in found.stderr
    assert "Traceback" not in found.stderr
