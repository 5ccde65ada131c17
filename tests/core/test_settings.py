from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import StartupError
from core.settings import Settings, kept_secret, load_settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No `.env` and no variable of the developer's."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("DESKHAND_") or name in ("PORT", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
            monkeypatch.delenv(name)
    return tmp_path


def test_nothing_has_to_be_set() -> None:
    settings = load_settings()
    assert settings.embedded
    assert settings.url.render_as_string() == "sqlite+aiosqlite:///var/deskhand.db"
    assert (settings.host, settings.port, settings.environment) == ("127.0.0.1", 8000, "development")


BAD = [
    ("DESKHAND_PORT", "eighty"),
    ("DESKHAND_PORT", "70000"),
    ("PORT", "eighty"),
    ("DESKHAND_ENVIRONMENT", "staging"),
    ("DESKHAND_PUBLIC_URL", "desk.example"),
    ("DESKHAND_LOG_LEVEL", "loud"),
    ("DESKHAND_ENCODER_SESSIONS", "0"),
    ("DESKHAND_TURNS_AT_ONCE", "0"),
    ("DESKHAND_TURNS_AT_ONCE", "many"),
    ("DESKHAND_LLM_TIMEOUT_S", "-1"),
    ("DESKHAND_DATABASE_URL", "not a url"),
    ("DESKHAND_DATABASE_URL", "mysql://desk:hunter2@db/desk"),
    ("DESKHAND_DATABASE_URL", "postgresql+psycopg2://desk:hunter2@db/desk"),
    ("DESKHAND_DATABASE_URL", "sqlite://"),
    ("DESKHAND_DATABASE_URL", "sqlite:///:memory:"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_value_that_cannot_be_used_stops_the_start_by_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StartupError) as refused:
        load_settings().url  # noqa: B018 - the URL is read as late as it is used
    assert refused.value.detail.startswith(name)
    assert "hunter2" not in refused.value.detail


@pytest.mark.parametrize("name", ["PORT", "DESKHAND_PORT"])
def test_the_port_may_come_by_either_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "9001")
    assert load_settings().port == 9001


def test_our_own_name_of_the_port_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9001")
    monkeypatch.setenv("DESKHAND_PORT", "9002")
    assert load_settings().port == 9002


def test_an_empty_value_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """`docker run -e DESKHAND_PORT` and half-filled .env files give these."""
    for name in ("DESKHAND_PORT", "DESKHAND_DATABASE_URL", "DESKHAND_SECRET_KEY", "DESKHAND_PUBLIC_URL"):
        monkeypatch.setenv(name, "")
    settings = load_settings()
    assert (settings.port, settings.embedded, settings.secret_key, settings.public_url) == (8000, True, None, None)


def test_a_dotenv_file_is_read_and_the_environment_wins(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / ".env").write_text("DESKHAND_PORT=9003\nDESKHAND_HOST=0.0.0.0\nSOMETHING_ELSE=1\n")
    monkeypatch.setenv("DESKHAND_HOST", "::1")
    settings = load_settings()
    assert (settings.port, settings.host) == (9003, "::1")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_hosts_addresses_of_postgresql_are_understood(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESKHAND_DATABASE_URL", f"{scheme}://desk:hunter2@db/desk")
    settings = load_settings()
    assert settings.url.drivername == "postgresql+asyncpg"
    assert not settings.embedded


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESKHAND_SECRET_KEY", "hunter2")
    monkeypatch.setenv("OPENAI_API_KEY", "hunter2")
    monkeypatch.setenv("DESKHAND_DATABASE_URL", "postgresql://desk:hunter2@db/desk")
    settings = load_settings()
    assert "hunter2" not in f"{settings!r} {settings}"


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "new" / "folder")
    key = settings.key()
    assert len(key) >= 43, "fewer than 256 bits"
    assert load_settings(data_dir=tmp_path / "new" / "folder").key() == key
    assert load_settings(data_dir=tmp_path / "other").key() != key
    file = tmp_path / "new" / "folder" / "secret.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_the_key_is_private_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        kept_secret(tmp_path / "secret.key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


def test_a_key_that_is_set_is_taken_and_none_is_made(tmp_path: Path) -> None:
    assert load_settings(data_dir=tmp_path, secret_key="given").key() == "given"
    assert list(tmp_path.iterdir()) == []


def test_in_production_a_missing_key_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="DESKHAND_SECRET_KEY is not set"):
        load_settings(data_dir=tmp_path, environment="production").key()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "\n", "short"])
def test_a_key_that_was_cut_off_stops_the_start(tmp_path: Path, content: str) -> None:
    """A full disk can leave an empty file; whoever took it for the key would sign sessions with nothing."""
    (tmp_path / "secret.key").write_text(content)
    with pytest.raises(StartupError, match=r"secret\.key"):
        load_settings(data_dir=tmp_path).key()


def test_a_data_folder_that_cannot_be_written_stops_the_start_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StartupError, match="DESKHAND_DATA_DIR"):
        load_settings(data_dir=tmp_path / "file" / "below").key()


def test_processes_that_start_together_agree_on_the_key(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from core.settings import kept_secret; "
    code += "sys.stdin.read(); print(kept_secret(Path(sys.argv[1])))"
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "secret.key")],
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    keys = {process.communicate("", timeout=30)[0].strip() for process in starting}
    assert len(keys) == 1
    assert len(keys.pop()) >= 43


def test_overrides_are_for_programs_that_build_their_own(tmp_path: Path) -> None:
    assert Settings(_env_file=None, data_dir=tmp_path, port=1).port == 1  # type: ignore[call-arg]
