"""What every shard of a build needs to know, and where a build keeps its files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import recipe
from pipelines.files import read_json

RESULTS = "results"
"""The file in which a finished stage's results stand together, so that later shards read one file and not thousands."""


@dataclass(frozen=True)
class Job:
    """One build. `bits`: the trees travel in 2**bits buckets. `key`: what author names are hashed under."""

    out: str
    recipe_file: str | None
    bits: int
    seed: int
    views: tuple[str, ...]
    key: bytes
    allow_truncated: bool
    quora_columns: tuple[tuple[str, str], ...]

    @property
    def local(self) -> Path:
        """The folder beside OUT for what must not be published."""
        return local_folder(Path(self.out))

    @property
    def recipe(self) -> recipe.Recipe:
        """The recipe in force."""
        return recipe.load(self.recipe_file)

    @property
    def buckets(self) -> range:
        """The bucket numbers."""
        return range(1 << self.bits)

    def stage(self, name: str) -> Path:
        """The folder of a stage's files."""
        return self.local / "stages" / name

    def results(self, stage: str) -> list[dict[str, Any]]:
        """Read what the shards of a finished stage left, in the order of their names."""
        return list(read_json(self.stage(stage) / RESULTS))


def local_folder(out: Path) -> Path:
    """OUT.local for OUT."""
    return out.parent / f"{out.name}.local"
