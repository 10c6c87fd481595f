"""Quora tables: answers are messages, their questions too, and every bad record has its reason."""

import bz2
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.message import INPUT
from sources.quora import SOURCE, inputs, label, parts, read
from sources.reading import Reading

URL = "https://www.quora.com/How-do-I-learn-Java"
ROW = {
    "question": "How do I learn Java?",
    "answer": "Write programs.",
    "url": URL,
    "author": "Ann",
    "upvotes": "1.2k",
    "date": "2019-05-01",
}


def rows(path: Path, **options: object) -> list[dict[str, object]]:
    return pa.Table.from_batches(read(path, Reading(**options)), INPUT).to_pylist()  # type: ignore[arg-type]


def write(tmp_path: Path, name: str, data: str | bytes | list[object]) -> Path:
    if isinstance(data, list):
        data = "".join(json.dumps(row) + "\n" for row in data)
    (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return tmp_path / name


def texts(path: Path, **options: object) -> list[tuple[object, object, object]]:
    return [(row["row"], row["reason"] or row["role"], row["text"]) for row in rows(path, **options)]


def test_an_answer_is_its_rows_message_and_the_question_is_derived(tmp_path: Path) -> None:
    answer, question = rows(write(tmp_path, "a.jsonl", [ROW]))
    assert {name: value for name, value in answer.items() if value is not None} == {
        "author": "Ann",
        "message_id": "quora:4c2bf41f9d72aaea",
        "parent_id": question["message_id"],
        "message_tree_id": question["message_id"],
        "created_date": datetime(2019, 5, 1, tzinfo=UTC),
        "text": "Write programs.",
        "role": "assistant",
        "source": "quora",
        "url": URL,
        "license": "Quora content: no licence stated",
        "score": 1200,
        "deleted": False,
        "derived": False,
        "row": 0,
    }
    assert {name: value for name, value in question.items() if value is not None} == {
        "message_id": "quora:c55b45759e8fb1db",
        "message_tree_id": "quora:c55b45759e8fb1db",
        "text": "How do I learn Java?",
        "role": "prompter",
        "source": "quora",
        "url": URL,
        "license": "Quora content: no licence stated",
        "deleted": False,
        "derived": True,
        "row": 0,
    }


@pytest.mark.parametrize("answer", [None, "", "  ", "\u0000"])
def test_a_question_without_an_answer_is_a_root(tmp_path: Path, answer: str | None) -> None:
    (row,) = rows(write(tmp_path, "a.jsonl", [{**ROW, "answer": answer}]))
    assert [row[name] for name in ("role", "derived", "score", "author")] == ["prompter", False, 1200, "Ann"]


def test_a_list_of_answers_is_derived_from_its_question(tmp_path: Path) -> None:
    answers = ["one", {"text": "two", "upvotes": 3, "author": "Bob"}, "", {"answer": "three"}, None]
    made = rows(write(tmp_path, "a.jsonl", [{"question": "Q?", "answers": answers}]))
    assert [(row["text"], row["role"], row["derived"], row["score"], row["author"]) for row in made] == [
        ("Q?", "prompter", False, None, None),
        ("one", "assistant", True, None, None),
        ("two", "assistant", True, 3, "Bob"),
        ("three", "assistant", True, None, None),
    ]
    assert {row["message_tree_id"] for row in made} == {made[0]["message_id"]}


@pytest.mark.parametrize(
    "url",
    [
        "HTTPS://WWW.quora.com/How-do-I-learn-Java/",
        "https://www.quora.com/unanswered/How-do-I-learn-Java",
        "https://www.quora.com/How-do-I-learn-Java/answer/Ann-Lee-3",
        "https://www.quora.com/How-do-I-learn-Java?share=1#x",
        "http://www.quora.com/How-do-I-learn-Java",
        "www.quora.com/How-do-I-learn-Java",
    ],
)
def test_spellings_of_an_address_are_one_question(tmp_path: Path, url: str) -> None:
    made = rows(write(tmp_path, "a.jsonl", [ROW, {**ROW, "url": url, "question": "how?"}]))
    assert len({row["message_tree_id"] for row in made}) == 1


def test_without_an_address_the_text_tells_questions_apart(tmp_path: Path) -> None:
    made = rows(write(tmp_path, "a.csv", "q\nHow  DO I?\n how do i?\nHow do we?\n\uff28ow do i?\n"))
    ids = [row["message_id"] for row in made]
    assert ids[0] == ids[1] == ids[3] != ids[2]


def test_columns_are_found_by_their_usual_names(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", "Question Title\tANSWER_TEXT\tnum_upvotes\tAnswer Author\tTimestamp\nQ?\tA.\t1,234\tBob\t1556668800\n")
    answer = rows(path)[0]
    assert [answer[name] for name in ("text", "score", "author", "created_date")] == ["A.", 1234, "Bob", datetime(2019, 5, 1, tzinfo=UTC)]


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "id;ask;say\n1;Q?;A.\n")
    assert texts(path, columns={"question": "ask", "answer": "say"}) == [(0, "assistant", "A."), (0, "prompter", "Q?")]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "no column holds questions; the file has id, ask: .*--quora-columns"),
        ({"question": "asked"}, "no column 'asked' for the role question; the file has id, ask: .*--quora-columns"),
        ({"text": "ask"}, "role 'text' is not known; expected one of question, answer, url, author, score, created"),
    ],
)
def test_columns_that_are_not_there_are_an_error_that_lists_them(tmp_path: Path, columns: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rows(write(tmp_path, "a.csv", "id,ask\n1,Q?\n"), columns=columns)


@pytest.mark.parametrize(
    ("score", "votes"), [(12, 12), ("3M", 3_000_000), ("-4", -4), ("many", None), ("", None), ("9" * 400, None), (True, None)]
)
def test_votes_are_numbers_however_written(tmp_path: Path, score: object, votes: int | None) -> None:
    assert rows(write(tmp_path, "a.jsonl", [{**ROW, "upvotes": score}]))[0]["score"] == votes


@pytest.mark.parametrize("date", ["last week", "2019-13-01", "", None, "1", 10**300])
def test_a_time_that_is_none_is_null(tmp_path: Path, date: object) -> None:
    assert rows(write(tmp_path, "a.jsonl", [{**ROW, "date": date}]))[0]["created_date"] is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{broken", "not JSON"),
        ("[1, 2]", "a list, expected an object"),
        ("null", "a NoneType, expected an object"),
        ('{"question": ""}', "the question is empty"),
        ('{"question": ["a"]}', "the question is a list"),
        ('{"question": "Q", "answer": {"a": 1}}', "the answer is a dict"),
        ('{"question": "Q", "answers": [5]}', "answers[0] is a int"),
        ('{"question": "Q", "answers": [{"text": ["x"]}]}', "answers[0] has a list for its text"),
        ('{"a": ' + "[" * 100_000, "not JSON"),
    ],
)
def test_a_json_line_that_is_no_record_is_malformed(tmp_path: Path, line: str, why: str) -> None:
    path = write(tmp_path, "a.jsonl", '{"question": "First?"}\n\n' + line + '\n{"question": "Last?"}')
    first, bad, last = rows(path)
    assert (first["text"], last["text"], last["row"]) == ("First?", "Last?", 2)
    assert (bad["row"], bad["reason"], bad["message_id"]) == (1, "malformed", None)
    assert str(bad["detail"]).startswith("record 2: ") and why in str(bad["detail"])


