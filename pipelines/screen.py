"""What the command line shows: progress while it works, then what came out."""

import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from filters.candidates import ALL_PAIRS
from filters.minhash import Banding
from pipelines.progress import Seen, Watch
from pipelines.recipe import Near

_PLAIN_SECONDS = 10.0
_ROLE_STYLES = {"prompter": "bold cyan", "assistant": "green"}
_SHOWN_LINES = 12
_DEEPEST = 30


@contextmanager
def watching(console: Console) -> Iterator[Watch]:
    """Show progress while the block runs: bars on a terminal, plain lines elsewhere.

    Ctrl-C ends it with exit code 130, SIGTERM with 143; both as the shell has it.
    """
    signal.signal(signal.SIGTERM, _terminate)
    try:
        if console.is_terminal:
            note = TextColumn("{task.fields[note]}")
            columns = (TextColumn("{task.description:<18}"), BarColumn(24), TaskProgressColumn(), TimeElapsedColumn(), note)
            with Progress(*columns, console=console) as progress:
                yield _bars(progress)
        else:
            yield _lines(console)
    except (KeyboardInterrupt, _Terminated) as error:
        console.print("stopped; finished shards are safe: run the same command to go on", markup=False)
        sys.exit(143 if isinstance(error, _Terminated) else 130)


class _Terminated(BaseException):
    """SIGTERM came."""


def _terminate(*_: object) -> None:
    raise _Terminated


def _bars(progress: Progress) -> Watch:
    """Draw one bar a stage."""
    tasks: dict[str, TaskID] = {}

    def watch(seen: Seen) -> None:
        if seen.note:
            progress.console.print(seen.note, markup=False, soft_wrap=True)
        if seen.stage not in tasks:
            tasks[seen.stage] = progress.add_task(seen.stage, total=1, note="")
        done = 1.0 if seen.ended else _share(seen)
        progress.update(tasks[seen.stage], completed=done, note=_note(seen, progress.tasks[tasks[seen.stage]].elapsed or 0))

    return watch


def _lines(console: Console) -> Watch:
    """Print a line when a stage ends, and one every ten seconds while it runs."""
    started: dict[str, float] = {}
    last: dict[str, float] = {}

    def watch(seen: Seen) -> None:
        if seen.note:
            console.print(seen.note, markup=False, soft_wrap=True)
        now = time.monotonic()
        started.setdefault(seen.stage, now)
        if seen.ended or now - last.setdefault(seen.stage, now) > _PLAIN_SECONDS:
            last[seen.stage] = now
            elapsed = now - started[seen.stage]
            share = "done" if seen.ended else f"{_share(seen):.0%}"
            told = [f"{seen.stage}: {share} in {elapsed:.1f} s", _note(seen, elapsed)]
            console.print(", ".join(part for part in told if part), soft_wrap=True)

    return watch


def _share(seen: Seen) -> float:
    if seen.size:
        return min(seen.counted.size / seen.size, 0.99)
    return min(seen.done / max(seen.shards, 1), 0.99)


def _note(seen: Seen, elapsed: float) -> str:
    speed = f" ({seen.counted.rows / elapsed:,.0f}/s)" if elapsed > 0.5 else ""
    parts = [
        f"{seen.counted.rows:,} rows{speed}" if seen.counted.rows else "",
        f"{_size(min(seen.counted.size, seen.size))} of {_size(seen.size)}" if seen.size else "",
        f"{seen.counted.rejected:,} rejected" if seen.counted.rejected else "",
    ]
    return ", ".join(part for part in parts if part)


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def summary(console: Console, out: str, local: Path, manifest: Mapping[str, Any], seconds: float) -> None:
    """Show a finished build on one screen."""
    table = Table(title="Rows by source", title_justify="left")
    for heading in ("", *manifest["sources"]):
        table.add_column(heading, justify="right" if heading else "left")
    for label, key in (("rows in", "rows_in"), ("derived", "derived"), ("kept", "rows_out")):
        table.add_row(label, *(f"{source[key]:,}" for source in manifest["sources"].values()))
    table.add_section()
    for reason in sorted({reason for source in manifest["sources"].values() for reason in source["rejected"]}):
        table.add_row(reason, *(f"{source['rejected'].get(reason, 0):,}" for source in manifest["sources"].values()))
    console.print(table)
    views = {name: sum(splits.values()) for name, splits in manifest["views"].items()}
    parts = [f"{views[name]:,} {word}" for name, word in
             (("messages", "messages"), ("trees", "trees with answers"), ("sft", "paths"), ("preferences", "preference pairs"), ("prompts", "prompts"))
             if name in views]  # fmt: skip
    console.print(f"{', '.join(parts)}; {manifest['unanswered']:,} roots without an answer. {seconds:.1f} s.")
    if manifest["personal"]:
        console.print(f"Personal data replaced: {', '.join(f'{count:,} {kind}' for kind, count in manifest['personal'].items())}.")
    for entry in manifest["inputs"]:
        for kind, note in entry.get("notes", {}).items():
            console.print(f"[yellow]{escape(entry['path'])}[/]: {kind}: {escape(note)}")
    console.print(
        f"Data:     {out}/ (manifest.json, {', '.join(f'{name}/' for name in manifest['views'])})", soft_wrap=True, highlight=False
    )
    console.print(f"Rejected: {local}/rejected/ (stays on this machine)", soft_wrap=True, highlight=False)
    console.print(
        f"Next:     gather show {out}    gather why {out} MESSAGE_ID    gather export {out} -o trees.jsonl.gz",
        soft_wrap=True,
        highlight=False,
    )


