"""Write Stack-Exchange-like dumps of any size: SITE/Posts.xml and SITE/Users.xml, with byte order mark and CRLF."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from tests.bench import vocabulary as words
from tests.bench.texts import ROOTS_MEDIAN, Texts, make_texts, written

CHUNK = 50_000
USERS = 100_000
START = 1_400_000_000
_HEAD = "\ufeff" + '<?xml version="1.0" encoding="utf-8"?>\r\n'
_CODE = (
    "&lt;pre class=&quot;lang-py&quot;&gt;&lt;code&gt;total = {n}&#xA;"
    "while total &amp;gt; 0:&#xA;    total -= 7&#xA;&lt;/code&gt;&lt;/pre&gt;&#xA;"
)


def stamp(seconds: int) -> str:
    """Write a time as the dumps do."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.417")


def html(text: str, coin: float, at: int) -> str:
    """Turn a text into an escaped attribute of HTML paragraphs; two in five get a block of code."""
    paragraphs = "&lt;/p&gt;&#xA;&#xA;&lt;p&gt;".join(text.split("\n\n"))
    return f"&lt;p&gt;{paragraphs}&lt;/p&gt;&#xA;" + (_CODE.format(n=at) if coin < 0.4 else "")


def chunk(texts: Texts, rng: np.random.Generator, count: int, first: int) -> list[str]:
    """Write `count` posts with ids from `first` on: questions, their answers some posts later, a few tag wikis."""
    answers = np.minimum(rng.geometric(0.4, count) - 1, 60)  # 1.5 a question
    questions = max(1, int(np.searchsorted(np.cumsum(answers + 1), count)))
    parent = np.concatenate([np.full(questions, -1), np.repeat(np.arange(questions), answers[:questions])])[:count]
    asked = np.sort(rng.integers(0, count, questions)).astype(np.float64)
    when = np.concatenate([asked, asked[parent[questions:]] + rng.exponential(800, len(parent) - questions) + 0.01])
    order = np.argsort(when, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    taken, accepted = np.full(questions, -1), rng.random(questions) < 0.35
    taken[parent[questions:]] = place[questions:]
    bodies, coins = written(texts, rng, len(parent), ROOTS_MEDIAN), rng.random((len(parent), 4))
    titles = written(texts, rng, questions, 60)
    votes = np.exp(rng.normal(0.9, 1.0, len(parent))).astype(np.int64) - (rng.random(len(parent)) < 0.08) * 4
    owners = (USERS * rng.random(len(parent)) ** 2).astype(np.int64) + 1
    given = np.bincount(parent[questions:], minlength=questions)
    out = []
    for row in order.tolist():
        own, above, coin = first + int(place[row]), int(parent[row]), coins[row]
        kind = f'PostTypeId="2" ParentId="{first + place[above]}" ' if above >= 0 else 'PostTypeId="1" '
        if above < 0 and coin[2] < 0.0125 and not given[row]:
            kind = f'PostTypeId="{4 + own % 2}" '
        elif above < 0 and accepted[row] and taken[row] >= 0:
            kind += f'AcceptedAnswerId="{first + taken[row]}" '
        owner = 'OwnerDisplayName="user{}"' if coin[1] < 0.02 else 'OwnerUserId="{}"'
        line = (
            f'  <row Id="{own}" {kind}CreationDate="{stamp(START + own * 40)}" Score="{votes[row]}" '
            f'Body="{html(bodies[row], coin[0], own)}" {owner.format(owners[row])} LastActivityDate="{stamp(START + own * 40)}" '
        )
        if 'TypeId="1"' in kind:
            closed = f'ClosedDate="{stamp(START + own * 40 + 9000)}" ' if coin[3] < 0.03 else ""
            title = titles[row].replace("\n\n", " ")[:140].rstrip(".?!")
            tags = f"&lt;{words.NOUNS[own % 300]}&gt;&lt;{words.NOUNS[own % 17]}&gt;"
            line += f'{closed}Title="{title}?" Tags="{tags}" AnswerCount="{given[row]}" '
        out.append(line + 'CommentCount="0" ContentLicense="CC BY-SA 4.0" />\r\n')
    return out


def write_stackexchange(folder: Path, messages: int, seed: int) -> tuple[int, int, int]:
    """Write Posts.xml and Users.xml; return the posts, their bytes and the bytes of both files."""
    folder.mkdir(parents=True, exist_ok=True)
    texts, done, size = make_texts(seed), 0, 0
    with (folder / "Posts.xml").open("w", encoding="utf-8", newline="") as file:
        file.write(_HEAD + "<posts>\r\n")
        while done < messages:
            lines = chunk(texts, np.random.default_rng([seed, done]), min(CHUNK, messages - done), done + 1)
            size += file.write("".join(lines))
            done += len(lines)
        file.write("</posts>")
    with (folder / "Users.xml").open("w", encoding="utf-8", newline="") as file:
        file.write(_HEAD + "<users>\r\n")
        file.write('  <row Id="-1" Reputation="1" CreationDate="2010-01-01T00:00:00.000" DisplayName="Community" />\r\n')
        for user in range(1, USERS + 2):
            shown = f"{words.ADJECTIVES[user % 150]} {words.NOUNS[user % 331]} {user}"
            file.write(f'  <row Id="{user}" Reputation="{user % 977}" CreationDate="{stamp(START + user)}" DisplayName="{shown}" />\r\n')
        file.write("</users>")
    return done, size, sum((folder / name).stat().st_size for name in ("Posts.xml", "Users.xml"))
