"""Stack Exchange's dump: the rows are messages, and every other line has its reason."""

from datetime import UTC, datetime
from pathlib import Path

import py7zr
import pyarrow as pa
import pytest

from schemas.message import INPUT
from sources.reading import Reading
from sources.stackexchange import SOURCE, inputs, label, parts, read

SITE = "tea.stackexchange.com"
TIME = 'CreationDate="2012-01-02T03:04:05.678"'
QUESTION = (
    f'<row Id="1" PostTypeId="1" AcceptedAnswerId="3" {TIME} Score="5" Title="Why &lt;tea&gt; &amp; not&#xA;coffee?" OwnerUserId="10"'
    ' Body="&lt;p&gt;I drink $a_1 \\\\ b$.&lt;/p&gt;&#xD;&#xA;" Tags="&lt;green-tea&gt;&lt;c++&gt;" ClosedDate="2013-01-01T00:00:00.000" />'
)
ANSWERS = [
    f'<row Id="2" PostTypeId="2" ParentId="1" {TIME} Score="-2" Body="&lt;b&gt;No&lt;/b&gt;" OwnerUserId="-1" />',
    f'<row Id="3" PostTypeId="2" ParentId="1" {TIME} Score="7" Body="Yes" OwnerDisplayName="user7" LastEditDate="2014-01-01T00:00:00"'
    ' ContentLicense="CC BY-SA 4.0" CommunityOwnedDate="2013-01-01T00:00:00" />',
]
WIKI = f'<row Id="4" PostTypeId="5" {TIME} Body="&lt;p&gt;wiki&lt;/p&gt;" />'
USERS = '<row Id="-1" AccountId="-1" />\r\n  <row Id="10" AboutMe="a &gt; b" AccountId="999" />'


def posts(*rows: str | bytes, head: str = "", tail: str = "</posts>") -> bytes:
    lines = [row if isinstance(row, bytes) else row.encode() for row in rows]
    start = b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>\r\n' + head.encode() + b"<posts>\r\n"
    return start + b"".join(b"  " + line + b"\r\n" for line in lines) + tail.encode()


def site(tmp_path: Path, data: bytes, users: str | None = None, name: str = SITE) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "Posts.xml").write_bytes(data)
    if users is not None:
        (folder / "Users.xml").write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<users>\n  {users}\n</users>')
    return folder


def rows(path: Path, **options: object) -> list[dict[str, object]]:
    return pa.Table.from_batches(read(path, Reading(**options)), INPUT).to_pylist()  # type: ignore[arg-type]


def column(path: Path, name: str) -> list[object]:
    return [row[name] for row in rows(path)]


def pack(path: Path, folder: Path, *names: str) -> Path:
    with py7zr.SevenZipFile(path, "w") as archive:
        for name in names or sorted(file.name for file in folder.iterdir()):
            archive.write(folder / name, name)
    return path


def test_a_question_becomes_a_root(tmp_path: Path) -> None:
    (row,) = rows(site(tmp_path, posts(QUESTION)))
    assert {name: value for name, value in row.items() if value is not None} == {
        "author": f"{SITE}:10",
        "message_id": f"stackexchange:{SITE}:1",
        "message_tree_id": f"stackexchange:{SITE}:1",
        "created_date": datetime(2012, 1, 2, 3, 4, 5, 678000, UTC),
        "text": "Why <tea> & not\ncoffee?\n\nI drink $a_1 \\\\ b$.",
        "role": "prompter",
        "source": "stackexchange",
        "community": SITE,
        "url": f"https://{SITE}/questions/1",
        "license": "CC BY-SA 3.0",
        "score": 5,
        "tags": ["green-tea", "c++"],
        "edited": False,
        "closed": True,
        "community_wiki": False,
        "deleted": False,
        "bot": False,
        "derived": False,
        "row": 2,
    }


def test_answers_hang_under_their_question_and_know_whether_they_were_accepted(tmp_path: Path) -> None:
    bot, chosen = rows(site(tmp_path, posts(QUESTION, *ANSWERS)))[1:]
    assert [bot[name] for name in ("text", "role", "score", "accepted", "bot", "closed", "tags")] == [
        "**No**", "assistant", -2, False, True, None, None]  # fmt: skip
    assert [chosen[name] for name in ("accepted", "edited", "community_wiki", "license", "url", "author")] == [
        True, True, True, "CC BY-SA 4.0", f"https://{SITE}/a/3", f"{SITE}:name:user7"]  # fmt: skip
    assert {bot["parent_id"], bot["message_tree_id"], chosen["message_tree_id"]} == {f"stackexchange:{SITE}:1"}


