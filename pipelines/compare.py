"""Run the passes that find which texts are alike, over any job that holds texts."""

from typing import Any

from pipelines.job import Deduped
from pipelines.near import Part, candidates_pass, compare_pass, connect_pass, holders, move_pass, pass_name, shingle_pass
from pipelines.transforms import Crew, Stage


def compare(job: Deduped, crew: Crew) -> None:
    """Compare texts, pass by pass; nothing is left to do once a pass finds nothing."""
    if job.near is None:
        return
    ranges = [Part(number) for number in range(1 << job.bits)]
    held = [Part(number) for number, _, _ in holders(job)]
    if not _run(crew, job, "candidates", candidates_pass, ranges, counted="candidates"):
        return
    _run(crew, job, "shingle", shingle_pass, held)
    if not _run(crew, job, "compare", compare_pass, held, counted="kept"):
        return
    _run(crew, job, "connect", connect_pass, [Part(0)])
    _run(crew, job, "move", move_pass, ranges)


def _run(crew: Crew, job: Any, name: str, work: Any, parts: list[Part], counted: str = "") -> int:
    """Run a pass; return what its shards counted under a name."""
    results = crew.run(Stage(pass_name(name), work), job, parts)
    return sum(shard[counted] for shard in results) if counted else 0
