"""`gather evaluate`: the gate that no change may make the filters worse, and the page."""

import json
from pathlib import Path

import pytest

from pipelines import cli
from pipelines.evaluate import FIGURES, evaluate, reached, recorded, table, worse
from pipelines.figures import Figure
from pipelines.files import read_json
from pipelines.quality_page import page

DATA = Path(__file__).parents[1] / "data"
SOME = [
    Figure("filters.a.fill_a", "set", 10, "AUC", 0.9, 0.8, "of ten"),
    Figure("filters.a.fill_a", "set", 10, "false positives at .5", 0.25, 0.2),
    Figure("filters.a.fill_a", "other", 1_234, "posts rejected", 7.0, None),
]


def test_no_filter_is_worse_than_recorded() -> None:
    found = evaluate(DATA)
    assert {figure.filter.rpartition(".")[2].partition(",")[0] for figure in found} >= {
        "fill_language", "quality", "fill_toxicity", "fill_personal"
    }  # fmt: skip
    assert worse(found, read_json(DATA / "figures.json")) == []
    assert [figure for figure in found if reached(figure) is False] == []


def test_what_falls_what_rises_and_what_is_gone() -> None:
    before = recorded(SOME)
    assert before == {"fill_a | set | AUC": 0.9, "fill_a | set | false positives at .5": 0.25}
    assert worse(SOME, before) == []
    better = [SOME[0]._replace(value=0.95), SOME[1]._replace(value=0.2)]
    assert worse(better, before) == []
    fallen = [SOME[0]._replace(value=0.89), SOME[1]._replace(value=0.3)]
    assert worse(fallen, before) == [
        "fill_a | set | AUC: was 0.9000, now 0.8900",
        "fill_a | set | false positives at .5: was 0.2500, now 0.3000",
    ]
    assert worse(SOME[1:], before) == ["fill_a | set | AUC: was 0.9000, is not measured any more"]


def test_a_goal_is_a_least_or_a_most_by_what_is_measured() -> None:
    assert [reached(figure) for figure in SOME] == [True, False, None]


def test_the_table_names_a_filter_once_and_marks_what_is_missed() -> None:
    assert table(SOME).splitlines()[2:] == [
        "| `fill_a` | set | 10 | AUC | 0.900 | 0.800 | of ten |",
        "|  |  | 10 | false positives at .5 | 0.250 | 0.200 **missed** |  |",
        "| `fill_a` | other | 1,234 | posts rejected | 7 |  |  |",
    ]
    assert table(SOME) in page(SOME)


def test_what_cannot_be_measured_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such folder; give the labelled sets with --data DIR"):
        evaluate(tmp_path / "none")
    with pytest.raises(ValueError, match="with: got 'taste'; expected some of language, quality, toxicity, pii"):
        evaluate(tmp_path, ["taste"])
    assert [name for name in FIGURES if not evaluate(tmp_path, [name])] == ["language", "pii"]


def test_the_command_writes_a_page_and_fails_where_a_figure_fell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate", "--data", str(DATA), "--with", "language", "-o", str(tmp_path / "quality.md")]
    with pytest.raises(SystemExit) as ended:
        cli.main([*command, "--record", str(tmp_path / "figures.json"), "--json"])
    assert ended.value.code == 0
    said = json.loads(capsys.readouterr().out)
    assert said[0]["filter"] == "fill_language" and 0.9 < said[0]["value"] <= 1
    assert "| `fill_language` |" in (tmp_path / "quality.md").read_text()
    kept = read_json(tmp_path / "figures.json")
    (tmp_path / "figures.json").write_text(json.dumps(dict.fromkeys(kept, 1.5)))
    with pytest.raises(SystemExit) as ended:
        cli.main([*command, "--recorded", str(tmp_path / "figures.json")])
    assert ended.value.code == 1
    assert "worse: fill_language | langid/lingua/sentences, 30 languages | accuracy: was 1.5000, now 1.0000" in capsys.readouterr().err
