"""The command `gather forget`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipelines.options import AsJson, Out


def forget_command(
    out: Out,
    author: Annotated[list[str] | None, typer.Option(help="An author: u/name, author:SOURCE:NAME, user:USER_ID.")] = None,
    message: Annotated[list[str] | None, typer.Option("--id", help="A message: t1_abc, reddit:t1_abc, stackexchange:SITE:12.")] = None,
    key_file: Annotated[Path | None, typer.Option(help="The key of the release's pseudonyms; by default this user's own.")] = None,
    as_json: AsJson = False,
) -> None:
    """Remove somebody's messages, with all that was said under them, from a finished release.

        gather forget out --author u/somebody --id t1_abc

    Interrupted? Until the same command, or a build, has ended what was begun, the release has no manifest.
    """
    from pipelines.forget import forget  # noqa: PLC0415 - Beam takes a second to import; most commands never need it

    if not author and not message:
        raise typer.BadParameter("nothing to forget was given; expected --author or --id, or both")
    removed = forget(out, [*(author or ()), *(message or ())], key_file=key_file)
    if as_json:
        print(json.dumps(removed, sort_keys=True))  # noqa: T201
    else:
        said = ", ".join(f"{rows:,} {what}" for what, rows in removed.items()) or "nothing of theirs is in it"
        Console(highlight=False).print(said, soft_wrap=True)
