"""Build a data set from dumps: its stages, one after the other, each resumable."""

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipelines import recipe
from pipelines.compare import compare, counted
from pipelines.contamination import describe_sets, index_sets
from pipelines.crew import DONE, LOCAL_RUNNER, Crew, Exchange, Stage
from pipelines.dedup import Turn, cluster, match, prune, settled, turn_name
from pipelines.files import read_json, remove, write_json
from pipelines.finish import finish
from pipelines.forget import resume
from pipelines.forgotten import read_list
from pipelines.ingest import Stripe, ingest
from pipelines.job import AGAINST, FINISH, FORGET, INGEST, PUBLISH, REFINE, Job, local_folder
from pipelines.key import fingerprint, load_key
from pipelines.lock import locked
from pipelines.manifest import manifest
from pipelines.near import Part, pass_name
from pipelines.plan import Plan, bucket_bits, cut, describe, differences, find_inputs, versions
from pipelines.pool import make_ready
from pipelines.progress import Watch
from pipelines.publish import publish, shards
from pipelines.refine import refine
from pipelines.releases import Earlier, describe_releases, earlier_files, sign_earlier
from pipelines.remembered import forget_others
from pipelines.removal import graft_pass
from pipelines.transforms import run_pipeline
from schemas.views import SPLITS, VIEWS
from sources.places import absolute, place

_REFUSED = {
    "DirectRunner": "chooses an engine by itself, and may download one",
    "SwitchingDirectRunner": "chooses an engine by itself, and may download one",
    "DaskRunner": "loses rows and reports success",
}
"""Runners that a build must not run on, and why (seen with Beam 2.77)."""


def build(
    out: str | Path,
    inputs: Mapping[str, Sequence[str | Path]],
    *,
    recipe_file: str | Path | None = None,
    views: Sequence[str] = tuple(VIEWS),
    workers: int = 1,
    buckets: int | None = None,
    seed: int = 0,
    key_file: str | Path | None = None,
    quora_columns: Mapping[str, str] | None = None,
    allow_truncated: bool = False,
    overwrite: bool = False,
    against: Sequence[str | Path] = (),
    decontaminate: Sequence[str | Path] = (),
    forget: str | Path | None = None,
    minhash: str = "numpy",
    exchange: Exchange = "files",
    patience: float | None = None,
    runner: str = LOCAL_RUNNER,
    runner_options: Sequence[str] = (),
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Turn dumps into ranked conversation trees under `out`; return the manifest.

    `inputs` maps a source's name to files, folders or globs. A build that was interrupted goes on where it
    stopped; one that is complete is returned as it is. `workers` processes share the work on this machine;
    `against` are the folders of earlier releases: what they hold is not published again; `decontaminate` are
    evaluation sets: no message holds an item of one; `forget` is a list of
    messages and authors to leave out (`pipelines.forgotten`). A process whose shard makes no progress for `patience` seconds is ended; with one
    worker, that is this one. With another `runner` than FnApiRunner, Beam's own `runner_options` say where it runs.

    Raises:
        ValueError: an argument, an input or the recipe is not as expected, or `out` holds another build.
        OSError: a file cannot be read or written.
        RuntimeError: a worker died, or rows are missing.
    """
    folder = absolute(out)
    _check(folder, views, workers, buckets, runner, exchange)
    local = local_folder(folder)
    with locked(local / "lock"):
        if workers > 1 and runner == LOCAL_RUNNER:
            make_ready()
        resume(folder, local)
        key = load_key(Path(key_file) if key_file else None)
        forgotten = "\n".join(read_list(place(forget), key).lines) if forget else None
        stored = read_json(local / "plan.json") if (local / "plan.json").exists() and not overwrite else None
        wanted: Plan = {
            "seed": seed,
            "views": [name for name in VIEWS if name in views],
            "key": fingerprint(key),
            "quora_columns": dict(quora_columns or {}),
            "allow_truncated": allow_truncated,
            "versions": versions(),
            "against": describe_releases(against),
            "decontaminate": describe_sets(decontaminate),
            "forget": None if forgotten is None else hashlib.sha256(forgotten.encode()).hexdigest(),
            "minhash": minhash,
            "bits": None if buckets is None else buckets.bit_length() - 1,
            "recipe": recipe.text(recipe.load(str(recipe_file) if recipe_file else None)),
            "recipe_digest": recipe.digest(str(recipe_file) if recipe_file else None),
            "inputs": describe(find_inputs(inputs), stored, watch),
        }
        if overwrite:  # only now that all that was given has been found to be in order
            _remove(folder, local)
        plan = _settle(folder, local, stored, wanted, workers)
        if (folder / "manifest.json").exists():
            remove(local / "stages")
            return dict(read_json(folder / "manifest.json"))
        if forgotten is not None:
            (local / FORGET).write_text(forgotten, encoding="utf-8")
        job = Job(
            out=str(folder),
            recipe_file=_keep_recipe(local, recipe_file),
            bits=plan["bits"],
            seed=seed,
            views=tuple(plan["views"]),
            key=key,
            allow_truncated=allow_truncated,
            quora_columns=tuple(sorted(plan["quora_columns"].items())),
            minhash=minhash,
            against=tuple(each.path for each in earlier_files([release["path"] for release in plan["against"]])),
            decontaminate=bool(plan["decontaminate"]),
            forget=forgotten is not None,
        )
        size = sum(entry["bytes"] for entry in plan["inputs"])
        with Crew(workers, run_pipeline, runner, runner_options, watch, {INGEST: size}, exchange, patience) as crew:
            return dict(crew.persist(lambda: _run(job, plan, crew)))


def _run(job: Job, plan: Plan, crew: Crew) -> dict[str, Any]:
    """The stages. Each one's results are on disk before the next one starts."""
    started = time.monotonic()
    ingested = crew.run(Stage(INGEST, ingest), job, [Stripe(**stripe) for stripe in plan["stripes"]])
    if job.decontaminate:
        index_sets(job, plan["decontaminate"])
    crew.run(Stage(REFINE, refine), job, job.buckets)
    if job.recipe.duplicates:
        remove_duplicates(job, crew, earlier_files([release["path"] for release in plan["against"]]))
    finished = crew.run(Stage(FINISH, finish), job, job.buckets)
    rows = {name: {split: _sum(shard["rows"][name][split] for shard in finished) for split in SPLITS} for name in job.views}
    published = crew.run(Stage(PUBLISH, publish), job, shards(rows))
    whole = manifest(plan, ingested, finished, published, counted(job, finished))
    for unfinished in place(job.out).rglob(".*.part"):  # what a killed run was writing
        unfinished.unlink()
    write_json(job.local / "logs" / "seconds.json", {**crew.seconds, "all": time.monotonic() - started})
    write_json(place(job.out) / "manifest.json", whole)
    remove(job.local / "stages")
    forget_others(job)
    return whole


def remove_duplicates(job: Job, crew: Crew, earlier: Sequence[Earlier]) -> None:
    """Stage 3, in passes: compare texts, then take turns until it is settled who loses, then tie the trees that go to one split."""
    if earlier:
        crew.run(Stage(AGAINST, sign_earlier), job, earlier)
    compare(job, crew)
    number = 0
    while True:
        turns = [Turn(number, part) for part in job.buckets]
        crew.run(Stage(pass_name(turn_name(number, "match")), match), job, turns)
        crew.run(Stage(pass_name(turn_name(number, "prune")), prune), job, turns)
        if settled(job, number):
            break
        number += 1
    crew.run(Stage(pass_name("cluster"), cluster), job, [Turn(number, 0)])
    if job.recipe.graft:
        crew.run(Stage(pass_name("graft"), graft_pass), job, [Part(part) for part in job.buckets])


def _sum(counts: Iterable[Mapping[str, int]]) -> Counter[int]:
    """Add up rows by prefix."""
    return sum((Counter({int(prefix): rows for prefix, rows in each.items()}) for each in counts), Counter())


def _settle(folder: Path, local: Path, stored: Plan | None, wanted: Plan, workers: int) -> Plan:
    """The stored plan if this run is the same build, else the wanted one, completed and stored.

    Raises:
        ValueError: the plans differ, or OUT holds something that no build here has made.
    """
    if stored is not None:
        said = differences(stored, wanted, _read(local, stored))
        if said:
            raise ValueError(
                f"{folder}: holds another build; it differs in\n  " + "\n  ".join(said) + "\ngive another -o, or --overwrite to replace it"
            )
        stored |= {"inputs": wanted["inputs"], "allow_truncated": wanted["allow_truncated"]}
        write_json(local / "plan.json", stored)
        return stored
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder}: is not empty and was not made by gather; expected a new or empty folder")
    plan = {**wanted, "stripes": [asdict(stripe) for stripe in cut(wanted["inputs"], workers)]}
    plan["bits"] = bucket_bits(wanted["inputs"], workers) if wanted["bits"] is None else wanted["bits"]
    write_json(local / "plan.json", plan)
    return plan


