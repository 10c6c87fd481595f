"""Posts of stock phrases: reactions, thanks, what stands in the place of a removed text, boilerplate, questions that are solved."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from filters.shape import bare
from filters.words import fold, separate, words
from schemas.batch import fill, reject

_REACTION = """
this same ditto seconded agree agreed exactly precisely indeed true truth facts yes yeah yep yup nope nah ok okay
lol lolol lolz lmao lmfao lmaoo rofl roflmao haha hahah hahaha hahahaha hah heh hehe hehehe xd lulz kek hilarious funny laughed laughing laugh loud
wow whoa woah woo yay omg omfg wtf damn dang holy shit crap cow moly jesus christ oh ohh ah aha aw aww awww ugh ew eww yikes oof meh bruh duh hmm hm
nice great good awesome amazing cool sweet epic legend legendary wonderful brilliant beautiful fantastic excellent perfect lovely gorgeous
stunning insane crazy sick dope lit best fail priceless classic genius cute adorable sad gross disgusting creepy incredible interesting fascinating
terrible horrible awful stupid dumb lame boring weird bump upvote upvoted upvotes downvote downvoted karma first
love loved relatable mood wholesome underrated overrated cringe based rip hallelujah respect rekt owned
repost sauce wat huh really seriously nevermind nvm oops whoosh woosh nailed
subscribed unsubscribed unsub subscribe
"""
_THANKS = """
thanks thank thx thnx tnx ty tysm cheers grateful appreciate appreciated kudos welcome yw gracias merci danke
congratulations congrats grats happy birthday christmas cakeday easter hello hi hey greetings goodbye bye goodnight
"""
_FILLER = """
a an the and or but so very much too just also absolutely literally completely totally most such quite pretty fucking freaking effing goddamn
of for to is was be are were s m re ve d ll t it its that thats this these those there here i im me my mine you u ur your all
man dude bro bros guys sir mate buddy friend friends op everyone everybody folks lot lots million tons stranger kind
comment answer reply video post story read thing stuff one ever never
"""


def _known(text: str) -> NDArray[np.uint64]:
    """The hashes of a list of words."""
    return words(separate(fold(pa.array([text])))).hashes


_STOCK = {"thanks": (_known(_THANKS), _known(_FILLER)), "reaction": (_known(_REACTION), _known(_THANKS + _FILLER))}

_POST = r"(?:comment|post|submission|message|answer|question)"
_REMOVED = (
    rf"^\W*(?:{_POST} )?(?:deleted|removed|redacted|overwritten)(?: by (?:the )?(?:user|reddit|moderators?|mods?|author|op|poster|owner|youtube))?\W*$",
    rf"^\W*(?:your|this|the original) {_POST} (?:has been|was|is) (?:automatically |mass )?(?:removed|deleted|overwritten|redacted|purged|nuked)",
    rf"{_POST} (?:has been|was) (?:overwritten by an open source script|mass (?:deleted|edited))",
    r"^\W*removed\W+(?:rule|see rule|per rule|please read the (?:rules|sidebar|faq))",
)
_BOILERPLATE = (
    r"\b(?:sub|subscribe|subbed|subscribed) (?:to|2|on) (?:my|our|this) (?:you ?tube )?(?:channel|page)",
    r"\b(?:like|comment|share) (?:and|&|n) (?:sub|subscribe|follow)\b|\bsub ?(?:4|for) ?sub\b",
    r"\b(?:check|visit) (?:out )?(?:my|our) (?:new |latest |you ?tube )*(?:channel|video|page|blog|website|mixtape|store|shop)\b",
    r"\bfollow (?:me|us|my|our)\b.{0,20}\b(?:on|at|instagram|twitter|insta|tiktok|page|account)\b|\blink in (?:my )?bio\b",
    r"\b(?:promo|discount|coupon|referral|invite) code\b.{0,30}\b(?:get|save|for|off|free)\b|\bfree (?:gift ?cards?|robux|v-?bucks|followers)\b",
    r"\b(?:earn|make|made) \$ ?\d[\d,.]* (?:per|a|an|every|each|from home)\b|\bwhats ?app(?: me| us)?(?: on| at|:) ?\+?\d",
    r"\bi(?: a|')m a bot\b|\bthis action was performed automatically\b|^\W*(?:!remindme|remindme!)|\blorem ipsum dolor\b",
    r"^\W*(?:this is )?(?:a |just a )?test(?:ing)?(?: (?:post|comment|tweet|message|please ignore|\d+))*\W*$",
    r"\b(?:please|plz|pls|can you|can i get a?|give me a?) (?:give me a )?shout ?out\b",
)
_SOLVED = r"(?m)^\W*(?:edit|update|upd|eta)?[\W\d]*(?:solved|(?:never ?mind|nvm)\b.{0,30}\b(?:solved|figured|found|got it)|i (?:have )?(?:solved|figured) it|problem solved|i found the (?:answer|solution))\b"

_NOTE = (
    r"(?i)(?P<kept>\S)\s*\n[ \t]*[*_(\[]{0,3}(?:edit(?:ed)?|update|eta)(?: ?\d{1,2})?[*_)\]]{0,3} ?(?::|-+ )(?P<note>[^\n]*"
    r"\b(?:thank|thanks|thx|gold|silver|platinum|awards?|karma|upvot\w+|downvot\w+|front ?page|blew up|inbox|typos?|spelling|grammar|formatting|wow)\b"
    r"[^\n]*)\s*$"
)
_TELLS = r"(?i)[\d`=$]|://|\b(?:actually|correct\w*|wrong|instead|should|because|but|turns out|works?|working|fixed the|solved|solution|answer|add\w*)\b"


def reject_stock(batch: pa.RecordBatch, *, max_words: int) -> pa.RecordBatch:
    """Reject replies of at most so many words all of which only thank, greet or react; the root of a tree is no reply.

    Rejects: thanks, reaction.
    """
    short = pc.and_(pc.less_equal(batch["words"], max_words), pc.is_valid(batch["parent_id"]))
    found = words(separate(fold(bare(batch["text"].filter(short)))))
    count = np.diff(found.offsets)
    for reason, (telling, filler) in _STOCK.items():
        stock = _hits(found.hashes, np.concatenate([telling, filler]), found.offsets)
        only = (stock == count) & (_hits(found.hashes, telling, found.offsets) > 0)
        batch = reject(batch, _at(short, only), reason, batch["words"], max_words)
    return batch


def reject_removed(batch: pa.RecordBatch, *, max_chars: int) -> pa.RecordBatch:
    """Reject texts of at most so many characters that say that a text was removed.

    Rejects: removed.
    """
    return _reject_phrase(batch, _REMOVED, "removed", max_chars)


def reject_boilerplate(batch: pa.RecordBatch, *, max_chars: int) -> pa.RecordBatch:
    """Reject texts of at most so many characters that advertise, ask for followers, announce a bot, or test.

    Rejects: boilerplate.
    """
    return _reject_phrase(batch, _BOILERPLATE, "boilerplate", max_chars)


def reject_solved(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Reject questions whose author says in them that they are solved.

    Rejects: solved.
    """
    asks = pc.equal(batch["role"], "prompter")
    return reject(batch, _at(asks, pc.match_substring_regex(batch["text"].filter(asks), _SOLVED, ignore_case=True)), "solved")


