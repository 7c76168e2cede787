"""Services say which crash points they pass and what they note; the lists are what the code does."""

import ast
from pathlib import Path

import pytest

MODELS = Path(__file__).parents[2] / "models"
CLASSES = [
    (path.stem, node)
    for path in sorted(MODELS.glob("*.py"))
    for node in ast.parse(path.read_text(encoding="utf-8")).body
    if isinstance(node, ast.ClassDef)
]


def marked(node: ast.ClassDef, method: str) -> set[str]:
    """The first arguments of `self.ctx.<method>(...)` in a class, each branch of a conditional one."""
    found: set[str] = set()
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == f"self.ctx.{method}":
            first = call.args[0]
            branches = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
            found |= {ast.literal_eval(branch) for branch in branches}
    return found


def listed(node: ast.ClassDef, name: str) -> set[str]:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.target) == name:
            assert isinstance(statement.value, ast.Call)
            return set(ast.literal_eval(statement.value.args[0]))
    return set()


@pytest.mark.parametrize(("module", "node"), CLASSES, ids=[f"{module}.{node.name}" for module, node in CLASSES])
def test_a_service_lists_what_it_marks(module: str, node: ast.ClassDef) -> None:
    assert listed(node, "POINTS") == marked(node, "point")
    assert {note.partition("=")[0] for note in listed(node, "NOTES")} == marked(node, "note")


def test_some_service_marks_something() -> None:
    assert any(listed(node, "POINTS") for _, node in CLASSES)
    assert any(listed(node, "NOTES") for _, node in CLASSES)
