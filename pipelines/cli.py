"""The command line, `gather`. Everything it does is one call of a function that notebooks can call too."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from filters.minhash import SIGNERS, banding
from pipelines import look, recipe, screen
from pipelines.cli_filters import evaluate_command, score_command
from pipelines.cli_forget import forget_command
from pipelines.export import FORMATS, export
from pipelines.job import local_folder
from pipelines.options import AsJson, Out, Patience, takes_sources
from pipelines.recipe import Near
from pipelines.worker import quiet
from schemas.views import VIEWS
from sources import SOURCES
from sources.places import place

app = typer.Typer(
    name="gather",
    help="Turn Reddit, Stack Exchange and Quora dumps into ranked Parquet conversation trees.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
_stdout = Console(highlight=False)
_stderr = Console(stderr=True, highlight=False)
_MANY = (*(f"--{name}" for name in SOURCES), "--against", "--decontaminate")


@app.command("build", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@takes_sources
def build_command(
    inputs: dict[str, list[str]],
    context: typer.Context,
    out: Annotated[
        str,
        typer.Option("-o", "--out", help="Folder for the data, here or as s3://...; OUT.local beside it holds what must not be published."),
    ],
    recipe_file: Annotated[str | None, typer.Option("--recipe", help="A recipe in place of the default one; see `gather recipe`.")] = None,
    views: Annotated[str, typer.Option(help="Which tables to write, separated by commas.")] = ",".join(VIEWS),
    workers: Annotated[int, typer.Option(help="Processes on this machine.")] = 1,
    buckets: Annotated[int | None, typer.Option(help="Parts in which trees travel, a power of two: more need less memory.")] = None,
    seed: Annotated[int, typer.Option(help="Decides which trees are for validation.")] = 0,
    key_file: Annotated[Path | None, typer.Option(help="Key for the authors' pseudonyms; by default this user's own.")] = None,
    quora_columns: Annotated[
        str, typer.Option(help="Columns of unusual names: question=Q,answer=A,url=...,author=...,score=...,created=...")
    ] = "",
    against: Annotated[
        list[str] | None, typer.Option(help="Any number of earlier releases: what they hold is not published again.")
    ] = None,
    decontaminate: Annotated[
        list[str] | None, typer.Option(help="Any number of evaluation sets, as JSONL, CSV or Parquet: no message may hold an item of one.")
    ] = None,
    forget: Annotated[
        str | None, typer.Option(help="A list of messages and authors to leave out, one a line: t1_abc, reddit:t1_abc, u/name.")
    ] = None,
    minhash: Annotated[str, typer.Option(help=f"What signs texts: {', '.join(SIGNERS)} (an oracle, slow).")] = "numpy",
    allow_truncated: Annotated[bool, typer.Option(help="Keep what can be read of a broken archive, and say so in the manifest.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace the build that is in OUT.")] = False,
    exchange: Annotated[
        str, typer.Option(help="What carries bands between shards: files, or the runner's own shuffle (native).")
    ] = "files",
    runner: Annotated[str, typer.Option(help="Beam runner; Beam's own options may follow.")] = "FnApiRunner",
    patience: Patience = 1200,
    as_json: AsJson = False,
) -> None:
    """Turn dumps into conversation trees, ranked by votes, and the tables that trainers read.

    Interrupted? Run the same command again: it goes on where it stopped.

        gather build -o out --reddit RC_2023-01.zst RS_2023-01.zst --stackexchange askubuntu.com.7z --quora answers.jsonl
    """
    from pipelines.build import build  # noqa: PLC0415 - Beam takes a second to import; no other command needs it

    if context.args and runner == "FnApiRunner":
        raise typer.BadParameter(f"unknown: {' '.join(context.args)} (options of Beam need another --runner than FnApiRunner)")
    started = time.monotonic()
    with screen.watching(_stderr) as watch:
        manifest = build(
            out,
            inputs,
            recipe_file=recipe_file,
            views=[name for name in views.split(",") if name],
            workers=workers,
            buckets=buckets,
            seed=seed,
            key_file=key_file,
            quora_columns=_columns(quora_columns),
            against=against or (),
            decontaminate=decontaminate or (),
            forget=forget,
            minhash=minhash,
            allow_truncated=allow_truncated,
            overwrite=overwrite,
            patience=patience or None,
            exchange=exchange,  # type: ignore[arg-type]  # build says what it expects
            runner=runner,
            runner_options=context.args,
            watch=watch,
        )
    if as_json:
        print(json.dumps(manifest, indent=1, sort_keys=True))  # noqa: T201
    else:
        screen.summary(_stdout, out, local_folder(place(out)), manifest, time.monotonic() - started)


@app.command("dedup")
def dedup_command(
    inputs: Annotated[
        list[str], typer.Argument(help="JSONL, CSV or Parquet files, packed or not. Of rows alike the first stays.", show_default=False)
    ],
    out: Annotated[str, typer.Option("-o", "--out", help="Folder for kept/, removed/ and summary.json.")],
    text_column: Annotated[str, typer.Option(help="The column that holds the text; a.b for one within an object.")] = "text",
    threshold: Annotated[float, typer.Option(help="Exact Jaccard similarity from which two texts are near-duplicates.")] = 0.8,
    recall: Annotated[
        float, typer.Option(help="Probability with which a pair right at the threshold is found; more similar ones are surer.")
    ] = 0.98,
    exact_only: Annotated[bool, typer.Option("--exact-only", help="Only the same text counts.")] = False,
    minhash: Annotated[str, typer.Option(help=f"What makes the signatures: {', '.join(SIGNERS)} (an oracle, slow).")] = "numpy",
    workers: Annotated[int, typer.Option(help="Processes on this machine.")] = 1,
    overwrite: Annotated[bool, typer.Option(help="Replace the result that is in OUT.")] = False,
    patience: Patience = 1200,
    as_json: AsJson = False,
) -> None:
    """Remove duplicate and near-duplicate texts from anybody's tables, each with its proof.

    Texts are compared by their runs of five words. Nothing goes without being compared with a row that stays.

        gather dedup mine.jsonl other.parquet --text-column body -o deduped
    """
    from pipelines.tables import dedup  # noqa: PLC0415 - as above

    started = time.monotonic()
    near = None if exact_only else Near(threshold, None, recall)
    with screen.watching(_stderr) as watch:
        options: dict[str, Any] = {
            "near": near,
            "minhash": minhash,
            "workers": workers,
            "overwrite": overwrite,
            "patience": patience or None,
        }
        summary = dedup(inputs, out, text_column=text_column, **options, watch=watch)
    if as_json:
        print(json.dumps(summary, indent=1, sort_keys=True))  # noqa: T201
    else:
        screen.deduped(_stdout, out, summary, time.monotonic() - started)


def _columns(text: str) -> dict[str, str]:
    """Read `role=column,role=column`."""
    pairs = [part.split("=", 1) for part in text.split(",") if part]
    if any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise ValueError(f"--quora-columns: got {text!r}; expected role=column pairs, as in question=Title,answer=Body")
    return dict(pairs)


@app.command()
def show(
    out: Out, tree_id: Annotated[str | None, typer.Argument(help="A tree, or any message of it.")] = None, as_json: AsJson = False
) -> None:
    """Draw a conversation tree; without an id, the first of OUT, with the ids of some others."""
    ids = [tree_id] if tree_id else look.some_trees(out, 8)
    if not ids:
        raise ValueError(f"{out}: holds no tree; see the reasons in {out}/manifest.json")
    rows = look.tree(out, ids[0])
    if as_json:
        print(json.dumps(rows, default=str, ensure_ascii=False))  # noqa: T201
        return
    _stdout.print(screen.conversation(rows))
    if len(ids) > 1:
        _stdout.print("\nSome others: " + "  ".join(ids[1:]), soft_wrap=True)


@app.command()
def why(
    out: Out,
    message_id: Annotated[
        str, typer.Argument(help="As in the data: reddit:t1_abc, stackexchange:SITE:12, quora:...; or FILE:ROW of a dump.")
    ],
    as_json: AsJson = False,
) -> None:
    """Tell what became of a message, and of those above it: kept or rejected, by which filter, on what value."""
    told = look.why(out, message_id)
    if as_json:
        print(json.dumps(told, default=str, ensure_ascii=False))  # noqa: T201
        return
    for number, fate in enumerate(told):
        if number:
            _stdout.print("[dim]^ in reply to[/]" if told[number - 1]["message_id"] != fate["message_id"] else "[dim]^ an older version[/]")
        screen.fate(_stdout, fate)


@app.command("export")
def export_command(
    out: Out,
    target: Annotated[str, typer.Option("-o", "--output", help="File to write; packed if it ends in .gz.")],
    format_: Annotated[str, typer.Option("--format", help=f"One of: {', '.join(FORMATS)}.")] = "oasst",
) -> None:
    """Write the trees as OASST's nested JSON, one tree a line."""
    with _stderr.status("writing") as status:
        count = export(out, target, format_=format_, progress=lambda done: status.update(f"{done:,} trees written"))
    _stdout.print(f"{count:,} trees in {target}", soft_wrap=True)


