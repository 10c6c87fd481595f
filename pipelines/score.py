"""Scores of anybody's texts: a table's own columns and rows as they are, in their order, and beside them what the recipe's filters find.

| part | columns |
| --- | --- |
| `language` | `lang`, null where the text does not say; `lang_score`, 0 to 1 |
| `quality` | `quality`, 0 to 1, by the text's form |
| `toxicity` | `detoxify`, a struct with `toxicity`, 0 to 1 |
| `pii` | `pii`, a list of start, end (in characters), type, score; `scrubbed`, the text with placeholders in its place |

Where there is no text, they are null. Nothing is rejected.
"""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters.chain import Filter, name_of, with_key
from pipelines.blocks import READ, Block, held, read_blocks, rows_of, schema_of
from pipelines.crew import Crew, Stage, one_by_one
from pipelines.files import durable, read_json, read_sealed, remove, sha256, write_json
from pipelines.job import RESULTS
from pipelines.key import fingerprint, load_key
from pipelines.lock import locked
from pipelines.parts import read_batch, write_batch
from pipelines.plan import versions
from pipelines.pool import make_ready
from pipelines.progress import Tally, Watch
from pipelines.recipe import Recipe, digest, load
from pipelines.tables_plan import described
from schemas.batch import from_columns
from schemas.message import COLUMNS, DETOXIFY, PII, WORK
from sources.columns import texts
from sources.places import absolute, is_remote, place

SCORE = "2-score"
_PROMPTERS = pa.array(["prompter", "user", "human", "question"])
_SPANS = pa.list_(pa.struct([field for field in PII.value_type if field.name != "replaced"]))


class Part(NamedTuple):
    """What is asked for by one name: the recipe's filters that find it, and the columns that come of it."""

    filters: tuple[str, ...]
    columns: pa.Schema


PARTS = {
    "language": Part(("filters.language.fill_language",), pa.schema([("lang", pa.string()), ("lang_score", COLUMNS["lang_score"].type)])),
    "quality": Part(("filters.shape.fill_shape", "filters.quality.fill_quality"), pa.schema([("quality", COLUMNS["quality"].type)])),
    "toxicity": Part(("filters.toxicity.fill_toxicity",), pa.schema([("detoxify", DETOXIFY)])),
    "pii": Part(
        ("filters.personal.fill_personal", "filters.personal.scrub_personal"), pa.schema([("pii", _SPANS), ("scrubbed", pa.string())])
    ),
}


@dataclass(frozen=True)
class ScoreJob:
    """One scoring. `inputs`: the one table, its path and name; `role`: of every text, or of those whose row names none in `role_column`."""

    folder: str
    inputs: tuple[tuple[str, str], ...]
    column: str
    role_column: str | None
    role: str
    parts: tuple[str, ...]
    recipe_file: str | None
    key: bytes

    def stage(self, name: str) -> Path:
        """The folder of a stage's files."""
        return place(self.folder) / name

    def results(self, stage: str) -> list[dict[str, Any]]:
        """Read what the shards of a finished stage left, in the order of their names."""
        return list(read_sealed(self.stage(stage) / RESULTS))