def deduped(console: Console, out: str, summary: Mapping[str, Any], seconds: float) -> None:
    """Show what `gather dedup` has removed."""
    rows, kept = summary["rows"], summary["kept"]
    share = f" ({kept / rows:.1%})" if rows else ""
    console.print(
        f"{rows:,} rows: {kept:,} kept{share}, {summary['exact']:,} the same text, {summary['near']:,} near-duplicates. {seconds:.1f} s."
    )
    if summary["hot_groups"]:
        console.print(
            f"[yellow]{summary['hot_groups']:,} groups of more than {ALL_PAIRS} texts with a band in common were compared in part: "
            f"{summary['left_out']:,} pairs left out[/]",
            soft_wrap=True,
        )
    console.print(f"Kept:    {out}/kept/\nRemoved: {out}/removed/ (each row with the one it duplicates)", soft_wrap=True, highlight=False)


def s_curve(console: Console, near: Near, how: Banding) -> None:
    """Show how likely two texts are to be compared, by how similar they are."""
    console.print(
        f"\nNear-duplicates: signatures of {how.hashes} hashes in {how.bands} bands of {how.rows}. Two texts are compared, exactly, with probability",
        soft_wrap=True,
    )
    marks = {near.threshold: "removed from here", near.split_threshold: "in one split from here"}
    for similarity in sorted({each / 10 for each in range(1, 11)} | {each for each in marks if each is not None}):
        likely = how.looked_at(similarity)
        note = f"  {marks[similarity]}" if similarity in marks else ""
        console.print(f"  {likely:8.3%}  {'█' * round(40 * likely):<40}  if {similarity:g} similar{note}", soft_wrap=True, markup=False)
    console.print()


def conversation(rows: Sequence[Mapping[str, Any]]) -> Tree:
    """Draw a tree of messages: role, rank, score, pseudonym, text."""
    drawn: dict[str, Tree] = {}
    top = Tree(_said(rows[0]), guide_style="dim")
    drawn[rows[0]["message_id"]] = top
    for row in rows[1:]:
        parent = drawn[row["parent_id"]]
        if row["depth"] > _DEEPEST:  # deeper than any terminal is wide: go on at the same margin
            drawn[row["message_id"]] = parent
            parent.add(Text.assemble((f"(depth {row['depth']}) ", "dim"), _said(row)))
        else:
            drawn[row["message_id"]] = parent.add(_said(row))
    return top


def _said(row: Mapping[str, Any]) -> Text:
    facts = [
        f"rank {row['rank']}" if row.get("rank") is not None else "",
        f"score {row['score']}" if row.get("score") is not None else "",
        "accepted" if row.get("accepted") else "",
        f"by {row['user_id'][:8]}" if row.get("user_id") else "by an unknown author",
        row["message_id"],
    ]
    lines = row["text"].splitlines() or [""]
    shown = lines[:_SHOWN_LINES] + ([f"... {len(lines) - _SHOWN_LINES} more lines"] if len(lines) > _SHOWN_LINES else [])
    return Text.assemble(
        (row["role"], _ROLE_STYLES[row["role"]]), (f"  {', '.join(fact for fact in facts if fact)}\n", "dim"), "\n".join(shown)
    )


def fate(console: Console, told: Mapping[str, Any]) -> None:
    """Show what became of one message."""
    facts: list[tuple[str, Any]] = [("message", told.get("message_id", "none: the row could not be read"))]
    if told["fate"] == "absent":
        facts.append(("fate", "in none of the inputs"))
    elif told["fate"] == "kept":
        rank = f", rank {told['rank']} among its siblings" if "rank" in told else ""
        facts.append(("fate", f"kept as {told['role']}{rank}"))
        if "personal" in told:
            spans = (f"{each['type']} at {each['start']}-{each['end']} ({each['score']:.2f})" for each in told["personal"])
            facts.append(("replaced", ", ".join(spans)))
    else:
        facts += [("fate", f"rejected: {told['reason']} ({told['meaning']})"), ("by", told["rejected_by"])]
        if "value" in told:
            facts.append(("value", f"{told['value']:g}" + (f" against the threshold {told['threshold']:g}" if "threshold" in told else "")))
        if told["reason"] == "language" and "lang" in told:
            facts.append(("language", f"{told['lang']}"))
        if "duplicate_of" in told:
            similar = f", similarity {told['similarity']:g}" if "similarity" in told else ": the same message"
            facts.append(("item" if told["reason"] == "contaminated" else "duplicate of", f"{told['duplicate_of']}{similar}"))
    facts += [(name, told[name]) for name in ("detail", "origin", "url") if name in told]
    if told.get("text") and "other_text" not in told:
        facts.append(("text", told["text"] if len(told["text"]) <= 300 else told["text"][:300] + "..."))
    grid = Table.grid(padding=(0, 2))
    grid.add_column()
    grid.add_column(overflow="fold")
    for name, value in facts:
        grid.add_row(Text(name, "bold"), Text(str(value)))
    console.print(grid)
    if "other_text" in told:
        beside = Table(title="What they share is marked", title_justify="left", expand=True)
        beside.add_column(told["message_id"], ratio=1, overflow="fold")
        beside.add_column(told["duplicate_of"], ratio=1, overflow="fold")
        marks = ("", "") if console.is_terminal else ("[[", "]]")
        beside.add_row(_marked(told["text"], told["shared"], marks), _marked(told["other_text"], told["other_shared"], marks))
        console.print(beside)


def _marked(text: str, spans: Sequence[tuple[int, int]], marks: tuple[str, str]) -> Text:
    """A text with these stretches marked: by colour, and between `marks` where there is none."""
    shown, at = Text(), 0
    for start, end in spans:
        shown.append(text[at:start])
        shown.append(f"{marks[0]}{text[start:end]}{marks[1]}", "black on green3")
        at = end
    return shown.append(text[at:])