app.command("score")(score_command)
app.command("evaluate")(evaluate_command)
app.command("forget")(forget_command)


@app.command("recipe")
def recipe_command(
    recipe_file: Annotated[str | None, typer.Argument(help="A recipe file; without one, the default recipe.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the recipe in force: every filter and every threshold, in order."""
    path = str(recipe_file) if recipe_file else None
    found = recipe.load(path)
    near = found.near if found.duplicates else None
    how = banding(near.lowest, near.recall) if near else None
    if as_json:
        steps = {name: recipe.steps(getattr(found, name)) for name in ("rows", "messages")}
        curve = {f"{percent / 100:.2f}": how.looked_at(percent / 100) for percent in range(0, 101, 5)} if how else {}
        bands = {"bands": how.bands, "rows": how.rows, "looked_at": curve} if how else None
        print(json.dumps({"digest": recipe.digest(path), "text": recipe.text(found), "banding": bands, **steps}, indent=1, default=str))  # noqa: T201
        return
    _stdout.print(recipe.text(found), end="", markup=False, soft_wrap=True)
    if near and how:
        screen.s_curve(_stdout, near, how)
    _stdout.print(
        f"digest: {recipe.digest(path)}\nTo change it: copy examples/recipe.py, edit, and build with --recipe FILE.py", soft_wrap=True
    )


@app.command("sources")
def sources_command(as_json: AsJson = False) -> None:
    """List what can be read, where to get it, and under which licence."""
    found: dict[str, dict[str, Any]] = {
        name: {"reads": source.reads, "get_it": source.get_it, "license": source.license} for name, source in SOURCES.items()
    }
    if as_json:
        print(json.dumps(found, indent=1))  # noqa: T201
        return
    for name, facts in found.items():
        _stdout.print(f"[bold]--{name}[/]", soft_wrap=True)
        for label, fact in facts.items():
            _stdout.print(f"  {label.replace('_', ' '):<8} {fact}", soft_wrap=True, markup=False)


def spread(arguments: Sequence[str]) -> list[str]:
    """Let `--reddit A B C` mean `--reddit A --reddit B --reddit C`."""
    spread_out: list[str] = []
    many, fresh = None, False
    for argument in arguments:
        if argument.startswith("-"):
            many, fresh = (argument if argument in _MANY else None), True
        elif many and not fresh:
            spread_out.append(many)
        else:
            fresh = False
        spread_out.append(argument)
    return spread_out


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line: exit 0 if all went well, 1 with one line if not, 2 for wrong usage, 130 on Ctrl-C."""
    quiet()
    try:
        app(args=spread(sys.argv[1:] if arguments is None else arguments), prog_name="gather")
    except (ValueError, OSError, RuntimeError) as error:
        _stderr.print(f"error: {_explained(error)}", style="red", markup=False, soft_wrap=True)
        sys.exit(1)


def _explained(error: Exception) -> str:
    """One line for what the system refused, with what can be done about it."""
    if not isinstance(error, OSError):
        return str(error)
    about = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    hints = {
        28: "the disk is full; finished shards are safe: make room and run the same command to go on",
        13: "no permission; check who owns it, or give another -o",
        2: "it is not there any more; put it back and run the same command to go on",
    }
    return f"{about}; {hints[error.errno]}" if error.errno in hints else about