def test_surrogates_and_nul_in_json_do_not_cost_the_row(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", r'{"question": "a\ud83d b\u0000 \ud83d\ude00 \u2028"}')
    assert texts(path) == [(0, "prompter", "a\ufffd b \U0001f600")]


def test_a_broken_byte_in_utf8_is_one_malformed_row(tmp_path: Path) -> None:
    lines = [json.dumps({"question": f"Où {n}?"}, ensure_ascii=False).encode() for n in range(3)]
    lines[1] = lines[1].replace(b"1", b"\xff")
    assert texts(write(tmp_path, "a.jsonl", b"\n".join(lines))) == [
        (0, "prompter", "Où 0?"),
        (1, "malformed", None),
        (2, "prompter", "Où 2?"),
    ]


def test_csv_cells_hold_line_breaks_and_bad_rows_cost_no_other(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", 'Question,Answer\r\nA?,"one\ntwo"\r\nB?\r\nC?,x,y\r\n\r\nD?,n\0l\r\nE?,"ok"\r\n')
    assert texts(path) == [
        (0, "assistant", "one\ntwo"),
        (0, "prompter", "A?"),
        (1, "malformed", None),
        (2, "malformed", None),
        (3, "malformed", None),
        (4, "assistant", "ok"),
        (4, "prompter", "E?"),
    ]
    assert [row["detail"] for row in rows(path)][2:5] == [
        "record 2: 1 cells, expected 2: B?",
        "record 3: 3 cells, expected 2: C?,x,y",
        "record 4: a NUL character: D?,n\\x00l",
    ]


def test_an_unclosed_quote_costs_its_own_line_only(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", 'question,answer\nA?,"open\nB?,b\nC?,"c"\nD?,"open too\nE?,e\n')
    assert [row for row in texts(path) if row[1] != "prompter"] == [
        (0, "malformed", None),
        (1, "assistant", "b"),
        (2, "assistant", "c"),
        (3, "malformed", None),
        (4, "assistant", "e"),
    ]


@pytest.mark.parametrize(
    ("encoding", "text", "named"),
    [
        ("utf-8", "Où est-il ? “Là”", None),
        ("utf-8-sig", "plain", None),
        ("utf-16", "Où est-il ?", "utf-16"),
        ("mac_roman", "Why don’t they say “résumé” – ever?", "mac_roman"),
        ("cp1252", "Why don’t they say “résumé” – ever?", "cp1252"),
        ("mac_roman", "¿Cómo dí el año a los niños?", "mac_roman"),
        ("cp1252", "¿Cómo dí el año a los niños?", "cp1252"),
        ("cp1252", "Wie heißt die größte Straße in Köln, Äpfel?", "cp1252"),
        ("cp1251", "Как научиться программировать на Java быстро?", "cp1251"),
        ("shift_jis", "プログラミングをどのように勉強すればよいですか。", "cp932"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_an_encoding_other_than_utf_8_is_found_and_noted(tmp_path: Path, encoding: str, text: str, named: str | None, name: str) -> None:
    data = f'question\n"{text}"\n' if name == "a.csv" else json.dumps({"question": text}, ensure_ascii=False)
    notes: list[tuple[str, str]] = []
    made = rows(write(tmp_path, name, data.encode(encoding)), note=lambda *note: notes.append(note))
    assert [row["text"] for row in made] == [text] and notes == ([("encoding", named)] if named else [])


def test_cr_alone_ends_lines_too(tmp_path: Path) -> None:
    assert texts(write(tmp_path, "a.csv", b"question\rA?\rB?\r")) == [(0, "prompter", "A?"), (1, "prompter", "B?")]


def test_packed_and_parquet_give_the_same_rows(tmp_path: Path) -> None:
    plain = write(tmp_path, "a.jsonl", [ROW, {**ROW, "answer": None}])
    made = rows(plain)
    assert made == rows(write(tmp_path, "a.jsonl.gz", gzip.compress(plain.read_bytes())))
    assert made == rows(write(tmp_path, "a.jsonl.bz2", bz2.compress(plain.read_bytes())))
    times = pa.array([datetime(2019, 5, 1)] * 2, pa.timestamp("ns"))
    table = pa.Table.from_pylist([ROW, {**ROW, "answer": None}]).drop_columns("date").append_column("date", times)
    pq.write_table(table, tmp_path / "a.parquet")
    assert made == rows(tmp_path / "a.parquet")


@pytest.mark.parametrize("keep", [20, 60])
def test_a_truncated_file_is_an_error(tmp_path: Path, keep: int) -> None:
    packed = write(tmp_path, "a.jsonl.gz", gzip.compress(json.dumps(ROW).encode())[:-keep])
    with pytest.raises(ValueError, match=r"a\.jsonl\.gz: the file ends inside a compressed frame"):
        rows(packed)
    pq.write_table(pa.Table.from_pylist([ROW]), tmp_path / "a.parquet")
    cut = write(tmp_path, "a.parquet", (tmp_path / "a.parquet").read_bytes()[:-keep])
    with pytest.raises(ValueError, match=r"a\.parquet: it does not decode as Parquet"):
        rows(cut)


def test_many_rows_come_in_small_batches(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", [{"question": f"Q{n}?", "answers": ["x"] * 7} for n in range(3000)])
    assert [len(batch) for batch in read(path, Reading())] == [10_000, 10_000, 4_000]


def test_only_the_first_stripe_reads(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", [ROW])
    assert rows(path, stripe=1, stripes=2) == [] and len(rows(path, stripe=0, stripes=2)) == 2
    assert not SOURCE.striped


def test_a_folder_is_searched_for_tables(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    found = [write(tmp_path, name, b"q\nx\n") for name in ("a.csv", "b.jsonl.ZST", "sub/c.parquet")]
    write(tmp_path, "readme.md", b"x")
    assert inputs(tmp_path) == found and inputs(found[0]) == [found[0]]
    assert parts(found[0]) == [found[0]] and label(found[2]) == "c.parquet"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x89PNG\r\n\x1a\n0000", "this is a PNG image file"),
        (b"PK\x03\x040000", "this is a zip file"),
        (b"\x00\x01\x02binary\xff\n", "binary data"),
        (b"", "an empty file"),
        (b'[{"question": "Q"}]', "a JSON array; expected one object a line"),
        (b"PAR1 and nothing", "it does not decode as Parquet"),
        (b'{"prompt": "x"}\n', "no column holds questions; the file has prompt"),
    ],
)
def test_another_file_is_refused_in_one_line(tmp_path: Path, data: bytes, message: str) -> None:
    path = write(tmp_path, "a.csv", data)
    with pytest.raises(ValueError, match=message) as raised:
        [list(read(one, Reading())) for one in inputs(path)]
    assert "\n" not in str(raised.value)


def test_a_folder_without_tables_and_a_path_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no table under this folder"):
        inputs(tmp_path)
    with pytest.raises(ValueError, match="does not exist"):
        inputs(tmp_path / "none.csv")


def test_nul_in_the_first_line_condemns_that_line_only(tmp_path: Path) -> None:
    """A line that begins as an object is a record, however broken; the file is no binary for that."""
    path = write(tmp_path, "a.jsonl", b'{"question": "a\x00b?"}\n{"question": "c?"}\n')
    assert texts(path) == [(0, "malformed", None), (1, "prompter", "c?")]
