"""Personal data: where it is in a text, and texts without it.

Kinds: EMAIL, PHONE, IP (public addresses of machines), CARD, SSN, IBAN, CRYPTO (wallets), KEY (keys, tokens, passwords), GPS, USER (`u/name`,
`@name`), PROFILE (links to people's pages), NAME (whom a greeting names).
"""

from collections.abc import Callable, Sequence
from functools import cache, partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from filters.placeholders import Style, placeholder, replaced, surrogate
from filters.spans import Span, any_of
from filters.suspects import suspects
from schemas.batch import fill
from schemas.message import PII


def fill_personal(batch: pa.RecordBatch, *, types: tuple[str, ...], keep: tuple[str, ...], min_score: float) -> pa.RecordBatch:
    """Find personal data of these types, at least as sure as `min_score`, except values that one of the patterns `keep` matches whole.

    Fills: pii.
    """
    texts = batch["text"]
    suspected = suspects(texts, types)
    rows = np.flatnonzero(suspected.any(axis=1))
    kept = any_of(keep)
    found = []
    for text, may_be in zip(texts.take(pa.array(rows)).to_pylist(), suspected[rows], strict=True):  # a loop, because few get here
        spans = _recognise()(text, [kind for kind, one in zip(types, may_be, strict=True) if one], min_score)
        found.append([span for span in spans if not kept.fullmatch(text[span.start : span.end])])
    none = pc.if_else(pc.is_valid(texts), pa.scalar([], PII), pa.scalar(None, PII))
    return fill(batch, pii=_with(none, rows, _column(found, replaced=False)))


def scrub_personal(batch: pa.RecordBatch, *, style: Style, key: bytes) -> pa.RecordBatch:
    """Put placeholders, or surrogates, in the place of the personal data that `fill_personal` has found; what is replaced stays.

    The stage that runs the recipe gives the key of the build.

    Fills: text, pii.
    """
    rows = np.flatnonzero(_to_do(batch["pii"])) if "pii" in batch.schema.names else np.empty(0, np.int64)
    if not len(rows):
        return batch
    texts, found = [], []
    for row in batch.select(["text", "pii", "source", "message_tree_id"]).take(pa.array(rows)).to_pylist():  # a loop, because few get here
        spans = [Span(each["start"], each["end"], each["type"], each["score"]) for each in row["pii"]]
        become = partial(placeholder, source=row["source"], tree=row["message_tree_id"]) if style == "placeholder" else surrogate
        text, spans = replaced(row["text"], spans, partial(become, key=key))
        texts.append(text)
        found.append(spans)
    return fill(
        batch,
        text=_with(batch["text"], rows, pa.array(texts, pa.string())),
        pii=_with(batch["pii"], rows, _column(found, replaced=True)),
    )


def _to_do(pii: pa.Array) -> NDArray[np.bool_]:
    """Which rows have spans that are not replaced, (n,)."""
    waiting = pc.list_parent_indices(pii).filter(pc.invert(pii.flatten().field("replaced")))
    return np.isin(np.arange(len(pii)), waiting.to_numpy())


def _column(found: Sequence[Sequence[Span]], *, replaced: bool) -> pa.Array:
    return pa.array([[{**span._asdict(), "replaced": replaced} for span in spans] for spans in found], PII)


def _with(column: pa.Array, rows: NDArray[np.int64], values: pa.Array) -> pa.Array:
    """The column with these values in some rows."""
    at = np.arange(len(column))
    at[rows] = len(column) + np.arange(len(rows))
    return pa.concat_arrays([column, values]).take(pa.array(at))


@cache
def _recognise() -> Callable[[str, Sequence[str], float], list[Span]]:
    from filters.recognisers import recognise  # noqa: PLC0415 - Presidio takes a second to import; many processes never need it

    return recognise
