"""Reject posts by their shape (`filters.shape`), votes and length, and score them."""

import pyarrow as pa
import pyarrow.compute as pc

from schemas.batch import fill, reject


def fill_quality(batch: pa.RecordBatch, *, half_prompt: float, half_answer: float) -> pa.RecordBatch:
    """Score the form of a text: words / (words + half) x letter_share x (1 - capital_share) x (1 - repeat_share).

    `half_prompt` and `half_answer` are the words at which a plain text of that role gets one half. A text of links alone gets 0.

    Fills: quality.
    """
    words = batch["words"].cast(pa.float64())
    half = pc.if_else(pc.fill_null(pc.equal(batch["role"], "prompter"), False), half_prompt, half_answer)
    quality = pc.multiply(pc.divide(words, pc.add(words, half)), batch["letter_share"])
    for share in ("capital_share", "repeat_share"):
        quality = pc.multiply(quality, pc.subtract(1.0, pc.fill_null(batch[share], 0.0)))
    return fill(batch, quality=pc.fill_null(quality, 0.0))


def reject_low_quality(batch: pa.RecordBatch, *, min_quality: float) -> pa.RecordBatch:
    """Reject texts that `fill_quality` scores lower than this.

    Rejects: low_quality.
    """
    return reject(batch, pc.less(batch["quality"], min_quality), "low_quality", batch["quality"], min_quality)


def reject_symbols(batch: pa.RecordBatch, *, min_letter_share: float) -> pa.RecordBatch:
    """Reject texts of which less than this share of the visible characters outside links are letters.

    Data-Juicer's `alphanumeric_filter`, without digits.

    Rejects: symbols.
    """
    share = batch["letter_share"]
    return reject(batch, pc.less(share, min_letter_share), "symbols", share, min_letter_share)


def reject_shouting(batch: pa.RecordBatch, *, min_words: int, max_capital_share: float) -> pa.RecordBatch:
    """Reject texts of at least `min_words` words of whose letters more than this share are capitals.

    Rejects: shouting.
    """
    share = batch["capital_share"]
    loud = pc.and_(pc.greater_equal(batch["words"], min_words), pc.greater(share, max_capital_share))
    return reject(batch, loud, "shouting", share, max_capital_share)


def reject_repetitive(batch: pa.RecordBatch, *, max_repeat_share: float) -> pa.RecordBatch:
    """Reject texts that repeat themselves by more than this share (after the repetition rules of Gopher, Rae et al., arXiv:2112.11446).

    Rejects: repetitive.
    """
    share = batch["repeat_share"]
    return reject(batch, pc.greater(share, max_repeat_share), "repetitive", share, max_repeat_share)


def reject_bare_links(batch: pa.RecordBatch, *, min_words: int) -> pa.RecordBatch:
    """Reject texts that point elsewhere and have fewer words than this beside.

    Rejects: links.
    """
    pointing = pc.and_(pc.greater(batch["link_share"], 0), pc.less(batch["words"], min_words))
    return reject(batch, pointing, "links", batch["words"], min_words)


def reject_low_score(batch: pa.RecordBatch, *, role: str, min_score: int) -> pa.RecordBatch:
    """Reject messages of this role that are voted below `min_score`; accepted answers stay, whatever their votes.

    Rejects: low_score.
    """
    low = pc.and_(pc.equal(batch["role"], role), pc.less(batch["score"], min_score))
    return reject(
        batch, pc.and_not(pc.fill_null(low, False), pc.fill_null(batch["accepted"], False)), "low_score", batch["score"], min_score
    )


def reject_not_accepted(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Reject answers that the asker has not accepted, where the site has such a mark.

    Rejects: not_accepted.
    """
    return reject(batch, pc.and_(pc.equal(batch["role"], "assistant"), pc.invert(batch["accepted"])), "not_accepted")


def reject_brief(batch: pa.RecordBatch, *, min_share: float) -> pa.RecordBatch:
    """Reject answers shorter than this share of the message they answer, both in characters.

    Rejects: brief.
    """
    share = pc.divide(pc.utf8_length(batch["text"]).cast(pa.float64()), batch["parent_chars"].cast(pa.float64()))
    return reject(batch, pc.and_(pc.equal(batch["role"], "assistant"), pc.less(share, min_share)), "brief", share, min_share)
