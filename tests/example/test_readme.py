"""The README's way from red to green is what the commands print, and its test passes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from experiments.cli import main

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECTION = (
    (ROOT / "README.md").read_text(encoding="utf-8").partition("## Regression tests in CI\n")[2].partition("\n## ")[0]
)
SHOWN = {
    block.splitlines()[0]: block.splitlines()[1:] for block in re.findall(r"^    \$ (.*(?:\n    .*)+)", SECTION, re.M)
}


@pytest.mark.parametrize(("command", "code"), list(zip(SHOWN, (1, 1, 0), strict=True)))
def test_a_command_prints_what_the_readme_shows(
    command: str, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    program, *arguments = shlex.split(command)
    assert program == "./lab"
    if arguments[0] == "hunt":
        arguments += ["--jobs", "1", "--out", str(tmp_path)]
    assert main(arguments) == code
    printed = capsys.readouterr().out
    lines = [re.escape(line.removeprefix("    ")).replace(r"\.\.\.", ".*") for line in SHOWN[command]]
    assert re.search(r"^" + r"$(?:\n.*)*?\n".join(lines) + r"$", printed, re.M), printed


def test_the_readmes_test_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (code,) = re.findall(r"```python\n(.*?)```", SECTION, re.S)
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)
    names["test_the_store"]()


def test_the_mending_is_one_option() -> None:
    red, green = ((HERE / name).read_text().splitlines() for name in ("store.toml", "mended.toml"))
    differing = [pair for pair in zip(red, green, strict=True) if len(set(pair)) > 1]
    assert differing == [("flush_first = false", "flush_first = true")]
