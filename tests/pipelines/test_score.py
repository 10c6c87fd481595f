"""`gather score`: rows and columns stay, scores are the recipe's, cuts and workers change nothing, and what is wrong is said."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import cli
from pipelines.score import PARTS, score
from sources.tables import blocks

TEXTS = [
    "How do I keep bread from going stale? Mail me at bob.smith@kitchenmail.net please.",
    None,
    "Ich habe gestern ein Brot gebacken, und es ist leider nicht aufgegangen.",
    "You are a fucking idiot, shut up.",
    "",
    "Wrap it in a linen cloth, and ask bob.smith@kitchenmail.net for the rest.",
]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Rows with a number that must not be rounded, an object, and a column that only some have."""
    rows = [{"id": 2**53 + n, "body": text, "about": {"who": "user" if n == 0 else "bot"}} for n, text in enumerate(TEXTS)]
    rows[3]["tags"] = ["x", "y"]
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def scored(table: Path, key_file: Path, **options: Any) -> list[dict[str, Any]]:
    out = table.with_name("scored.parquet")
    score(table, out, text_column="body", key_file=key_file, **options)
    return pq.read_table(out).to_pylist()


def test_rows_and_columns_stay_and_scores_come_beside_them(table: Path, key_file: Path) -> None:
    rows = scored(table, key_file)
    assert list(rows[0]) == ["id", "body", "about", "tags", "lang", "lang_score", "quality", "detoxify", "pii", "scrubbed"]
    assert [row["id"] for row in rows] == [2**53 + n for n in range(len(TEXTS))]
    assert [row["body"] for row in rows] == TEXTS
    assert rows[3]["tags"] == ["x", "y"] and rows[0]["about"] == {"who": "user"}
    assert [row["lang"] for row in rows] == ["en", None, "de", "en", None, "en"]
    assert [row["detoxify"] and row["detoxify"]["toxicity"] > 0.5 for row in rows] == [False, None, False, True, False, False]
    assert {name: rows[1][name] for part in PARTS.values() for name in part.columns.names} == dict.fromkeys(list(rows[0])[4:])
    assert not list(table.parent.glob(".*"))


def test_personal_data_is_told_by_place_and_type_and_reads_the_same_throughout(table: Path, key_file: Path) -> None:
    first, *_, last = scored(table, key_file, parts=["pii"])
    [span] = first["pii"]
    assert (TEXTS[0] or "")[span["start"] : span["end"]] == "bob.smith@kitchenmail.net"
    assert set(span) == {"start", "end", "type", "score"} and span["type"] == "EMAIL"
    code = first["scrubbed"].partition("<")[2].partition(">")[0]
    assert first["scrubbed"] == f"How do I keep bread from going stale? Mail me at <{code}> please."
    assert last["scrubbed"] == f"Wrap it in a linen cloth, and ask <{code}> for the rest."
    assert code.startswith("EMAIL_")


def test_a_prompter_may_say_less(table: Path, key_file: Path) -> None:
    [alike] = {row["quality"] for row in scored(table, key_file, parts=["quality"])[:1]}
    by_column = scored(table, key_file, parts=["quality"], role_column="about.who")
    everywhere = scored(table, key_file, parts=["quality"], role="prompter")
    assert by_column[0]["quality"] == everywhere[0]["quality"] > alike
    assert by_column[3]["quality"] < everywhere[3]["quality"]


def test_cuts_and_workers_change_nothing(table: Path, key_file: Path) -> None:
    whole = scored(table, key_file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.blocks.blocks", partial(blocks, block_bytes=1))
        assert scored(table, key_file) == whole
    assert scored(table, key_file, workers=2) == whole


def test_csv_and_parquet_are_tables_too(table: Path, key_file: Path) -> None:
    csv, parquet = table.with_name("mine.csv"), table.with_name("mine.parquet")
    csv.write_text('body,n\n"Wie spät ist es, und wo fährt der Zug ab?",007\n')
    pq.write_table(pa.table({"body": ["What time is it, and where does the train leave?"], "n": pa.array([1], pa.uint8())}), parquet)
    assert scored(csv, key_file, parts=["language"])[0]["n"] == "007"
    assert scored(parquet, key_file, parts=["language"])[0]["lang"] == "en"
    assert pq.read_schema(table.with_name("scored.parquet")).field("n").type == pa.uint8()


def test_a_recipe_of_ones_own_scores(table: Path, key_file: Path) -> None:
    recipe = table.with_name("mine.py")
    recipe.write_text(
        "from dataclasses import replace\nfrom functools import partial\nfrom filters.language import fill_language\n"
        "from pipelines.recipe import RECIPE\n"
        "one = next(each for each in RECIPE.messages if each.func is fill_language)\n"
        "RECIPE = replace(RECIPE, messages=[partial(one, min_words=99)])\n"
    )
    assert {row["lang"] for row in scored(table, key_file, parts=["language"], recipe_file=recipe)} == {None}
    with pytest.raises(ValueError, match="the recipe has no fill_toxicity, which --with toxicity needs"):
        scored(table, key_file, parts=["language", "toxicity"], recipe_file=recipe)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"parts": ["langauge"]}, "with: got 'langauge'; expected some of language, quality, toxicity, pii"),
        ({"parts": []}, "with: nothing to score"),
        ({"role": "user"}, "role: got 'user'; expected prompter or assistant"),
        ({"workers": 0}, "workers: got 0; expected 1 or more"),
        ({"role_column": "who"}, "no column 'who'; the columns are id, body, about.who, tags"),
    ],
)
def test_what_is_wrong_is_said_and_leaves_nothing(table: Path, key_file: Path, options: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        scored(table, key_file, **options)
    assert [path.name for path in table.parent.iterdir()] == ["mine.jsonl"]


def test_a_column_of_the_tables_own_is_never_replaced(table: Path, key_file: Path) -> None:
    scored(table, key_file, parts=["language"])
    again = table.with_name("scored.parquet").rename(table.with_name("again.parquet"))
    with pytest.raises(ValueError, match=r"again\.parquet: has a column 'lang' already"):
        score(again, table.with_name("twice.parquet"), text_column="body", parts=["language"])
    assert "quality" in score(again, table.with_name("twice.parquet"), text_column="body", parts=["quality"])["columns"]


def test_the_command_says_what_it_has_done(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = table.with_name("scored.parquet")
    with pytest.raises(SystemExit) as ended:
        cli.main(["score", str(table), "--text-column", "body", "--with", "language,quality", "-o", str(out)])
    said = capsys.readouterr()
    assert ended.value.code == 0
    assert said.out.startswith(f"6 rows in {out}, with lang, lang_score, quality. ")
    with pytest.raises(SystemExit) as ended:
        cli.main(["score", str(table), "-o", str(out)])
    assert ended.value.code == 1
    assert "no column 'text'; the columns are id, body, about.who, tags" in capsys.readouterr().err