def trim_edits(batch: pa.RecordBatch, *, max_chars: int) -> pa.RecordBatch:
    """Take a last line off that says what was edited, at most so long, if it only thanks, counts votes or names a typo.

    A note that corrects or adds to the text stays: what it says is part of the answer.

    Fills: text.
    """
    texts = batch["text"]
    while True:  # one note a turn: few texts have two
        note = pc.struct_field(pc.extract_regex(texts, _NOTE), "note")
        idle = pc.and_not(pc.less_equal(pc.utf8_length(note), max_chars), pc.match_substring_regex(note, _TELLS))
        idle = pc.fill_null(idle, False)
        if not pc.any(idle).as_py():
            return fill(batch, text=texts)
        texts = pc.replace_with_mask(texts, idle, pc.replace_substring_regex(texts.filter(idle), _NOTE, r"\1"))


def _reject_phrase(batch: pa.RecordBatch, patterns: tuple[str, ...], reason: str, max_chars: int) -> pa.RecordBatch:
    length = pc.utf8_length(batch["text"])
    short = pc.less_equal(length, max_chars)
    return reject(
        batch,
        _at(short, pc.match_substring_regex(batch["text"].filter(short), "|".join(patterns), ignore_case=True)),
        reason,
        length,
        max_chars,
    )


def _at(where: pa.Array, values: pa.Array | NDArray[np.bool_]) -> pa.Array:
    """The values in the places of the rows they were found for, false elsewhere."""
    return pc.replace_with_mask(pa.repeat(False, len(where)), where, pa.array(values))


def _hits(hashes: NDArray[np.uint64], known: NDArray[np.uint64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the words of each text, (n,), that are known."""
    before = np.concatenate(([0], np.cumsum(np.isin(hashes, known))))
    counted: NDArray[np.int64] = before[offsets[1:]] - before[offsets[:-1]]
    return counted