def _read(local: Path, plan: Plan) -> set[str]:
    """The inputs of which at least one stripe has been read to its end: all, if later stages have begun."""
    done = {path.stem for path in (local / "stages" / INGEST).glob(f"*{DONE}")}
    whole = not (local / "stages" / INGEST).exists() and (local / "rejected").exists()
    return {stripe["path"] for stripe in plan["stripes"] if whole or stripe["name"] in done}


def _check(folder: Path, views: Sequence[str], workers: int, buckets: int | None, runner: str, exchange: str) -> None:
    unknown = sorted(set(views) - set(VIEWS))
    if unknown or not views:
        raise ValueError(f"views: got {', '.join(unknown) or 'none'}; expected some of {', '.join(VIEWS)}")
    if workers < 1:
        raise ValueError(f"workers: got {workers}; expected at least 1")
    if buckets is not None and (buckets < 1 or buckets > 4096 or buckets & (buckets - 1)):
        raise ValueError(f"buckets: got {buckets}; expected a power of two from 1 to 4096")
    if runner.rpartition(".")[2] in _REFUSED:
        raise ValueError(
            f"runner: got {runner}, which {_REFUSED[runner.rpartition('.')[2]]}; expected {LOCAL_RUNNER} or a cluster's runner"
        )
    if exchange not in ("files", "native"):
        raise ValueError(f"exchange: got {exchange}; expected files or native")
    if exchange == "native" and workers > 1 and runner == LOCAL_RUNNER:
        raise ValueError("exchange: native needs one runner that sees all shards; expected --workers 1, or a cluster's --runner")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder}: is a file; expected a folder, or a name that is free")


def _keep_recipe(local: Path, recipe_file: str | Path | None) -> str | None:
    """Copy the recipe beside the build, so that it cannot change under it; workers load the copy."""
    if recipe_file is None:
        return None
    copy = local / "recipe.py"
    copy.write_bytes(place(recipe_file).read_bytes())
    return str(copy)


def _remove(folder: Path, local: Path) -> None:
    """Remove what an earlier build left in OUT and OUT.local.

    Raises:
        ValueError: OUT was not made by a build.
    """
    if folder.exists() and any(folder.iterdir()) and not (local / "plan.json").exists():
        raise ValueError(f"{folder}: is not empty and was not made by gather; remove it yourself if it can go")
    (local / "plan.json").unlink(missing_ok=True)
    for old in (folder, *(local / name for name in ("stages", "rejected", "proofs", "signatures", "personal"))):
        remove(old)
