"""What is measured of the quality filters: scores and agreement by hand, and labels whose posts are found, moved or changed."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from pipelines import evaluate_quality
from pipelines.evaluate_quality import figures, kappa, labels, scores
from pipelines.labelled import digest


def test_precision_recall_and_f1() -> None:
    taken, bad = np.array([True, True, False, False]), np.array([True, False, True, True])
    assert scores(taken, bad) == (1 / 2, 1 / 3, 2 / 5)
    assert scores(np.zeros(3, bool), np.zeros(3, bool)) == (0, 0, 0)


def test_kappa_of_cohens_example() -> None:
    one = np.array([True] * 25 + [False] * 25)
    other = np.array([True] * 20 + [False] * 5 + [True] * 10 + [False] * 15)
    assert kappa(one, other) == pytest.approx(0.4)
    assert kappa(one, one) == 1.0


def test_without_labelled_posts_the_invented_ones_are_measured(tmp_path: Path) -> None:
    found = {each.measure: each for each in figures(tmp_path) if each.filter == "quality"}
    assert {each.data for each in found.values()} == {"invented posts"}
    assert found["precision"].value == 1.0
    assert found["recall"].value == pytest.approx(37 / 38)
    assert (found["good posts lost"].value, found["good posts lost"].goal) == (0.0, 0.05)


def test_posts_are_found_by_file_record_and_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = tmp_path / "non_instructions" / "youtube_comments_yt-filter.txt"
    lines.parent.mkdir()
    lines.write_text("first line\nhaha\n", encoding="utf-8")
    (tmp_path / "twitter").mkdir()
    (tmp_path / "twitter" / "a.json").write_text(json.dumps([{"id_str": "7", "text": "Tea &amp; toast"}]))
    (tmp_path / "twitter" / "b.json").write_text(json.dumps({"statuses": [{"id_str": "8", "text": "Soup"}]}))
    thread = tmp_path / "reddit" / "api" / "thread_n49rw"
    thread.mkdir(parents=True)
    inner = {"kind": "t1", "data": {"name": "t1_b", "body": "Below", "replies": ""}}
    outer = {"kind": "t1", "data": {"name": "t1_a", "body": "Above", "replies": {"data": {"children": [inner]}}}}
    (thread / "000.json").write_text(json.dumps([{"data": {"children": [outer]}}]))
    wanted = [
        ("non_instructions/youtube_comments_yt-filter.txt", "1", "assistant", "haha"),
        ("non_instructions/youtube_comments_yt-filter.txt", "0", "assistant", "another text than was labelled"),
        ("twitter", "8", "prompter", "Soup"),
        ("reddit/api/thread_n49rw", "t1_b", "assistant", "Below"),
        ("reddit/api/thread_3hahrw", "t1_x", "assistant", "not there"),
    ]
    table = tmp_path / "labels.csv"
    with table.open("w", newline="") as file:
        write = csv.writer(file)
        write.writerow(["set", "file", "record", "role", "sha256", "pass1", "pass2", "final"])
        write.writerows(["1", path, record, role, digest(text), "good", "good", "good"] for path, record, role, text in wanted)
    monkeypatch.setattr(evaluate_quality, "LABELS", table)
    assert [row["text"] for row in labels(tmp_path)] == ["haha", "Soup", "Below"]


def test_the_labels_name_no_text_and_agree_with_the_guideline() -> None:
    with evaluate_quality.LABELS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["set", "file", "record", "role", "sha256", "pass1", "pass2", "final"]
    assert [sum(row["set"] == number for row in rows) for number in "12"] == [300, 150]
    reasons = {"good", "removed", "boilerplate", "links", "repetitive", "symbols", "shouting", "thanks", "reaction", "other"}
    assert {row["final"] for row in rows} <= reasons
    assert all(row["pass1"] and (row["pass2"] or row["set"] == "2") for row in rows)
