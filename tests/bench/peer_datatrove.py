"""Deduplicate a folder of JSON Lines files with datatrove's four MinHash stages. Runs in that peer's environment.

python tests/bench/peer_datatrove.py INPUT_FOLDER OUT TASKS

A file is the smallest piece that a task can have: for two tasks the folder holds two files.
"""

import sys
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import ParquetWriter
from datatrove.utils.hashing import HashConfig


def run(folder: str, out: str, tasks: int) -> None:
    """Run the stages one after the other, so many tasks at a time."""
    config = MinhashConfig(hash_config=HashConfig(precision=64), n_grams=5, num_buckets=14, hashes_per_bucket=8)
    reader = JsonlReader(folder, text_key="text", id_key="id", glob_pattern="*.jsonl", compression=None)
    stages: list[tuple[int, list[PipelineStep]]] = [
        (tasks, [reader, MinhashDedupSignature(f"{out}/signatures", config=config)]),
        (14, [MinhashDedupBuckets(f"{out}/signatures", f"{out}/buckets", config=config)]),
        (1, [MinhashDedupCluster(f"{out}/buckets", f"{out}/remove", config=config)]),
        (tasks, [reader, MinhashDedupFilter(f"{out}/remove"), ParquetWriter(f"{out}/kept")]),
    ]
    for number, (pieces, steps) in enumerate(stages):
        LocalPipelineExecutor(steps, tasks=pieces, workers=min(tasks, pieces), logging_dir=f"{out}/logs/{number}").run()


if __name__ == "__main__":
    run(sys.argv[1], str(Path(sys.argv[2]).resolve()), int(sys.argv[3]))
