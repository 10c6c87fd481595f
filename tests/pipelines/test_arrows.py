"""Who may import whom (DESIGN section 5), and how long a file and a function may be (section 6)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAY_IMPORT = {
    "schemas": {"schemas"},
    "sources": {"sources", "schemas"},
    "detector": {"detector", "schemas"},
    "filters": {"filters", "detector", "schemas"},
    "pipelines": {"pipelines", "sources", "filters", "detector", "schemas"},
    "training": {"training", "schemas"},
    "dags": {"dags"},
}
OURS = {*MAY_IMPORT, "tests", "examples"}
ONLY = {"apache_beam": "pipelines", "torch": "training"}
BEHIND_AN_EXTRA = {"filters/detoxify.py": {"torch"}}
FILES = [path for package in MAY_IMPORT for path in sorted((ROOT / package).rglob("*.py"))]
files = pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])

TOO_LONG = {
    "pipelines/build.py:build": "28 of its lines are the options, one a line, and what they mean",
    "pipelines/score.py:score": "30 of its lines are the options, one a line, what they mean, and their way into the job",
    "pipelines/cli.py:build_command": "names every option of the command line twice: to take it and to hand it on",
}
"""Files (`a/b.py`) and functions (`a/b.py:name`) over the limit, each with the argument for it."""


def imported(code: str, package: str) -> set[str]:
    """The top names of all modules the code imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(package if node.level else (node.module or "").partition(".")[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("import_module", "__import__"):
            found |= {str(name.value).partition(".")[0] for name in node.args if isinstance(name, ast.Constant)}
    return found


def wrong(code: str, package: str) -> set[str]:
    """What a file of `package` imports and may not."""
    names = imported(code, package)
    return (names & OURS - MAY_IMPORT[package]) | {name for name in names if ONLY.get(name, package) != package}


def long_functions(code: str, limit: int) -> list[str]:
    functions = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [each.name for each in functions if (each.end_lineno or 0) - each.lineno + 1 > limit]


@pytest.mark.parametrize(
    ("code", "package", "expected"),
    [
        ("import schemas.batch", "sources", set()),
        ("import schemas.batch, filters.text as t", "sources", {"filters"}),
        ("def f():\n    from pipelines import build", "training", {"pipelines"}),
        ("from . import batch", "schemas", set()),
        ("import apache_beam as beam", "pipelines", set()),
        ("from apache_beam.io import x", "filters", {"apache_beam"}),
        ("if 1:\n    import torch.nn", "pipelines", {"torch"}),
        ("import importlib\nimportlib.import_module('sources.reddit')", "filters", {"sources"}),
        ("from tests import data", "pipelines", {"tests"}),
        ("import schemas", "dags", {"schemas"}),
    ],
)
def test_the_check_sees_imports_wherever_they_are(code: str, package: str, expected: set[str]) -> None:
    assert wrong(code, package) == expected


def test_the_check_measures_functions_inside_classes_and_functions() -> None:
    code = "class A:\n    def f(self):\n        async def g():\n            return 1\n        return 2\n"
    assert long_functions(code, 2) == ["f"]
    assert long_functions(code, 1) == ["f", "g"]


def test_the_packages_are_there() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in FILES} >= {"schemas", "sources", "filters", "pipelines"}


@files
def test_imports_follow_the_arrows(path: Path) -> None:
    found = wrong(path.read_text(encoding="utf-8"), path.relative_to(ROOT).parts[0])
    assert found == BEHIND_AN_EXTRA.get(str(path.relative_to(ROOT)), set())


def too_long(path: Path) -> list[str]:
    code, name = path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))
    return [f"{name}:{function}" for function in long_functions(code, 40)] + ([name] if len(code.splitlines()) > 300 else [])


@files
def test_files_and_functions_are_short_or_argued_for(path: Path) -> None:
    assert [each for each in too_long(path) if each not in TOO_LONG] == []


def test_what_is_argued_for_is_still_too_long() -> None:
    assert set(TOO_LONG) <= {each for path in FILES for each in too_long(path)}
