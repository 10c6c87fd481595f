"""Stack Exchange's data dump: Posts.xml, with Users.xml if it is there, of one site.

One row of Posts.xml is one line; the dump is by Stack Exchange (https://archive.org/details/stackexchange),
the text by its users under CC BY-SA, 2.5 to 4.0 by date:

    <row Id="2" PostTypeId="2" ParentId="1" CreationDate="2018-03-12T14:06:39.187" Score="12" Body="&lt;p&gt;Yes.&lt;/p&gt;"
      OwnerUserId="10" LastEditDate="2018-03-12T15:00:00.000" ContentLicense="CC BY-SA 3.0" />

A site is a folder, one .7z, or a .7z per table (stackoverflow.com-Posts.7z, stackoverflow.com-Users.7z).
"""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pyarrow as pa

from sources import posts
from sources.archive import member_chunks, members, several_chunks
from sources.lines import blocks
from sources.reading import Reading, Source
from sources.streams import chunks, kind_of


def inputs(path: Path) -> list[Path]:
    """List the sites at a path: a .7z, a Posts.xml, a folder that holds one, or a folder of any of these.

    Raises:
        ValueError: there is no Posts.xml, or one site stands there twice.
    """
    if not path.exists():
        raise ValueError(f"{path}: does not exist; expected a .7z of a Stack Exchange site, its Posts.xml, or a folder of them")
    if path.is_file():
        return [_checked(path)]
    if _inside(path, "posts.xml"):
        return [path]
    folders = (folder for folder in path.rglob("*") if folder.is_dir() and _inside(folder, "posts.xml"))
    packed = (file for file in path.rglob("*.7z") if file.is_file() and _holds_posts(file))
    found = sorted([*folders, *packed])
    if not found:
        raise ValueError(f"{path}: no Posts.xml and no .7z with one under this folder; expected Stack Exchange's data dump")
    sites: dict[str, Path] = {}
    for one in found:
        other = sites.setdefault(_site(one), one)
        if other is not one:
            raise ValueError(f"{path}: site {_site(one)} is there twice, as {other} and {one}; expected it once: give one of the two")
    return found


def _checked(path: Path) -> Path:
    """The file itself, if it is a site's posts."""
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(b"7z\xbc\xaf"):
        if not _holds_posts(path):
            raise ValueError(f"{path}: holds no Posts.xml; expected one, found {', '.join(members(path)[:10]) or 'nothing'}")
        return path
    if kind_of(head) == "plain" and b"\0" not in head:
        posts.check_root(path, next(chunks(path, Reading()), b""), "posts")
        return path
    raise ValueError(f"{path}: this is no Posts.xml ({kind_of(head)} file); expected a Stack Exchange .7z, Posts.xml or folder")


def _holds_posts(path: Path) -> bool:
    return any(member.replace("\\", "/").rsplit("/", 1)[-1].casefold() == "posts.xml" for member in members(path))


def _inside(folder: Path, name: str) -> Path | None:
    """The file of that name, whatever its case."""
    return next((file for file in sorted(folder.iterdir()) if file.name.casefold() == name and file.is_file()), None)


def _packed(path: Path) -> bool:
    return path.suffix.casefold() == ".7z" and path.is_file()


def _site(path: Path) -> str:
    """The site's name: that of its archive or folder."""
    name = path.stem if _packed(path) else (path.resolve().parent if path.is_file() else path.resolve()).name
    return name.removesuffix("-Posts")


def parts(path: Path) -> list[Path]:
    """List the files that an input consists of: the posts, then the users where they are at hand."""
    if _packed(path):
        users = _inside(path.parent, f"{path.stem.removesuffix('-Posts')}-Users.7z".casefold()) if path.stem.endswith("-Posts") else None
        return [path, users] if users else [path]
    file = path if path.is_file() else _inside(path, "posts.xml")
    if file is None:
        raise ValueError(f"{path}: holds no Posts.xml; expected the folder of one Stack Exchange site")
    users = _inside(file.parent, "users.xml")
    return [file, users] if users else [file]


def label(path: Path) -> str:
    """Name an input the same whether it is packed or not."""
    return f"{_site(path)}/Posts.xml"


def read(path: Path, reading: Reading) -> Iterator[pa.RecordBatch]:
    """Yield the site's posts, one batch for each block of lines that falls to this stripe.

    The posts are read twice, first for the ids of accepted answers, which stand on the questions: that
    makes `accepted` the same whatever the stripes. Measured on one core, a GB of Posts.xml: 2.4 s for the first
    reading and 49 s for the second, each plus 10 s of LZMA if it is packed.

    Raises:
        ValueError: the file is no Posts.xml, holds a DTD, is truncated or does not decode.
    """
    accepted, accounts = _first_pass(path, reading)
    about = posts.Site(_site(path), accepted, accounts)
    quiet = Reading(reading.stripe, reading.stripes, reading.block_bytes, reading.allow_truncated, progress=reading.progress)
    file = parts(path)[0]
    stream = member_chunks(file, "Posts.xml", quiet) if _packed(file) else chunks(file, quiet)
    for block in blocks(file, stream, quiet):
        yield posts.batch(block, about)


def _first_pass(path: Path, reading: Reading) -> tuple[posts.Numbers, posts.Accounts]:
    """What the rows need to know of others: ids of accepted answers, and the accounts of the users."""
    accepted, accounts = posts.NONE, posts.NO_ACCOUNTS
    for file, name, stream in _tables(path, reading):
        if name == "posts.xml":
            accepted = posts.accepted_ids(file, stream, reading)
        else:
            accounts = posts.accounts(file, stream)
    return accepted, accounts


def _tables(path: Path, reading: Reading) -> Iterator[tuple[Path, str, Iterator[bytes]]]:
    """Yield (file, table, its bytes): the posts, and the users where they are at hand."""
    still = Reading(allow_truncated=reading.allow_truncated, note=reading.note)
    file, *users = parts(path)
    if not _packed(file):
        yield file, "posts.xml", chunks(file, still)
    else:  # a solid archive is decompressed as a whole, so both in one go
        for name, pieces in groupby(several_chunks(file, ["Posts.xml", "Users.xml"], still), itemgetter(0)):
            yield file, name, map(itemgetter(1), pieces)
    told = Reading(allow_truncated=reading.allow_truncated, note=reading.note, progress=reading.progress)
    for other in users:
        yield other, "users.xml", member_chunks(other, "Users.xml", told) if _packed(other) else chunks(other, told)


SOURCE = Source(
    read=read,
    inputs=inputs,
    parts=parts,
    label=label,
    striped=True,
    reads="a Stack Exchange site: its .7z, its folder, or Posts.xml (Users.xml beside it links one person's accounts)",
    get_it="https://archive.org/details/stackexchange, one .7z a site",
    license="CC BY-SA 2.5, 3.0 or 4.0, stated on every message",
)
