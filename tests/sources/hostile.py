"""Read a file in a process of its own and measure the memory that takes: for tests of files made to harm."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_CHILD = """
import json, resource, sys
from pathlib import Path
import sources.tables
from sources import SOURCES
from sources.reading import Reading

name, path = sys.argv[1], Path(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))  # a stop before the machine suffers
rows, malformed, details, error = 0, 0, [], ""
try:
    for batch in sources.tables.blocks(path) if name == "tables" else SOURCES[name].read(path, Reading()):
        rows += len(batch)
        if name != "tables":
            malformed += sum(reason == "malformed" for reason in batch["reason"].to_pylist())
            details += [one[:300] for one in batch["detail"].to_pylist()[:5] if one]
except ValueError as fault:
    error = str(fault)
status = Path("/proc/self/status").read_text().split()
print(json.dumps([rows, malformed, details[:5], error, int(status[status.index("VmHWM:") + 1]) >> 10]))
"""
_SECONDS = 120  # of a machine that has much else to do; most take one


@dataclass(frozen=True)
class Read:
    """What came of reading a file."""

    rows: int
    malformed: int
    details: list[str]
    error: str


def read(source: str, path: Path, *, mib: int) -> Read:
    """Read a file in a process of its own, which may take so many MiB; the reader's own modules take some 130 of them."""
    child = subprocess.run(
        [sys.executable, "-c", _CHILD, source, str(path)],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert child.returncode == 0, child.stderr[-1000:]
    rows, malformed, details, error, peak = json.loads(child.stdout)
    assert peak < mib, f"{peak} MiB"
    assert not error or (str(path) in error and "\n" not in error)
    return Read(rows, malformed, details, error)


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path
