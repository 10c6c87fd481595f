"""The Beam part: a stage is a short pipeline over shard specs, run in this process, in a pool, or on a cluster."""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.util import get_temp_dir
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.crew import LOCAL_RUNNER, Exchange, Stage, run_shard
from pipelines.exchange import Parcel
from pipelines.job import Deduped


class RunShards(beam.PTransform):
    """Do one stage's work for each shard spec of the collection; what a shard yields is on disk when it ends."""

    def __init__(self, stage: Stage, job: Deduped) -> None:
        super().__init__()
        self._stage, self._job = stage, job

    def expand(self, specs: beam.PCollection) -> beam.PCollection:
        """Spread the specs over the workers, then work."""
        return specs | beam.Reshuffle() | self._stage.name >> beam.Map(run_shard, self._stage, self._job)


class GroupAndRun(beam.PTransform):
    """Send what every sender has for each shard to that shard, and do it there."""

    def __init__(self, stage: Stage, job: Any, specs: Sequence[Any]) -> None:
        super().__init__()
        self._stage, self._job, self._specs = stage, job, {spec.number: spec for spec in specs}

    def expand(self, holders: beam.PCollection) -> beam.PCollection:
        """Emit parts, group them by shard, do the shards; one that nobody has anything for is done too."""
        kind = tuple[int, Parcel]
        sent = (
            holders
            | beam.Reshuffle()
            | "send" >> beam.FlatMap(_send, self._stage.send, self._job, set(self._specs)).with_output_types(kind)
        )
        shards = holders.pipeline | "shards" >> beam.Create(list(self._specs), reshuffle=False)
        every = shards | "nothing" >> beam.Map(_nothing).with_output_types(kind)
        grouped = (sent, every) | beam.Flatten() | beam.GroupByKey()
        return grouped | self._stage.name >> beam.Map(_receive, self._stage, self._job, self._specs)


def _nothing(number: int) -> tuple[int, Parcel]:
    return number, Parcel(-1, pa.RecordBatch.from_pylist([], schema=pa.schema([])))


def _send(
    holder: int, send: Callable[[Any, int], Iterable[tuple[int, pa.RecordBatch]]], job: Any, wanted: set[int]
) -> Iterator[tuple[int, Parcel]]:
    for number, batch in send(job, holder):
        if number in wanted and len(batch):  # an empty slice would drag its parent along (apache/arrow#51406)
            yield number, Parcel(holder, batch)


def _receive(grouped: tuple[int, Iterable[Parcel]], stage: Stage, job: Any, specs: dict[int, Any]) -> str:
    number, parcels = grouped
    return run_shard(specs[number], stage, job, [(parcel.holder, parcel.batch) for parcel in parcels if parcel.holder >= 0])


def run_pipeline(
    stage: Stage, job: Deduped, specs: Iterable[Any], runner: str, options: Sequence[str], exchange: Exchange = "files"
) -> None:
    """Run one stage over these shards as one Beam pipeline, to its end. In this process, a shard is asked for when the one before is done."""
    with _pipeline(runner, options) as pipeline:
        if exchange == "native" and stage.send:
            pipeline | beam.Create(list(stage.senders), reshuffle=False) | GroupAndRun(stage, job, list(specs))
        elif runner == LOCAL_RUNNER:
            number = next(_numbers)
            _coming[number] = iter(specs)
            come = pipeline | beam.Create([number], reshuffle=False) | beam.FlatMap(_as_they_come)
            come | stage.name >> beam.Map(run_shard, stage, job)
        else:
            pipeline | beam.Create(list(specs), reshuffle=False) | RunShards(stage, job)


def _pipeline(runner: str, options: Sequence[str]) -> beam.Pipeline:
    """A pipeline that leaves no folder behind however its process ends: Beam makes one for each, and here nothing uses it."""
    if runner != LOCAL_RUNNER:
        return beam.Pipeline(runner=runner, options=PipelineOptions(list(options)))
    before, tempfile.tempdir = tempfile.tempdir, get_temp_dir()  # which the lock's next holder removes; see pipelines/lock.py
    try:
        pipeline = beam.Pipeline(runner=runner, options=PipelineOptions(list(options)))
    finally:
        tempfile.tempdir = before
    shutil.rmtree(pipeline.local_tempdir)
    return pipeline


_numbers = itertools.count()
_coming: dict[int, Iterator[Any]] = {}
"""Shards on their way into the pipelines of this process: an iterator cannot be shipped."""


def _as_they_come(number: int) -> Iterator[Any]:
    yield from _coming.pop(number)
