"""Make the example dumps in examples/ from the readable texts in tests/data/examples/.

    python tests/data/make_examples.py [FOLDER]

Same texts, same versions of zstd and py7zr: the same bytes. An `expect` beside a text names the reason for which the
pipeline should reject it; the formats' own keys are what the Pushshift dumps, the Stack Exchange dump and common Quora
exports use. `reddit_*.json` holds threads: `after` is minutes since the parent, `set` overrides native keys, `same_as`
takes the text of another `key`, `again` writes the comment a second time as a later crawl saw it.
"""

import html
import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import py7zr
from backports import zstd
from py7zr.helpers import ArchiveTimestamp

CONTENT = Path(__file__).parent / "examples"
EXAMPLES = Path(__file__).parents[2] / "examples"
Json = dict[str, Any]
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
FIRST_ID = {"2008": "c03a0b4", "2013": "cbq81k2", "2024": "ksz4f01"}
MODERN_COMMENT: Json = {
    "all_awardings": [], "approved_at_utc": None, "archived": False, "associated_award": None, "author_flair_css_class": None,
    "author_flair_richtext": [], "author_flair_text": None, "author_flair_type": "text", "author_is_blocked": False,
    "author_premium": False, "awarders": [], "banned_by": None, "can_gild": False, "collapsed": False, "collapsed_reason": None,
    "comment_type": None, "controversiality": 0, "distinguished": None, "edited": False, "gilded": 0, "gildings": {},
    "likes": None, "locked": False, "no_follow": True, "removal_reason": None, "replies": "", "saved": False,
    "score_hidden": False, "send_replies": True, "stickied": False, "subreddit_type": "public", "top_awarded_type": None,
    "total_awards_received": 0, "treatment_tags": [],
}  # fmt: skip
MODERN_POST: Json = {
    **{key: MODERN_COMMENT[key] for key in (
        "all_awardings", "archived", "author_flair_richtext", "author_flair_text", "author_premium", "awarders", "distinguished",
        "edited", "gilded", "gildings", "locked", "no_follow", "send_replies", "stickied", "subreddit_type", "treatment_tags")},
    "allow_live_comments": False, "category": None, "contest_mode": False, "hidden": False, "hide_score": False,
    "is_crosspostable": True, "is_meta": False, "is_original_content": False, "is_robot_indexable": True, "is_video": False,
    "media": None, "media_embed": {}, "num_crossposts": 0, "over_18": False, "pinned": False, "quarantine": False,
    "removed_by_category": None, "spoiler": False, "suggested_sort": None, "thumbnail": "self", "upvote_ratio": 0.93,
}  # fmt: skip


def base36(number: int) -> str:
    """Write a number as Reddit writes its ids."""
    out = ""
    while number:
        number, digit = divmod(number, 36)
        out = DIGITS[digit] + out
    return out or "0"


def joined(text: str | list[str]) -> str:
    """A text is a string or its lines."""
    return text if isinstance(text, str) else "\n".join(text)


def seconds(stamp: str) -> int:
    """Seconds since 1970 of a time in UTC."""
    return int(datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp())


# Reddit


def flattened(thread: Json) -> Iterator[Json]:
    """Yield a thread's comments, parents first, each with its time and the object above it."""
    waiting = [(comment, thread, at) for at, comment in enumerate(thread["comments"])]
    while waiting:
        comment, above, place = waiting.pop(0)
        comment["time"] = above["time"] + 60 * comment.get("after", 14 + 23 * place) + 7 * place
        comment.update(thread=thread, above=above)
        waiting += [(reply, comment, at) for at, reply in enumerate(comment.get("replies", []))]
        yield comment


def number(items: list[Json], first: str, step: int) -> None:
    """Give every item without an id one that grows with its time."""
    at = int(first, 36)
    for item in items:
        at += step + item["time"] % 97
        item.setdefault("id", base36(at))


def loaded() -> tuple[list[Json], list[Json]]:
    """Read the threads: posts and comments in the order of time, with times, ids and shared texts filled in."""
    threads = [thread for path in sorted(CONTENT.glob("reddit_*.json")) for thread in json.loads(path.read_bytes())]
    for thread in threads:
        thread["time"] = seconds(thread["created"])
    threads.sort(key=lambda thread: thread["time"])
    comments = sorted((c for thread in threads for c in flattened(thread)), key=lambda comment: comment["time"])
    number(threads, "1b4k2p0", 90_000)
    for era, first in FIRST_ID.items():
        number([c for c in comments if c["thread"].get("era", "2024") == era], first, 700)
    keyed = {item["key"]: item for item in threads + comments if "key" in item}
    for item in threads + comments:
        if "same_as" in item:
            item.update({key: keyed[item["same_as"]][key] for key in ("title", "selftext", "body") if key in keyed[item["same_as"]]})
        if "parent_key" in item:
            item["parent"] = "t1_" + keyed[item["parent_key"]]["id"]
    return threads, comments