def score(
    table: str | Path,
    out: str | Path,
    *,
    text_column: str = "text",
    parts: Sequence[str] = tuple(PARTS),
    role_column: str | None = None,
    role: str = "assistant",
    recipe_file: str | Path | None = None,
    key_file: str | Path | None = None,
    workers: int = 1,
    patience: float | None = None,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Write a table's rows with scores beside them to `out`, one Parquet file; return a summary.

    `parts` are names of `PARTS`. Quality asks more words of an `assistant` than of a `prompter`: `role` says what the texts are, or
    `role_column` holds it (prompter, user, human or question; all else is an assistant). Interrupted, it goes on where it stopped.

    Raises:
        ValueError: an argument, the input or the recipe is not as expected.
        OSError: a file cannot be read or written.
        RuntimeError: a worker died.
    """
    target, recipe_path = absolute(out), None if recipe_file is None else str(recipe_file)
    _check(target, parts, role, workers)
    [given] = described([table])
    for part in parts:
        filters(load(recipe_path), part, b"")
    job = ScoreJob(
        folder=str(target.with_name(f".{target.name}.stages")),
        inputs=((given["path"], given["file"]),),
        column=text_column,
        role_column=role_column,
        role=role,
        parts=tuple(name for name in PARTS if name in parts),
        recipe_file=recipe_path,
        key=load_key(None if key_file is None else Path(key_file)) if "pii" in parts else b"",
    )
    stages = place(job.folder)
    stages.mkdir(parents=True, exist_ok=True)
    with locked(stages / "lock" if is_remote(stages) else stages):
        _settle(
            stages,
            {
                "input": given,
                "job": repr((*astuple(job)[1:-1], fingerprint(job.key))),
                "recipe": digest(recipe_path),
                "versions": versions(),
            },
        )
        rows = _whole(job, target, Crew(workers, one_by_one, watch=watch, patience=patience))
    return {"path": str(out), "rows": rows, "columns": columns(job.parts).names, "bytes": target.stat().st_size, "sha256": sha256(target)}


def _whole(job: ScoreJob, target: Path, crew: Crew) -> int:
    """Run the stages to their end and remove their files; return the number of rows."""
    if crew.workers > 1:
        make_ready()
    try:
        with crew:
            rows: int = crew.persist(lambda: _run(job, crew, target))
    except ValueError:  # the table or an option is wrong: there is nothing to go on with
        remove(place(job.folder))
        raise
    remove(place(job.folder))
    return rows


def _check(target: Path, parts: Sequence[str], role: str, workers: int) -> None:
    for part in parts:
        if part not in PARTS:
            raise ValueError(f"with: got {part!r}; expected some of {', '.join(PARTS)}")
    if not parts:
        raise ValueError(f"with: nothing to score; expected some of {', '.join(PARTS)}")
    if role not in ("prompter", "assistant"):
        raise ValueError(f"role: got {role!r}; expected prompter or assistant")
    if workers < 1:
        raise ValueError(f"workers: got {workers}; expected 1 or more")
    if target.is_dir():
        raise ValueError(f"{target}: is a folder; expected a name for a Parquet file, as in -o scored.parquet")


def filters(recipe: Recipe, part: str, key: bytes) -> list[Filter]:
    """The recipe's filters for a part, in the order in which they run.

    Raises:
        ValueError: the recipe has not all of them.
    """
    by_name = {name_of(each): each for each in recipe.messages}
    missing = [name for name in PARTS[part].filters if name not in by_name]
    if missing:
        raise ValueError(
            f"the recipe has no {missing[0].rpartition('.')[2]}, which --with {part} needs; add it to `messages`, or leave {part} out"
        )
    return with_key([by_name[name] for name in PARTS[part].filters], key)


def columns(parts: Sequence[str]) -> pa.Schema:
    """The columns that come beside the table's own."""
    return pa.schema([field for part in parts for field in PARTS[part].columns])


def _settle(stages: Path, plan: dict[str, Any]) -> None:
    """Go on with what an interrupted run of the same plan has left, or begin afresh."""
    stored = stages / "plan.json"
    if not stored.exists() or read_json(stored) != plan:
        for old in (READ, SCORE):
            remove(stages / old)
        write_json(stored, plan)


def _run(job: ScoreJob, crew: Crew, target: Path) -> int:
    [read] = crew.run(Stage(READ, read_blocks), job, range(1))
    schema, added = schema_of(job, 0), columns(job.parts)
    for name in added.names:
        if name in schema.names:
            raise ValueError(
                f"{job.inputs[0][0]}: has a column {name!r} already, which scores are to be put into; rename it, or leave it out of --with"
            )
    blocks = held([read])
    crew.run(Stage(SCORE, score_block), job, blocks)
    with durable(target) as temporary, pq.ParquetWriter(temporary, pa.schema([*schema, *added]), compression="zstd") as writer:
        for block in blocks:
            rows, scores = rows_of(job, block.stem), read_batch(job.stage(SCORE) / f"{block.name}.arrow")
            writer.write_batch(pa.RecordBatch.from_arrays([*rows.columns, *scores.columns], schema=writer.schema))
    return sum(read["rows"])


def score_block(job: ScoreJob, block: Block, tally: Tally) -> dict[str, Any]:
    """Write the scores of a block's texts."""
    recipe, rows = load(job.recipe_file), rows_of(job, block.stem)
    scores = scored(texts(rows, job.column, block.file), _roles(job, rows, block.file), recipe, job.parts, job.key)
    write_batch(job.stage(SCORE) / f"{block.name}.arrow", scores)
    tally.add(rows=len(rows))
    return {"rows": len(rows)}


def _roles(job: ScoreJob, rows: pa.RecordBatch, file: str) -> pa.Array:
    if job.role_column is None:
        return pa.repeat(job.role, len(rows))
    said = texts(rows, job.role_column, file)
    named = pc.if_else(pc.is_in(pc.utf8_lower(said), _PROMPTERS), "prompter", "assistant")
    return pc.if_else(pc.is_valid(said), named, job.role)


def scored(text: pa.Array, role: pa.Array, recipe: Recipe, parts: Sequence[str], key: bytes) -> pa.RecordBatch:
    """The scores of texts, (n,), of these roles, (n,); null where a text is null."""
    known = pc.is_valid(text)
    whole = pa.repeat("", len(text))
    batch = from_columns(
        {"text": pc.fill_null(text, ""), "role": role, "message_tree_id": whole, "message_id": whole, "source": whole}, WORK
    )
    made: dict[str, pa.Array] = {}
    for part in parts:
        chosen = filters(recipe, part, key)
        if part == "pii":
            made["pii"], made["scrubbed"] = _personal(chosen, batch)
            continue
        found = reduce(lambda before, each: each(before), chosen, batch)
        made |= {name: found[name] for name in PARTS[part].columns.names}
    schema = columns(parts)
    nothing = {field.name: pa.scalar(None, field.type) for field in schema}
    return pa.RecordBatch.from_arrays([pc.if_else(known, made[name], nothing[name]) for name in schema.names], schema=schema)


def _personal(chosen: Sequence[Callable[[pa.RecordBatch], pa.RecordBatch]], batch: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
    """Where personal data is in the texts as they are, and the texts without it."""
    found = chosen[0](batch)
    spans = found["pii"]
    flat = [pc.struct_field(spans.values, [field.name]) for field in _SPANS.value_type]
    there = pa.ListArray.from_arrays(
        spans.offsets, pa.StructArray.from_arrays(flat, fields=list(_SPANS.value_type)), mask=spans.is_null() if spans.null_count else None
    )
    return there, chosen[1](found)["text"]
