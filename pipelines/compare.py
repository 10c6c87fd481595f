"""Run the passes that find which texts are alike, over any job that holds texts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.crew import Crew, Stage
from pipelines.job import Deduped
from pipelines.near import Part, candidates_pass, compare_pass, connect_pass, holders, move_pass, pass_name, send_bands, shingle_pass
from pipelines.signatures import BANDS_SUFFIX


def compare(job: Deduped, crew: Crew) -> None:
    """Compare texts, pass by pass, and remove the bands, the largest of all stage files; if one should be asked for again, it is made again."""
    if job.near is None:
        return
    _compare(job, crew)
    for stage in job.signed:
        for path in job.stage(stage).glob(f"*{BANDS_SUFFIX}"):
            path.unlink(missing_ok=True)


def _compare(job: Deduped, crew: Crew) -> None:
    """The passes; nothing is left to do once one finds nothing."""
    ranges = [Part(number) for number in range(1 << job.bits)]
    held = [Part(number) for number, _, _ in holders(job)]
    found = crew.run(Stage(pass_name("candidates"), candidates_pass, send_bands, [part.number for part in held]), job, ranges)
    if not any(shard["candidates"] for shard in found):
        return
    _run(crew, job, "shingle", shingle_pass, held)
    if not _run(crew, job, "compare", compare_pass, held, counted="kept"):
        return
    _run(crew, job, "connect", connect_pass, [Part(0)])
    _run(crew, job, "move", move_pass, ranges)


def counted(job: Deduped, finished: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Count what duplicate removal did: proofs by rule, pairs compared and alike, groups too large to compare all pairs, pairs left out.

    `finished` are the results of the shards that wrote proofs. No count depends on how the work was cut.
    """
    found: Counter[str] = Counter({"exact": 0, "near": 0, "id": 0})
    for shard in finished:
        found.update(shard["proofs"])
    for pass_, names in (("candidates", ("hot_groups", "left_out")), ("compare", ("compared", "alike"))):
        results = job.results(pass_name(pass_)) if job.stage(pass_name(pass_)).is_dir() else []
        found.update({name: sum(shard[name] for shard in results) for name in names})
    return dict(found)


def _run(crew: Crew, job: Any, name: str, work: Any, parts: list[Part], counted: str = "") -> int:
    """Run a pass; return what its shards counted under a name."""
    results = crew.run(Stage(pass_name(name), work), job, parts)
    return sum(shard[counted] for shard in results) if counted else 0
