"""Options that several commands have in common."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from sources import SOURCES

Out = Annotated[str, typer.Argument(help="The folder that `gather build -o` has made.", show_default=False)]
Patience = Annotated[float, typer.Option(help="Seconds without any progress after which a process is ended; 0: it may take for ever.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts instead of a screen for people.")]


def takes_sources(command: Callable[..., None]) -> Callable[..., None]:
    """Give the command one option a source; it is called with all of them as `inputs`, by name."""

    @functools.wraps(command)
    def wrapped(**options: Any) -> None:
        given = {name: options.pop(name) for name in SOURCES}
        command(inputs={name: paths for name, paths in given.items() if paths}, **options)

    own = [parameter for name, parameter in inspect.signature(command).parameters.items() if name != "inputs"]
    added = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[list[str] | None, typer.Option(help=f"Any number of {source.reads}.")],
        )
        for name, source in SOURCES.items()
    ]
    keyword = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    wrapped.__signature__ = inspect.Signature([*keyword[:2], *added, *keyword[2:]])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *added)}
    return wrapped
