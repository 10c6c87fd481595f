"""The figures of the filter for personal data: counted by hand on three sentences."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from pipelines.evaluate_personal import Counts, count, figures, of_counts
from pipelines.figures import Figure
from tests.data.make_personal_set import TARGET, rows


def test_a_span_is_found_if_it_is_covered_and_right_if_it_touches_one() -> None:
    labels = [[(5, 10, "EMAIL"), (20, 30, "PHONE")], [(0, 4, "EMAIL")], []]
    spans = [[(5, 11, "EMAIL"), (22, 30, "PHONE")], [(0, 4, "IP")], [(1, 2, "EMAIL")]]
    counts = count(labels, spans)
    assert counts == Counts(
        {"EMAIL": 2, "PHONE": 1}, {"EMAIL": 1, "PHONE": 0}, {"EMAIL": 2, "PHONE": 1, "IP": 1}, {"EMAIL": 1, "PHONE": 1, "IP": 0}
    )
    assert of_counts(counts, "set", 3, {"EMAIL", "SSN"}) == [
        Figure("fill_personal", "set", 3, "recall of EMAIL", 0.5, 0.98, "1 of 2"),
        Figure("fill_personal", "set", 3, "precision of EMAIL", 0.5, 0.95, "1 of 2"),
    ]


def test_figures_of_presidio_researchs_sentences(tmp_path: Path) -> None:
    assert figures(tmp_path) == []
    mail = {"entity_type": "EMAIL_ADDRESS", "entity_value": "bob@mail.net", "start_position": 6, "end_position": 18}
    name = {"entity_type": "PERSON", "entity_value": "Bob", "start_position": 0, "end_position": 3}
    rows = [
        {"full_text": "Bob is bob@mail.net", "spans": [{**mail, "start_position": 7, "end_position": 19}, name]},
        {"full_text": "x@mail.net", "spans": []},
    ]
    (tmp_path / "pii").mkdir()
    (tmp_path / "pii" / "synth_dataset_v2.json").write_text(json.dumps(rows))
    found = {figure.measure: (figure.value, figure.note) for figure in figures(tmp_path)}
    assert found == {"recall of EMAIL": (pytest.approx(1.0), "1 of 1"), "precision of EMAIL": (pytest.approx(0.5), "1 of 2")}


def test_the_posts_of_our_own_are_those_that_are_made() -> None:
    kept = [json.loads(line) for line in gzip.decompress(TARGET.read_bytes()).splitlines()]
    assert kept == json.loads(json.dumps(list(rows())))
    assert Counter(row["set"] for row in kept) == {"first half": 500, "held-out half": 500, "written later": 1000}
