"""What every shard of a build needs to know, and where a build keeps its files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.files import read_sealed
from pipelines.forgotten import Forgotten, stored
from pipelines.parts import read_parts
from pipelines.published import published_texts
from pipelines.recipe import Near, Recipe, load
from sources.places import place

INGEST, REFINE, AGAINST, DEDUP, FINISH, PUBLISH = "1-ingest", "2-refine", "2-against", "3-dedup", "4-finish", "5-publish"
"""The stages of a build, by the names of their folders."""

RESULTS = "results"
"""The file in which a finished stage's results stand together, so that later shards read one file and not thousands."""

FORGET = "forget.txt"
"""The list, in OUT.local, of what a build leaves out."""


class Staged(Protocol):
    """What whoever runs stages asks of a job."""

    def stage(self, name: str) -> Path:
        """The folder of a stage's files."""


class Deduped(Protocol):
    """What the passes of duplicate removal ask of a job; texts are held by *holders*: buckets, blocks of a table, earlier releases."""

    @property
    def bits(self) -> int:
        """Keys are exchanged in 2**bits ranges."""

    @property
    def near(self) -> Near | None:
        """What counts as a duplicate beside the same text."""

    @property
    def signed(self) -> tuple[str, ...]:
        """The stages whose shards are the holders of texts."""

    @property
    def earlier(self) -> int:
        """The number from which holders are earlier releases."""

    def stage(self, name: str) -> Path:
        """The folder of a stage's files."""

    def results(self, stage: str) -> list[dict[str, Any]]:
        """Read what the shards of a finished stage left, in the order of their names."""

    def texts(self, holder: int, rows: NDArray[np.int64]) -> pa.Array:
        """The texts at these rows of a holder; rows ascend."""


@dataclass(frozen=True)
class Job:
    """One build. `bits`: the trees travel in 2**bits buckets. `key`: what author names are hashed under.

    `against` are the published files of earlier releases; `decontaminate`: there are evaluation sets to look for;
    `forget`: there is a list of what is to be forgotten.
    """

    out: str
    recipe_file: str | None
    bits: int
    seed: int
    views: tuple[str, ...]
    key: bytes
    allow_truncated: bool
    quora_columns: tuple[tuple[str, str], ...]
    minhash: str
    against: tuple[str, ...] = ()
    decontaminate: bool = False
    forget: bool = False

    @property
    def local(self) -> Path:
        """The folder beside OUT for what must not be published."""
        return local_folder(place(self.out))

    @property
    def recipe(self) -> Recipe:
        """The recipe in force."""
        return load(self.recipe_file)

    @property
    def forgotten(self) -> Forgotten | None:
        """What is to be forgotten."""
        return stored(self.local / FORGET) if self.forget else None

    @property
    def near(self) -> Near | None:
        """What counts as a duplicate beside the same text."""
        return self.recipe.near if self.recipe.duplicates else None

    @property
    def signed(self) -> tuple[str, ...]:
        """The stages whose shards are the holders of texts."""
        return (REFINE, AGAINST) if self.against else (REFINE,)

    @property
    def earlier(self) -> int:
        """The number from which holders are earlier releases."""
        return len(self.buckets)

    def texts(self, holder: int, rows: NDArray[np.int64]) -> pa.Array:
        """The texts at these rows of a holder."""
        if holder >= self.earlier:
            return published_texts(place(self.against[holder - self.earlier]), rows)
        stored = read_parts([(self.stage(REFINE) / f"{holder:05}.arrow", [0])], 0, pa.schema([("text", pa.string())]))
        return stored["text"].take(pa.array(rows))

    @property
    def buckets(self) -> range:
        """The bucket numbers."""
        return range(1 << self.bits)

    def stage(self, name: str) -> Path:
        """The folder of a stage's files."""
        return self.local / "stages" / name

    def results(self, stage: str) -> list[dict[str, Any]]:
        """Read what the shards of a finished stage left, in the order of their names."""
        return list(read_sealed(self.stage(stage) / RESULTS))


def local_folder(out: Path) -> Path:
    """OUT.local for OUT."""
    return out.parent / f"{out.name}.local"
