"""Write dumps of any size to measure the pipeline on; the same seed writes the same bytes.

python -m tests.bench.generate reddit --messages 1000000 --out DIR --seed 1
python -m tests.bench.generate reddit --deep 100000 --out DIR
python -m tests.bench.generate stackexchange --messages 1000000 --out DIR --site bench.example
"""

import argparse
import sys
import time
from pathlib import Path

from tests.bench.reddit_dump import write_reddit
from tests.bench.stackexchange_dump import write_stackexchange


def arguments(argv: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.generate", description="Write benchmark dumps.")
    sites = parser.add_subparsers(dest="source", required=True)
    for name in ("reddit", "stackexchange"):
        site = sites.add_parser(name)
        site.add_argument("--messages", type=int, default=100_000, help="messages to write (default 100000)")
        site.add_argument("--out", type=Path, required=True, help="folder to write to")
        site.add_argument("--seed", type=int, default=1)
        if name == "reddit":
            tree = site.add_mutually_exclusive_group()
            tree.add_argument("--deep", type=int, metavar="N", help="write one tree instead: a chain of N comments")
            tree.add_argument("--wide", type=int, metavar="N", help="write one tree instead: N comments under one post")
            site.add_argument("--hot", action="store_true", help="put all threads into one community")
            site.add_argument("--copies", type=float, default=0.0, metavar="SHARE", help="of the comments that copy another one")
            site.add_argument("--window-log", type=int, default=21, help="zstd window; 31 is what the real dumps ask for and takes 2 GiB")
        else:
            site.add_argument("--site", default="bench.example", help="name of the folder")
    return parser.parse_args(argv)


def main(argv: list[str]) -> None:
    """Write the dump and print how fast that was."""
    chosen = arguments(argv)
    begun = time.perf_counter()
    chosen.out.mkdir(parents=True, exist_ok=True)
    if chosen.source == "reddit":
        tree = "deep" if chosen.deep else "wide" if chosen.wide else ""
        size = chosen.deep or chosen.wide or chosen.messages
        result = write_reddit(chosen.out, size, chosen.seed, tree, chosen.window_log, chosen.hot, chosen.copies)
    else:
        result = write_stackexchange(chosen.out / chosen.site, chosen.messages, chosen.seed)
    rows, size, written = result
    seconds = time.perf_counter() - begun
    print(f"{rows:,} messages in {seconds:.1f} s: {rows / seconds:,.0f} a second")
    print(f"mean {size / rows:.0f} bytes a message; {size:,} bytes, {written:,} on disk, ratio {size / written:.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
