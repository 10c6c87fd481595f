"""Write Reddit-like dumps of any size in Pushshift's format: RS_x.zst (posts) and RC_x.zst (comments).

Thread sizes are heavy-tailed, 45 % of the comments are top-level, the poster writes about one comment in eight, and
known shares of dirt are mixed in (`DIRT`). Memory is that of one chunk of about 50,000 messages.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import orjson
from backports import zstd

from tests.bench import vocabulary as words
from tests.bench.texts import ROOTS_MEDIAN, Copies, Texts, make_texts, marked_up, written

CHUNK = 50_000
AUTHORS = 200_000
LARGEST_THREAD = 20_000
TOP_LEVEL, POSTER, ANSWERER = 0.38, 0.25, 0.7  # the first comment of a thread is top-level besides
START = 1_709_251_200
DIRT = {"deleted": 0.025, "removed": 0.015, "bot": 0.01, "link": 0.01, "malformed": 0.0001, "twice": 0.001}
POST_DIRT = {"removed": 0.03, "link": 0.03, "title": 0.1, "nsfw": 0.01, "crosspost": 0.01}
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_THREE = [a + b + c for a in _DIGITS for b in _DIGITS for c in _DIGITS]
_SUBREDDITS = [noun.capitalize() + end for end in ("Help", "s", "Advice") for noun in words.NOUNS[:70]]
_NAMES = [f"{a}_{n}" for a in words.ADJECTIVES for n in words.NOUNS[:300]]


@dataclass(frozen=True)
class Shape:
    """Who replies to whom. `op`, `began`: one entry a post; the rest one a comment; `parent` -1 is the post; `hot`: all in one community."""

    post: int
    comment: int
    op: list[int]
    began: list[int]
    thread: list[int]
    parent: list[int]
    author: list[int]
    time: list[int]
    hot: bool = False

    def subreddit(self, thread: int) -> str:
        """Name a thread's community."""
        return _SUBREDDITS[0 if self.hot else self.op[thread] % len(_SUBREDDITS)]


class Sink:
    """A zstd file under way, with the bytes that went in; one frame, no content size, as the dumps are."""

    def __init__(self, path: Path, window_log: int) -> None:
        self._file = path.open("wb")
        level, window = zstd.CompressionParameter.compression_level, zstd.CompressionParameter.window_log
        self._coder = zstd.ZstdCompressor(options={level: 3, window: window_log})
        self.bytes_in = self.lines = 0

    def write(self, data: bytearray) -> None:
        """Compress and write lines, each ending in a line feed."""
        self.bytes_in, self.lines = self.bytes_in + len(data), self.lines + data.count(b"\n")
        self._file.write(self._coder.compress(data))

    def close(self) -> int:
        """Finish the frame; return the bytes written."""
        self._file.write(self._coder.flush())
        size = self._file.tell()
        self._file.close()
        return size


