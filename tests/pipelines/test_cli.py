"""The command line: exit codes, one-line errors, JSON for scripts, and options that take several values."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pipelines import cli
from tests.conftest import EXAMPLES

GATHER = [sys.executable, "-c", "from pipelines.cli import main; main()"]


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, standard output, standard error of one command in this process."""
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("build --reddit a b c -o x", "build --reddit a --reddit b --reddit c -o x"),
        ("build --reddit a --quora b c --workers 2", "build --reddit a --quora b --quora c --workers 2"),
        ("build --stackexchange a b --json --reddit", "build --stackexchange a --stackexchange b --json --reddit"),
        ("show out id", "show out id"),
    ],
)
def test_a_source_takes_any_number_of_paths(given: str, meant: str) -> None:
    """Until the next option."""
    assert cli.spread(given.split()) == meant.split()


def test_every_command_has_help_that_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    """Help exits with 0 and every command is listed."""
    code, out, _ = run("--help", capsys=capsys)
    assert code == 0
    for command in ("build", "show", "why", "export", "forget", "recipe", "sources"):
        assert command in out
        assert run(command, "--help", capsys=capsys)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["build"], 2, "Missing option"),
        (["nonsense"], 2, "No such command"),
        (["build", "-o", "x", "--wrong"], 2, "unknown: --wrong"),
        (["build", "-o", "x", "--reddit", "/no/such/file"], 1, "error: /no/such/file: no such file or folder (given for --reddit)"),
        (["build", "-o", "x", "--quora", "a.csv", "--quora-columns", "question"], 1, "error: --quora-columns: got 'question'; expected role=column"),
        (["build", "-o", "x"], 1, "error: no inputs; give files, folders or globs for --reddit, --stackexchange, --quora"),
        (["show", "/no/such"], 1, "error: /no/such: no manifest.json; expected a folder that gather build has made"),
        (["forget", "/no/such"], 2, "nothing to forget was given"),
        (["forget", "/no/such", "--id", "t1_a"], 1, "error: /no/such: no manifest.json; expected a folder that gather build has made"),
        (["recipe", "/no/such.py"], 1, "error: /no/such.py: no such recipe file"),
    ],
)  # fmt: skip
def test_errors_are_one_line_with_an_exit_code(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1 for what went wrong, 2 for wrong usage; never a traceback."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    got, _, err = run(*arguments, capsys=capsys)
    assert got == code
    assert said in err
    assert "Traceback" not in err


def test_json_is_the_manifest_and_nothing_else(built: Path, manifest: Any, key_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Progress goes to standard error. A finished build is told again, not made again."""
    sources = [part for name in ("reddit", "stackexchange", "quora") for part in (f"--{name}", str(EXAMPLES / name))]
    code, out, _ = run("build", "-o", str(built), "--buckets", "1", "--key-file", str(key_file), *sources, "--json", capsys=capsys)
    assert (code, json.loads(out)) == (0, manifest)


@pytest.mark.parametrize("arguments", [["show", "OUT", "reddit:t3_1kp7zq"], ["why", "OUT", "reddit:t3_1kp7zq"], ["recipe"], ["sources"]])
def test_what_people_read_scripts_can_read_too(built: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """--json gives the same as JSON."""
    arguments = [str(built) if part == "OUT" else part for part in arguments]
    assert run(*arguments, capsys=capsys)[0] == 0
    code, out, _ = run(*arguments, "--json", capsys=capsys)
    assert code == 0
    assert json.loads(out)


def test_the_screen_shows_rows_reasons_views_and_where_things_are(
    built: Path, key_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a build: what came in, what went out, why the rest did not, and what to do next."""
    out_dir = tmp_path / "out"
    code, out, err = run("build", "-o", str(out_dir), "--key-file", str(key_file), "--reddit", str(EXAMPLES / "reddit"), capsys=capsys)
    assert code == 0
    assert re.search(r"rows in\s+│\s+153", out)
    assert re.search(r"role_break\s+│\s+4", out)
    for said in ("trees with answers", "preference pairs", f"{out_dir}/", f"{out_dir}.local/rejected/", "gather why"):
        assert said in out
    assert re.search(r"1-ingest: done in .* 153 rows, .* of .*, \d+ rejected", err)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_and_sigterm_stop_and_the_same_command_goes_on(key_file: Path, tmp_path: Path, number: int, code: int) -> None:
    """One line says that finished shards are safe; also with worker processes, which end too."""
    command = [
        *GATHER,
        "build",
        "-o",
        str(tmp_path / "out"),
        "--key-file",
        str(key_file),
        "--workers",
        "2",
        "--reddit",
        str(EXAMPLES / "reddit"),
    ]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        cwd=EXAMPLES.parent,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 (a shell's background jobs do not hear Ctrl-C)
    )
    while process.poll() is None and not (tmp_path / "out.local" / "stages" / "1-ingest").exists():
        time.sleep(0.005)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "stopped; finished shards are safe: run the same command to go on" in err
    assert "Traceback" not in err
    assert subprocess.run(command, check=False, capture_output=True, cwd=EXAMPLES.parent).returncode == 0


def test_on_a_terminal_there_are_bars(key_file: Path, tmp_path: Path) -> None:
    """One a stage, on standard error."""
    command = [*GATHER, "build", "-o", str(tmp_path / "out"), "--key-file", str(key_file), "--quora", str(EXAMPLES / "quora")]
    master, slave = pty.openpty()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=slave, cwd=EXAMPLES.parent, env={**os.environ, "TERM": "xterm"})
    os.close(slave)
    drawn = b""
    try:
        while chunk := os.read(master, 4096):
            drawn += chunk
    except OSError:  # the other end has gone
        pass
    assert process.wait() == 0
    text = drawn.decode()
    assert "━" in text
    assert "1-ingest" in text
    assert "5-publish" in text