def test_a_tag_wiki_is_no_conversation_and_keeps_its_text(tmp_path: Path) -> None:
    (row,) = rows(site(tmp_path, posts(WIKI)))
    assert (row["reason"], row["text"], row["role"], row["message_tree_id"], row["author"]) == (
        "not_conversation", "<p>wiki</p>", None, f"stackexchange:{SITE}:4", None)  # fmt: skip


def test_users_xml_gives_the_network_account(tmp_path: Path) -> None:
    unknown = QUESTION.replace('"10"', '"11"').replace('Id="1"', 'Id="9"')
    folder = site(tmp_path, posts(QUESTION, *ANSWERS, unknown), USERS)
    assert column(folder, "author") == ["account:999", "account:-1", f"{SITE}:name:user7", f"{SITE}:11"]


def test_tags_between_bars_are_read(tmp_path: Path) -> None:
    row = QUESTION.replace("&lt;green-tea&gt;&lt;c++&gt;", "|green-tea|c++|")
    assert column(site(tmp_path, posts(row)), "tags") == [["green-tea", "c++"]]


@pytest.mark.parametrize(
    ("day", "license"),
    [("2011-04-07", "CC BY-SA 2.5"), ("2011-04-08", "CC BY-SA 3.0"), ("2018-05-01", "CC BY-SA 3.0"), ("2018-05-02", "CC BY-SA 4.0")],
)
def test_the_licence_follows_the_date_where_none_is_stated(tmp_path: Path, day: str, license: str) -> None:
    assert column(site(tmp_path, posts(WIKI.replace("2012-01-02", day))), "license") == [license]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ('<row Id="1" Body="x', "not well-formed XML"),
        ('<row Id="1" Body="&#0;" />', "not well-formed XML"),
        ('<row Id="1" Body="&#xD800;" />', "not well-formed XML"),
        ('<row Id="1" Body="&unknown;" />', "not well-formed XML"),
        (b'<row Id="1" Body="\xff" />', "not well-formed XML"),
        (b'<row Id="1" Body="\x00" />', "not well-formed XML"),
        (WIKI + WIKI, "not well-formed XML"),
        (WIKI + "tail", "not well-formed XML"),
        ("some text", "not well-formed XML"),
        ("<comment />", "element <comment>, expected <row>"),
        (WIKI.replace('Id="4" ', ""), "no Id"),
        (WIKI.replace('Id="4"', 'Id="4x"'), "Id is '4x', expected a number"),
        (WIKI.replace('Id="4"', f'Id="{"9" * 30}"'), "expected a number"),
        (WIKI.replace('PostTypeId="5"', ""), "no PostTypeId"),
        (ANSWERS[0].replace('ParentId="1"', ""), "an answer without ParentId"),
        (ANSWERS[0].replace('Score="-2"', 'Score="many"'), "Score is 'many'"),
        (WIKI.replace("2012-01-02", "2012-13-02"), "CreationDate is '2012-13-02T03:04:05.678'"),
        (WIKI.replace(TIME, ""), "CreationDate is ''"),
    ],
)
def test_a_line_that_is_no_post_is_malformed_and_costs_no_other(tmp_path: Path, bad: str | bytes, why: str) -> None:
    first, row, last = rows(site(tmp_path, posts(QUESTION, bad, WIKI)))
    assert (first["row"], first["reason"], last["row"], last["text"]) == (2, None, 4, "<p>wiki</p>")
    assert (row["row"], row["reason"], row["message_id"], row["community"]) == (3, "malformed", None, SITE)
    assert str(row["detail"]).startswith("line 4: ") and why in str(row["detail"]) and str(row["detail"]).isascii()


def test_rows_inside_rows_do_not_shift_their_neighbours(tmp_path: Path) -> None:
    lines = [WIKI.replace(" />", ">") + WIKI, WIKI + "</row>", WIKI + WIKI]
    assert column(site(tmp_path, posts(*lines)), "reason") == ["malformed"] * 3


def test_the_detail_of_a_malformed_line_shows_its_first_200_bytes(tmp_path: Path) -> None:
    (row,) = rows(site(tmp_path, posts("<é" + "x" * 300)))
    assert str(row["detail"]).endswith(": <\\xc3\\xa9" + "x" * 197)


def test_folder_and_archive_give_the_same_rows_and_label(tmp_path: Path) -> None:
    folder = site(tmp_path, posts(QUESTION, *ANSWERS, WIKI), USERS)
    archive = pack(tmp_path / f"{SITE}.7z", folder)
    assert rows(archive) == rows(folder) == rows(folder / "Posts.xml")
    assert label(archive) == label(folder) == label(folder / "Posts.xml") == f"{SITE}/Posts.xml"