def spelled(era: str, time: int) -> str | int | float:
    """`created_utc` is a string, an integer or a float, depending on when the dump was made."""
    return str(time) if era == "2008" else time if era == "2013" else float(time)


def common(item: Json, thread: Json) -> Json:
    """Build the keys that posts and comments share in an era."""
    era, name = thread.get("era", "2024"), thread["subreddit"]
    out: Json = {"id": item["id"], "author": item["by"], "score": item["score"], "subreddit": name}
    out["created_utc"] = spelled(era, item["time"])
    if era == "2008":
        return out
    out |= {"subreddit_id": "t5_" + base36(4_200_000 + sum(name.encode()) * 7), "edited": False, "distinguished": None, "gilded": 0,
            "ups": item["score"], "downs": 0, "author_flair_text": None, "author_flair_css_class": None,
            "retrieved_on": item["time"] + 15}  # fmt: skip
    if era == "2024":
        out |= {"created": float(item["time"]), "updated_on": item["time"] + 30, "subreddit_name_prefixed": "r/" + name,
                "_meta": {"retrieved_2nd_on": item["time"] + 129_600}}  # fmt: skip
        if item["by"] != "[deleted]":
            out["author_fullname"] = "t2_" + base36(sum(ord(c) * 131**at for at, c in enumerate(item["by"][:6])))
    return out


