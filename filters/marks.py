"""Reject what the site itself has marked."""

import pyarrow as pa
import pyarrow.compute as pc

from schemas.batch import reject


def reject_marked(batch: pa.RecordBatch, *, mark: str) -> pa.RecordBatch:
    """Reject the messages whose column `mark` is true.

    Rejects: deleted, nsfw, crosspost: the name of the mark.
    """
    return reject(batch, batch[mark], mark)


def reject_stickied(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Reject moderators' pinned announcements; pinned answers of ordinary users stay.

    Rejects: stickied.
    """
    return reject(batch, pc.and_(batch["stickied"], batch["moderator"]), "stickied")


def reject_link_posts(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Reject posts that point elsewhere and say nothing themselves: the text is one line, their title.

    Rejects: link_post.
    """
    links = pc.is_valid(batch["link"])
    bare = pc.invert(pc.match_substring(batch["text"].filter(links), "\n\n"))
    return reject(batch, pc.replace_with_mask(links, links, bare), "link_post")


def reject_bots(batch: pa.RecordBatch, *, names: tuple[str, ...], pattern: str) -> pa.RecordBatch:
    """Reject messages of programs: marked by the site, by an author's name, or by an RE2 pattern over it.

    Needs the author's name in clear, so it can stand among the recipe's `rows` only.

    Rejects: bot.
    """
    known = pc.is_in(batch["author"], pa.array(names, pa.string()))
    named = pc.match_substring_regex(batch["author"], pattern)
    return reject(batch, pc.or_kleene(pc.or_kleene(batch["bot"], known), named), "bot")