def test_an_archive_per_table_is_one_site(tmp_path: Path) -> None:
    folder = site(tmp_path, posts(QUESTION), USERS)
    one = pack(tmp_path / "stackoverflow.com-Posts.7z", folder, "Posts.xml")
    other = pack(tmp_path / "stackoverflow.com-Users.7z", folder, "Users.xml")
    assert inputs(tmp_path) == [one, folder]
    assert parts(one) == [one, other] and label(one) == "stackoverflow.com/Posts.xml"
    assert column(one, "author") == ["account:999"]


@pytest.mark.parametrize("block_bytes", [50, 300, 100_000])
def test_stripes_and_blocks_do_not_change_the_rows(tmp_path: Path, block_bytes: int) -> None:
    many = [
        answer.replace(' Id="', f' Id="{number}').replace('<row Id="', f'<row Id="{number}')
        for number in range(1, 40)
        for answer in ANSWERS
    ]
    folder = site(tmp_path, posts(QUESTION, *many, "<broken", WIKI))
    shared = [row for stripe in range(3) for row in rows(folder, stripe=stripe, stripes=3, block_bytes=block_bytes)]
    assert sorted(shared, key=lambda row: row["row"]) == rows(folder)  # type: ignore[arg-type, return-value]
    assert len(shared) == 81


@pytest.mark.parametrize("stripe", [0, 1])
@pytest.mark.parametrize(
    "data",
    [
        posts(QUESTION, head='<!DOCTYPE posts [<!ENTITY a "b">]>\n'),
        posts(QUESTION, *ANSWERS, '<!ENTITY a SYSTEM "file:///etc/passwd">'),
    ],
)
def test_a_dtd_is_refused_with_its_line(tmp_path: Path, data: bytes, stripe: int) -> None:
    line = data[: data.index(b"<!")].count(b"\n") + 1
    with pytest.raises(ValueError, match=rf"Posts\.xml:{line}: <!(DOCTYPE|ENTITY) in the file"):
        rows(site(tmp_path, data), stripe=stripe, stripes=2)


def test_a_file_without_its_end_is_truncated(tmp_path: Path) -> None:
    folder = site(tmp_path, posts(QUESTION, ANSWERS[0][:50], tail=""))
    with pytest.raises(ValueError, match=r"Posts\.xml: the file ends without </posts>: it is truncated"):
        rows(folder)
    assert [row["reason"] for row in rows(folder, allow_truncated=True)] == [None, "malformed"]


def test_a_corrupt_archive_is_an_error_that_names_it(tmp_path: Path) -> None:
    archive = pack(tmp_path / f"{SITE}.7z", site(tmp_path, posts(QUESTION, *ANSWERS)))
    data = bytearray(archive.read_bytes())
    data[60:80] = bytes(20)
    archive.write_bytes(data)
    with pytest.raises(ValueError, match=r"tea\.stackexchange\.com\.7z: it does not decode as 7z .* at byte"):
        rows(archive)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("Comments.xml", b'<?xml version="1.0"?>\n<comments>\n</comments>', "root element <comments>; expected <posts>"),
        ("a.png", b"\x89PNG\r\n\x1a\n0000", "PNG image"),
        ("a.csv", b"id,text\n1,x\n", "no XML"),
        ("RC.zst", b"\x28\xb5\x2f\xfd0000", "zstd file"),
        ("empty.xml", b"", "an empty file"),
        ("a.7z", b"nonsense", "no XML"),
    ],
)
def test_another_file_is_refused_in_one_line(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=message) as raised:
        inputs(tmp_path / name)
    assert "\n" not in str(raised.value) and str(raised.value).startswith(str(tmp_path / name))


def test_users_xml_that_is_none_is_refused(tmp_path: Path) -> None:
    folder = site(tmp_path, posts(QUESTION))
    (folder / "Users.xml").write_bytes(b"<badges></badges>")
    with pytest.raises(ValueError, match=r"Users\.xml: root element <badges>; expected <users>"):
        rows(folder)


def test_an_archive_without_posts_is_refused_alone(tmp_path: Path) -> None:
    folder = site(tmp_path, posts(), USERS)
    with pytest.raises(ValueError, match=r"holds no Posts\.xml; expected one, found Users\.xml"):
        inputs(pack(tmp_path / "x-Users.7z", folder, "Users.xml"))


def test_a_site_that_is_there_twice_and_a_folder_without_any_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no Posts\.xml and no \.7z"):
        inputs(tmp_path)
    pack(tmp_path / f"{SITE}.7z", site(tmp_path, posts(QUESTION)))
    with pytest.raises(ValueError, match=f"site {SITE} is there twice"):
        inputs(tmp_path)


def test_an_empty_site_gives_no_rows(tmp_path: Path) -> None:
    assert rows(site(tmp_path, posts())) == []
    assert SOURCE.striped and SOURCE.read is read