def body_of(item: Json) -> str:
    """The text as Reddit stores it: Markdown in which &, < and > are entities."""
    text = joined(item["body"])
    if "paste" in item:
        steps = range(1, item["paste"] // len(text) + 2)
        text = "\n\n".join(text.replace("{n}", str(n)) for n in steps)
    return html.escape(text, quote=False)


def comment_row(item: Json) -> Json:
    """Build a comment's object."""
    thread, above = item["thread"], item["above"]
    era, link = thread.get("era", "2024"), "t3_" + thread["id"]
    parent = item.get("parent") or (link if above is thread else "t1_" + above["id"])
    out: Json = (MODERN_COMMENT if era == "2024" else {}) | common(item, thread)
    out |= {"body": body_of(item), "link_id": link, "parent_id": parent}
    if era == "2013":
        out |= {"controversiality": 0, "archived": True, "score_hidden": False, "name": "t1_" + item["id"]}
    if era == "2024":
        out |= {"name": "t1_" + item["id"], "is_submitter": item["by"] == thread["by"], "permalink": f"{permalink(thread)}{item['id']}/"}
    out.update(item.get("set", {}))
    return out


def permalink(thread: Json) -> str:
    """A post's path on the site."""
    slug = "_".join("".join(c if c.isalnum() else " " for c in thread["title"].lower()).split()[:8])
    return f"/r/{thread['subreddit']}/comments/{thread['id']}/{slug}/"


def post_row(item: Json, comments: int) -> Json:
    """Build a submission's object."""
    era, here = item.get("era", "2024"), permalink(item)
    out: Json = (MODERN_POST if era == "2024" else {}) | common(item, item)
    out |= {"title": html.escape(item["title"], quote=False), "selftext": html.escape(joined(item["selftext"]), quote=False),
            "is_self": "link" not in item, "url": item.get("link") or "https://www.reddit.com" + here,
            "permalink": here, "num_comments": comments}  # fmt: skip
    if era != "2008":
        out |= {"domain": "example.com" if "link" in item else "self." + item["subreddit"], "over_18": False, "stickied": False,
                "name": "t3_" + item["id"], "link_flair_text": item.get("flair")}  # fmt: skip
    out.update(item.get("set", {}))
    return out


def reddit(folder: Path) -> None:
    """Write RS_2024-03.zst and RC_2024-03.zst."""
    threads, comments = loaded()
    replies = Counter(comment["thread"]["id"] for comment in comments)
    posts = [lined(post_row(thread, replies[thread["id"]])) for thread in threads if not thread.get("absent")]
    rows = [lined(comment_row(comment)) for comment in comments]
    rows.insert(40, rows[40][: len(rows[40]) // 3] + b"\n")  # a line that the download cut off: malformed
    for comment in comments:
        if "again" in comment:
            later = comment["again"]
            seen = comment["time"] + 3600 * later["after_hours"]
            copy = comment | {"body": later["body"], "score": later["score"]}
            copy["set"] = {"retrieved_on": seen, "edited": float(seen - 900), "_meta": {"retrieved_2nd_on": seen + 129_600}}
            rows.append(lined(comment_row(copy)))
    packed(folder / "RS_2024-03.zst", posts)
    packed(folder / "RC_2024-03.zst", rows)


def lined(row: Json) -> bytes:
    """One object as a line of NDJSON."""
    return orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def packed(path: Path, lines: list[bytes]) -> None:
    """Write one zstd frame that asks for a window of 2 GiB, as Pushshift's do: a decoder with the default limit refuses it."""
    options: dict[int, int] = {zstd.CompressionParameter.compression_level: 12, zstd.CompressionParameter.window_log: 31}
    coder = zstd.ZstdCompressor(options=options)
    # Fed in two steps the coder does not know the size; knowing it, it would ask for a smaller window.
    path.write_bytes(coder.compress(b"".join(lines)) + coder.flush())


# Stack Exchange


def table(name: str, rows: list[Json]) -> bytes:
    """One table as the dump writes it: byte order mark, CRLF, one `<row />` a line, references for line ends."""

    def attribute(key: str, value: object) -> str:
        text = html.escape(str(value), quote=False).replace('"', "&quot;").replace("\n", "&#xA;")
        return f'{key}="{text}"'

    lines = ['<?xml version="1.0" encoding="utf-8"?>', f"<{name}>"]
    lines += [f"  <row {' '.join(attribute(k, v) for k, v in row.items() if v is not None)} />" for row in rows]
    return b"\xef\xbb\xbf" + "\r\n".join([*lines, f"</{name}>"]).encode()


def se_post(post: Json, posts: list[Json], talk: Counter[int]) -> Json:
    """Build a row of Posts.xml; attributes that are None are left out, as the dump does."""
    question, tags = post["type"] == 1, post.get("tags")
    return {
        "Id": post["id"], "PostTypeId": post["type"], "AcceptedAnswerId": post.get("accepted"), "ParentId": post.get("parent"),
        "CreationDate": post["at"], "Score": post["score"], "ViewCount": 40 * post["id"] + 77 if question else None,
        "Body": joined(post["body"]), "OwnerUserId": post.get("owner"), "OwnerDisplayName": post.get("owner_name"),
        "LastActivityDate": post["at"], "ClosedDate": post.get("closed"), "CommunityOwnedDate": post.get("wiki"),
        "Title": post.get("title"), "Tags": "".join(f"<{tag}>" for tag in tags) if tags else None,
        "AnswerCount": sum(other.get("parent") == post["id"] for other in posts) if question else None,
        "CommentCount": talk[post["id"]], "ContentLicense": post.get("licence"),
    }  # fmt: skip


def stackexchange(path: Path) -> None:
    """Write one site as it is distributed, a .7z with one XML file for each table."""
    site = json.loads((CONTENT / "stackexchange.json").read_bytes())
    posts, talk = site["posts"], Counter(comment["post"] for comment in site["comments"])
    users = [{"Id": i, "Reputation": 1 + 50 * abs(i), "CreationDate": "2011-01-05T10:00:00.000", "DisplayName": name, "Views": 3,
              "UpVotes": 0, "DownVotes": 0, "AccountId": i if i < 0 else 900_000 + i} for i, name in site["users"]]  # fmt: skip
    tags = [{"Id": i, "TagName": tag, "Count": sum(tag in p.get("tags", []) for p in posts)} for i, tag in enumerate(site["tags"], 1)]
    comments = [{"Id": c["id"], "PostId": c["post"], "Score": c["score"], "Text": c["text"], "CreationDate": c["at"],
                 "UserId": c.get("user"), "UserDisplayName": c.get("user_name"),
                 "ContentLicense": "CC BY-SA 4.0"} for c in site["comments"]]  # fmt: skip
    tables = {"Comments": comments, "Posts": [se_post(post, posts, talk) for post in posts], "Tags": tags, "Users": users}
    with py7zr.SevenZipFile(path, "w") as archive:
        for name, rows in tables.items():
            archive.writestr(table(name.lower(), rows), f"{name}.xml")
            archive.header.files_info.files[-1]["lastwritetime"] = ArchiveTimestamp.from_datetime(1_712_000_000)


# Quora


def quora(path: Path) -> None:
    """Write question and answer rows, among them rows without an answer, a broken line and a repeated one."""
    lines: list[bytes] = []
    for at, entry in enumerate(json.loads((CONTENT / "quora.json").read_bytes())):
        question = entry["question"]
        url = "https://www.quora.com/" + "-".join("".join(c if c.isalnum() else " " for c in question).split())
        if not entry["answers"]:
            lines.append(lined({"question": question, "url": url} | ({"answer": None} if at % 2 else {})))
        lines += [lined({"question": question, "url": url} | answer) for answer in entry["answers"]]
    lines.insert(5, lines[5][:120] + b"\n")  # malformed
    lines.append(lines[2])  # an exact repeat
    path.write_bytes(b"".join(lines))


def main() -> None:
    """Write all examples and print what is in them."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLES
    for name in ("reddit", "stackexchange", "quora"):
        (root / name).mkdir(parents=True, exist_ok=True)
    reddit(root / "reddit")
    stackexchange(root / "stackexchange" / "coffee.example.7z")
    quora(root / "quora" / "answers.jsonl")
    for path in sorted(root.glob("*/*")):
        if path.suffix in (".zst", ".7z", ".jsonl"):
            print(f"{path.stat().st_size:>9,}  {path}")


if __name__ == "__main__":
    main()
