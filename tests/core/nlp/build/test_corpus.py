from pathlib import Path

import numpy as np
import pytest

from core.nlp.build.corpus import read_comments, support_lines
from core.nlp.build.lines import grow


def test_missing_data_says_what_to_put_there(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"Put GoEmotions there \(Google Research, Apache-2\.0"):
        read_comments(tmp_path, "train")


def test_comments_share_their_label_among_emotions(tmp_path: Path) -> None:
    (tmp_path / "goemotions").mkdir()
    (tmp_path / "goemotions" / "train.jsonl").write_text(
        '{"text": "Ugh, thanks", "emotions": ["anger", "gratitude"]}\n'
        '{"text": "The train is blue", "emotions": ["neutral"]}\n'
        '{"text": "Hm?", "emotions": ["confusion"]}\n',
        encoding="utf-8",
    )
    corpus = read_comments(tmp_path, "train")
    assert corpus.labels.tolist() == [[0.5, 0, 0.5], [0, 1, 0], [0, 1, 0]]
    assert corpus.frustration.tolist() == [1, 0, 0]


def test_lines_are_the_same_every_time() -> None:
    assert grow(3, seed=1) == grow(3, seed=1)
    assert grow(3, seed=1) != grow(3, seed=2)


def test_lines_leave_no_slot_or_choice_unfilled() -> None:
    assert not [line.text for line in grow(4, seed=5) if "{" in line.text or "|" in line.text]


def test_lines_are_many_and_of_every_label() -> None:
    corpus = support_lines()
    assert len(set(corpus.texts)) == len(corpus.texts) > 10_000
    weighted = (corpus.labels * corpus.weight[:, None]).sum(axis=0) / corpus.weight.sum()
    assert weighted == pytest.approx(np.array([0.42, 0.32, 0.26]), abs=0.001)
