"""The commands `gather score` and `gather evaluate`."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown

from pipelines import screen
from pipelines.files import durable, read_json, write_json
from pipelines.options import AsJson, Patience

PARTS = ("language", "quality", "toxicity", "pii")
_LABELLED = Path(__file__).parents[1] / "tests" / "data"
_stdout, _stderr = Console(highlight=False), Console(stderr=True, highlight=False)


def score_command(
    table: Annotated[str, typer.Argument(help="A JSONL, CSV or Parquet file, packed or not.", show_default=False)],
    out: Annotated[str, typer.Option("-o", "--output", help="Parquet file to write; one that is there is replaced.")],
    text_column: Annotated[str, typer.Option(help="The column that holds the text; a.b for one within an object.")] = "text",
    with_: Annotated[str, typer.Option("--with", help=f"What to find, separated by commas: {', '.join(PARTS)}.")] = ",".join(PARTS),
    role_column: Annotated[
        str | None, typer.Option(help="The column that says who wrote: prompter, user, human or question; all else is an assistant.")
    ] = None,
    role: Annotated[str, typer.Option(help="Who wrote, where no column says: an assistant must say more than a prompter.")] = "assistant",
    recipe_file: Annotated[str | None, typer.Option("--recipe", help="A recipe in place of the default one; see `gather recipe`.")] = None,
    key_file: Annotated[Path | None, typer.Option(help="Key for the codes of placeholders; by default this user's own.")] = None,
    workers: Annotated[int, typer.Option(help="Processes on this machine.")] = 1,
    patience: Patience = 1200,
    as_json: AsJson = False,
) -> None:
    """Score anybody's texts: language, quality, toxicity, personal data. All rows and columns stay as they are.

    Adds the columns lang, lang_score, quality, detoxify, pii (where, in characters, and of what type) and scrubbed (the text without it).

        gather score mine.jsonl --text-column body --with language,toxicity -o scored.parquet
    """
    from pipelines.score import score  # noqa: PLC0415 - the filters' libraries take a second to import; most commands never need them

    started = time.monotonic()
    with screen.watching(_stderr) as watch:
        options: dict[str, Any] = {"role_column": role_column, "role": role, "recipe_file": recipe_file, "key_file": key_file}
        parts = [name for name in with_.split(",") if name]
        summary = score(
            table, out, text_column=text_column, parts=parts, **options, workers=workers, patience=patience or None, watch=watch
        )
    if as_json:
        print(json.dumps(summary, indent=1, sort_keys=True))  # noqa: T201
        return
    added = ", ".join(summary["columns"])
    _stdout.print(f"{summary['rows']:,} rows in {out}, with {added}. {time.monotonic() - started:.1f} s.", soft_wrap=True)


def evaluate_command(
    data: Annotated[
        Path, typer.Option(help="Folder of labelled sets, in the folders that docs/quality.md lists; by default those of tests/data.")
    ] = _LABELLED,
    with_: Annotated[str, typer.Option("--with", help=f"Which filters, separated by commas: {', '.join(PARTS)}.")] = ",".join(PARTS),
    out: Annotated[Path | None, typer.Option("-o", "--output", help="Write the page docs/quality.md to this file, too.")] = None,
    recorded_file: Annotated[
        Path | None, typer.Option("--recorded", help="Figures of another day: exit with 1 where one of them has become worse.")
    ] = None,
    record: Annotated[Path | None, typer.Option(help="Write what `--recorded` takes to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the filters on every labelled set found: precision, recall, F1, AUC, texts a second.

    gather evaluate --recorded tests/data/figures.json
    """
    from pipelines.evaluate import evaluate, recorded, table, worse  # noqa: PLC0415 - as above
    from pipelines.quality_page import page  # noqa: PLC0415

    with _stderr.status("measuring"):
        found = evaluate(data, [name for name in with_.split(",") if name])
    if as_json:
        print(json.dumps([figure._asdict() for figure in found], indent=1))  # noqa: T201
    else:
        _stdout.print(Markdown(table(found)) if _stdout.is_terminal else table(found), markup=False, soft_wrap=not _stdout.is_terminal)
    if out is not None:
        with durable(out) as temporary:
            temporary.write_text(page(found), encoding="utf-8")
    if record is not None:
        write_json(record, recorded(found))
    fell = worse(found, read_json(recorded_file)) if recorded_file is not None else []
    for line in fell:
        _stderr.print(f"worse: {line}", style="red", markup=False, soft_wrap=True)
    if fell:
        raise typer.Exit(1)
