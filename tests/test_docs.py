"""What the pages say runs, leads somewhere, and is what the code says."""

import argparse
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from apache_beam.options.pipeline_options import PipelineOptions

ROOT = Path(__file__).parents[1]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
OPERATIONS = ROOT / "docs" / "operations.md"
PACKAGES = ("schemas", "sources", "detector", "filters", "pipelines")
_PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


def python_of(page: Path) -> str:
    """The page with everything but its blocks of Python blanked, so that line numbers stay."""
    text = page.read_text(encoding="utf-8")
    kept = [""] * (text.count("\n") + 1)
    for block in _PYTHON.finditer(text):
        first = text.count("\n", 0, block.start(1))
        for number, line in enumerate(block[1].splitlines()):
            kept[first + number] = line
    return "\n".join(kept)


def test_the_examples_run_and_hold() -> None:
    """The blocks of docs/extending.md, in their order and one namespace; each part of the page asserts something."""
    page = ROOT / "docs" / "extending.md"
    namespace: dict[str, Any] = {"__name__": "docs_extending"}
    exec(compile(python_of(page), str(page), "exec"), namespace)
    assert namespace["judged"]
    assert namespace["manifest"]["views"]["messages"]
    assert len([block for block in _PYTHON.findall(page.read_text(encoding="utf-8")) if "\nassert " in block]) == 4


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    """Relative ones, from the folder of the page."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_are_there(page: Path) -> None:
    """Paths of the checkout in backticks."""
    named = re.findall(r"`((?:schemas|sources|filters|pipelines|tests|examples|docs)/[\w/.-]+\.\w+)`", page.read_text(encoding="utf-8"))
    assert not [path for path in named if not (ROOT / path).exists()]


def test_the_error_lines_are_those_of_the_code() -> None:
    """Every fragment in the first column of the table of errors stands in a string of the program."""
    code = "\n".join(path.read_text(encoding="utf-8") for package in PACKAGES for path in sorted((ROOT / package).glob("*.py")))
    text = OPERATIONS.read_text(encoding="utf-8")
    table = text[text.index("| the line says |") :].split("\n\n")[0].splitlines()[2:]
    fragments = [re.match(r"\| `([^`]+)`", line)[1] for line in table]  # type: ignore[index]
    assert len(fragments) > 15
    assert not [fragment for fragment in fragments if fragment not in code]


def test_beam_knows_the_options_of_the_commands_for_clusters() -> None:
    """Those that are not ours, with values of the right kind; in the YAML for Kubernetes, too."""
    text = (ROOT / "docs" / "clusters.md").read_text(encoding="utf-8").replace("\\\n", "")
    commands = [line.split() for line in text.splitlines() if line.strip().startswith("gather build")]
    parts = [part for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) for part in yaml.safe_load_all(block)]
    commands += [
        container["command"] for part in parts if part["kind"] == "Job" for container in part["spec"]["template"]["spec"]["containers"]
    ]
    parser = argparse.ArgumentParser(allow_abbrev=False, conflict_handler="resolve")
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(parser)
    given = [[word for word in command if "=" in word] for command in commands]
    assert [len(options) for options in given] == [0, 5, 8, 5]
    assert [parser.parse_known_args(options)[1] for options in given] == [[], [], [], []]