def spell(number: int) -> str:
    """Write a number below 36^6 as an id of six characters."""
    return _THREE[number // 46_656] + _THREE[number % 46_656]


def name(author: int) -> str:
    """Name an author."""
    return f"{_NAMES[author % len(_NAMES)]}{author // len(_NAMES) or ''}"


def sizes(rng: np.random.Generator, messages: int) -> np.ndarray:
    """Draw numbers of comments for threads that hold `messages` messages with their posts: many 0 to 3, some thousands."""
    drawn = np.minimum(np.exp(rng.normal(0.9, 1.6, messages)).astype(np.int64), LARGEST_THREAD)
    ends = np.cumsum(drawn + 1)
    whole = int(np.searchsorted(ends, messages))
    drawn = drawn[: whole + 1]
    drawn[-1] = messages - (ends[whole - 1] if whole else 0) - 1
    return drawn


def shaped(rng: np.random.Generator, messages: int, post: int, comment: int) -> Shape:
    """Draw the threads of a chunk: within a thread comments come in the order of time, parents before replies."""
    count = sizes(rng, messages)
    first = np.cumsum(count) - count
    thread = np.repeat(np.arange(len(count)), count)
    place = np.arange(len(thread)) - first[thread]
    back = np.minimum(rng.geometric(0.3, len(thread)), place)
    parent = np.where((rng.random(len(thread)) < TOP_LEVEL) | (place == 0), -1, np.arange(len(thread)) - back)
    began = START + np.sort(rng.integers(0, 3600, len(count))) + (post // 5_000) * 60
    gaps = np.cumsum(np.ceil(rng.exponential(200, len(thread)) * np.sqrt(place + 1)).astype(np.int64))
    before = np.concatenate([[0], gaps])[first]
    pool = (AUTHORS * rng.random(len(count) + len(thread)) ** 2.5).astype(np.int64)
    op, author = pool[: len(count)].tolist(), pool[len(count) :].tolist()
    talk(author, op, thread.tolist(), parent.tolist(), rng.random(len(thread)).tolist())
    written_at = began[thread] + gaps - before[thread]
    return Shape(post, comment, op, began.tolist(), thread.tolist(), parent.tolist(), author, written_at.tolist())


def talk(author: list[int], op: list[int], thread: list[int], parent: list[int], coin: list[float]) -> None:
    """Let posters answer those who answered them, and those answer back; nobody answers himself."""
    for at, above in enumerate(parent):
        if above < 0:
            continue
        poster = op[thread[at]]
        if author[above] != poster:
            if coin[at] < POSTER:
                author[at] = poster
        elif coin[at] < ANSWERER and parent[above] >= 0:
            author[at] = author[parent[above]]
        if author[at] == author[above]:
            author[at] += 1


def one_tree(rng: np.random.Generator, comments: int, deep: bool) -> Shape:
    """Shape one tree: a chain in which the poster and another author take turns, or all comments under the post."""
    parent = list(range(-1, comments - 1)) if deep else [-1] * comments
    author = [1 + at % 2 for at in range(comments)] if deep else (2 + (AUTHORS - 2) * rng.random(comments)).astype(np.int64).tolist()
    return Shape(0, 0, [2], [START], [0] * comments, parent, author, list(range(START + 30, START + 30 + 60 * comments, 60)))


def votes(rng: np.random.Generator, count: int) -> list[int]:
    """Draw votes: median 2, some negative, a few thousands."""
    drawn = np.exp(rng.normal(0.7, 1.5, count)).astype(np.int64) + 1
    out: list[int] = np.where(rng.random(count) < 0.06, -(drawn // 2), drawn).tolist()
    return out


def kinds(rng: np.random.Generator, count: int, shares: dict[str, float]) -> list[str]:
    """Draw for each row what dirt it is; mostly the empty string: none."""
    picks = np.searchsorted(np.cumsum(list(shares.values())), rng.random(count), side="right")
    out: list[str] = np.array([*shares, ""])[picks].tolist()
    return out


def posts(shape: Shape, texts: Texts, rng: np.random.Generator, clean: bool = False) -> bytearray:
    """Write the posts of a chunk."""
    out, count = bytearray(), len(shape.op)
    comments = np.bincount(np.array(shape.thread, dtype=np.int64), minlength=count).tolist()
    bodies, scores = written(texts, rng, count, ROOTS_MEDIAN, clean), votes(rng, count)
    dirt = [""] * count if clean else kinds(rng, count, POST_DIRT)
    marked_up(bodies, rng)
    titles = written(texts, rng, count, 60, clean)
    for at, what in enumerate(dirt):
        post, sub, author = "1" + spell(shape.post + at), shape.subreddit(at), name(shape.op[at])
        link = f"/r/{sub}/comments/{post}/a_question/"
        row = {
            "id": post, "name": "t3_" + post, "author": author, "author_fullname": f"t2_{shape.op[at]:x}", "created_utc": shape.began[at],
            "title": titles[at].replace("\n\n", " ")[:290].rstrip(".?!") + "?", "score": scores[at], "subreddit": sub,
            "selftext": {"removed": "[removed]", "link": "", "title": ""}.get(what, bodies[at]), "is_self": what != "link",
            "url": f"https://example.com/{at}" if what == "link" else "https://www.reddit.com" + link, "domain": "self." + sub,
            "subreddit_id": f"t5_2{len(sub):x}", "permalink": link, "num_comments": comments[at], "over_18": what == "nsfw",
            "edited": False, "distinguished": None, "stickied": False, "locked": False, "gilded": 0, "upvote_ratio": 0.9,
            "link_flair_text": None, "author_flair_text": None, "retrieved_on": shape.began[at] + 15,
            "removed_by_category": "moderator" if what == "removed" else None, "_meta": {"retrieved_2nd_on": shape.began[at] + 129_600},
        }  # fmt: skip
        if what == "crosspost":
            row["crosspost_parent"] = "t3_1" + spell(at)
        out += line(row)
    return out


def comments(shape: Shape, texts: Texts, rng: np.random.Generator, clean: bool, copies: Copies) -> Iterator[bytearray]:
    """Write the comments of a shape, in pieces of at most 50,000; `clean`: without anything that a recipe rejects."""
    for begin in range(0, len(shape.thread), CHUNK):
        count = min(CHUNK, len(shape.thread) - begin)
        bodies, scores, dirt = written(texts, rng, count, plain=clean), votes(rng, count), kinds(rng, count, DIRT)
        if clean:  # beyond doubt in English, and no two alike: in a chain, what one of them loses all that follow lose
            dirt = [""] * count
            bodies = [f"{body} This is answer number {at} and I think that it is right." for at, body in enumerate(bodies, begin)]
        else:
            marked_up(bodies, rng)
        copies.put(bodies, rng)
        out = bytearray()
        for at, what in enumerate(dirt, begin):
            row = comment(shape, at, bodies[at - begin], scores[at - begin])
            out += spoilt(row, what) if what else line(row)
        yield out


def comment(shape: Shape, at: int, body: str, score: int) -> dict[str, object]:
    """Build one comment's object."""
    thread, above, who, time = shape.thread[at], shape.parent[at], shape.author[at], shape.time[at]
    own, post, sub = "k" + spell(shape.comment + at), "1" + spell(shape.post + thread), shape.subreddit(thread)
    return {
        "id": own, "name": "t1_" + own, "author": name(who), "author_fullname": f"t2_{who:x}", "body": body, "created_utc": time,
        "score": score, "link_id": "t3_" + post, "parent_id": "t3_" + post if above < 0 else "t1_k" + spell(shape.comment + above),
        "subreddit": sub, "subreddit_id": f"t5_2{len(sub):x}", "permalink": f"/r/{sub}/comments/{post}/a_question/{own}/",
        "edited": False, "distinguished": None, "stickied": False, "controversiality": 0, "gilded": 0, "retrieved_on": time + 15,
        "author_flair_text": None, "score_hidden": False, "is_submitter": who == shape.op[thread], "locked": False,
        "_meta": {"retrieved_2nd_on": time + 129_600},
    }  # fmt: skip


def line(row: dict[str, object]) -> bytes:
    """One object as a line; not to be kept: orjson leaves some 7 KB of memory behind each result that is."""
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def spoilt(row: dict[str, object], what: str) -> bytes:
    """Turn a comment into the dirt of a kind; return its line, or two."""
    match what:
        case "deleted" | "removed":
            row["author"], row["body"] = "[deleted]", f"[{what}]"
            del row["author_fullname"]
        case "bot":
            row["author"] = "AutoModerator"
            row["body"] = f"Your post in r/{row['subreddit']} was received. *I am a bot, and this action was performed automatically.*"
        case "link":
            row["body"] = f"https://example.com/watch/{row['id']}"
        case "malformed":
            whole = line(row)
            return whole[: len(whole) // 2] + b"\n"
        case "twice":  # as two crawls saw it
            earlier = line(row | {"score": 1})
            row["retrieved_on"] = int(str(row["retrieved_on"])) + 90_000
            return earlier + line(row)
    return line(row)


def write_reddit(
    folder: Path, messages: int, seed: int = 1, tree: str = "", window_log: int = 21, hot: bool = False, copies: float = 0
) -> tuple[int, int, int]:
    """Write RS_x.zst and RC_x.zst; return the lines, their bytes and the bytes of the two files.

    `tree` is `deep` or `wide` for one tree of `messages` clean comments, or empty for many threads with dirt; `hot`: all
    in one community; `copies`: the share of comments that say what another one says.
    """
    texts, copied, post, comment = make_texts(seed), Copies(copies), 0, 0
    out = Sink(folder / "RS_x.zst", window_log), Sink(folder / "RC_x.zst", window_log)
    while post + comment < messages:
        rng = np.random.default_rng([seed, post + comment])
        size = min(CHUNK, messages - post - comment)
        shape = one_tree(rng, messages, tree == "deep") if tree else shaped(rng, size, post, comment)
        shape = replace(shape, hot=hot)
        out[0].write(posts(shape, texts, rng, bool(tree)))
        for lines in comments(shape, texts, rng, bool(tree), copied):
            out[1].write(lines)
        post, comment = post + len(shape.op), comment + len(shape.thread)
    sizes_out = [sink.close() for sink in out]
    return sum(sink.lines for sink in out), sum(sink.bytes_in for sink in out), sum(sizes_out)
