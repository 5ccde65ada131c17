from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import StartupError
from core.single import only_process


def test_a_second_process_is_refused_with_the_first_ones_number(tmp_path: Path) -> None:
    database = tmp_path / "new" / "deskhand.db"
    with only_process(database):
        with pytest.raises(StartupError, match=f"pid {os.getpid()}") as refused, only_process(database):
            pass
        assert "PostgreSQL" in refused.value.detail
        # Being refused must not have taken the holder's name away.
        with pytest.raises(StartupError, match=f"pid {os.getpid()}"), only_process(database):
            pass


def test_it_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with only_process(tmp_path / "deskhand.db"):
            pass


def test_two_databases_do_not_mind_each_other(tmp_path: Path) -> None:
    with only_process(tmp_path / "one.db"), only_process(tmp_path / "two.db"):
        pass
