"""Every setting, once: typed, with a default that works on a laptop. Read from DESKHAND_* and `.env`."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, HttpUrl, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from core.errors import StartupError


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="DESKHAND_", env_file=".env", extra="ignore", populate_by_name=True, env_ignore_empty=True
    )

    environment: Literal["development", "production"] = "development"
    data_dir: Path = Path("var")
    database_url: str = Field("", repr=False)
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535, validation_alias=AliasChoices("DESKHAND_PORT", "PORT"))
    public_url: HttpUrl | None = None
    secret_key: SecretStr | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    sentry_dsn: SecretStr | None = None
    metrics_token: SecretStr | None = None
    trusted_proxies: str = "127.0.0.1"

    encoder_sessions: int = Field(2, ge=1, le=64)
    turns_at_once: int = Field(16, ge=1, le=256)

    smtp_url: SecretStr | None = None
    """smtp://user:password@host:587 or smtps://…:465: for the installation's own mail, codes and alerts."""
    mail_from: str = "Deskhand <deskhand@localhost>"

    telegram_api_url: HttpUrl = Field(
        HttpUrl("https://api.telegram.org"),
        validation_alias=AliasChoices("DESKHAND_TELEGRAM_API_URL", "TELEGRAM_API_URL"),
    )

    postmark_api_url: HttpUrl = Field(
        HttpUrl("https://api.postmarkapp.com"),
        validation_alias=AliasChoices("DESKHAND_POSTMARK_API_URL", "POSTMARK_API_URL"),
    )
    sendgrid_api_url: HttpUrl = Field(
        HttpUrl("https://api.sendgrid.com"),
        validation_alias=AliasChoices("DESKHAND_SENDGRID_API_URL", "SENDGRID_API_URL"),
    )
    google_token_url: HttpUrl = Field(
        HttpUrl("https://oauth2.googleapis.com/token"),
        validation_alias=AliasChoices("DESKHAND_GOOGLE_TOKEN_URL", "GOOGLE_TOKEN_URL"),
    )
    microsoft_token_url: HttpUrl = Field(
        HttpUrl("https://login.microsoftonline.com/common/oauth2/v2.0/token"),
        validation_alias=AliasChoices("DESKHAND_MICROSOFT_TOKEN_URL", "MICROSOFT_TOKEN_URL"),
    )
    mail_port: int | None = Field(None, ge=0, le=65535)
    """Where your own mail server hands mail over; None takes none."""
    mail_host: str = "127.0.0.1"
    mail_protocol: Literal["smtp", "lmtp"] = "smtp"

    llm_model: str | None = None
    openai_api_key: SecretStr | None = Field(
        None, validation_alias=AliasChoices("DESKHAND_OPENAI_API_KEY", "OPENAI_API_KEY")
    )
    openai_base_url: str | None = Field(
        None, validation_alias=AliasChoices("DESKHAND_OPENAI_BASE_URL", "OPENAI_BASE_URL")
    )
    slack_api_url: str = Field(
        "https://slack.com/api/", validation_alias=AliasChoices("DESKHAND_SLACK_API_URL", "SLACK_API_URL")
    )
    slack_client_id: str = ""
    slack_client_secret: SecretStr = SecretStr("")
    slack_signing_secret: SecretStr = SecretStr("")
    slack_bot_token: SecretStr = SecretStr("")
    slack_app_token: SecretStr = SecretStr("")

    llm_timeout_s: float = Field(20.0, gt=0, le=300)

    @property
    def url(self) -> URL:
        """The database's URL; SQLite under the data folder when none is set."""
        if not self.database_url:
            return make_url(f"sqlite+aiosqlite:///{self.data_dir / 'deskhand.db'}")
        try:
            url = make_url(self.database_url)
        except ArgumentError:
            raise StartupError(
                "DESKHAND_DATABASE_URL is not a database URL. Try "
                "postgresql+asyncpg://user:password@host/name, or leave it empty."
            ) from None
        if url.drivername in ("postgres", "postgresql"):
            url = url.set(drivername="postgresql+asyncpg")
        if url.drivername == "sqlite":
            url = url.set(drivername="sqlite+aiosqlite")
        if url.drivername not in ("postgresql+asyncpg", "sqlite+aiosqlite"):
            raise StartupError(
                f"DESKHAND_DATABASE_URL names the driver {url.drivername!r}. "
                "Deskhand runs on postgresql+asyncpg and sqlite+aiosqlite."
            )
        if url.drivername == "sqlite+aiosqlite" and url.database in (None, "", ":memory:"):
            raise StartupError(
                "DESKHAND_DATABASE_URL names no file, and a database in memory loses everything. "
                "Try sqlite+aiosqlite:///var/deskhand.db."
            )
        return url

    @property
    def address(self) -> str:
        """Where people reach this installation, without a slash at the end."""
        return str(self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def embedded(self) -> bool:
        return self.url.drivername == "sqlite+aiosqlite"

    def key(self) -> str:
        """The secret that signs sessions and encrypts channel secrets.

        In development it is made once and kept, readable by the owner only, under the data folder. In
        production it has to be set, since a key on a container's disk is lost with the container.
        """
        if self.secret_key and self.secret_key.get_secret_value():
            return self.secret_key.get_secret_value()
        if self.environment == "production":
            raise StartupError(
                "DESKHAND_SECRET_KEY is not set. Make one with `openssl rand -base64 48` and "
                "keep it: without it, stored channel secrets cannot be read."
            )
        return kept_secret(self.data_dir / "secret.key")


def kept_secret(path: Path, length: int = 48) -> str:
    """The random secret of `length` bytes in `path`, made there, for the owner's eyes only, if absent.

    Raises `StartupError` when it can be neither read nor made.
    """
    try:
        if not path.exists():
            _keep(path, secrets.token_urlsafe(length))
        secret = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartupError(f"{path} cannot be kept: {error}. Set DESKHAND_DATA_DIR to a folder of your own.") from error
    if len(secret) < length:
        raise StartupError(
            f"{path} is cut off. Restore it from a backup; delete it only if nothing was sealed with it."
        )
    return secret


def _keep(path: Path, secret: str) -> None:
    """Whole or not at all; of two processes starting together, the first one's secret stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # readable by the owner only
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()


def load_settings(**overrides: object) -> Settings:
    """Reads the settings. Raises `StartupError` that names the variable and what is wrong with it."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        name = name if name.isupper() else f"DESKHAND_{name.upper()}"
        other = name.removeprefix("DESKHAND_")
        if name not in os.environ and other in os.environ:
            name = other
        raise StartupError(f"{name} cannot be used: {first['msg']}.") from None
