"""What an admin sets for a mailbox."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, EmailStr, Field, StringConstraints, model_validator

from core.models import Channel

Security = Literal["tls", "starttls", "none"]
Port = Annotated[int, Field(ge=1, le=65535)]
Host = Annotated[str, StringConstraints(max_length=253, strip_whitespace=True)]
LOGO_BYTES = 100_000


class MailSettings(BaseModel):
    model_config = ConfigDict(extra="ignore")

    address: EmailStr = Field(description="Where customers write, and what answers come from.")
    sender_name: Annotated[str, StringConstraints(max_length=100, strip_whitespace=True)] = Field(
        "", description="Shown after the assistant's or agent's name: Sam (Acme)."
    )
    receive: Literal["imap", "webhook", "listener"] = Field(
        "imap", description="Fetch from a mailbox, be called by a provider, or take mail from your own mail server."
    )
    imap_host: Host = ""
    imap_port: Port = 993
    imap_security: Security = "tls"
    folder: Annotated[str, StringConstraints(max_length=200)] = "INBOX"
    backlog_days: Annotated[int, Field(ge=0, le=3650)] = Field(
        1, description="Unread mail of so many days before you connected the mailbox is answered too."
    )
    username: Annotated[str, StringConstraints(max_length=320)] = Field("", description="The address if left empty.")
    oauth: Literal["", "google", "microsoft"] = Field(
        "", description="Who renews the access token, where a refresh token is given instead of a password."
    )
    oauth_client_id: Annotated[str, StringConstraints(max_length=300, strip_whitespace=True)] = Field(
        "", description="Of the app that you registered with them."
    )
    send: Literal["smtp", "postmark", "sendgrid"] = "smtp"
    smtp_host: Host = ""
    smtp_port: Port = 587
    smtp_security: Security = "starttls"
    plus_addresses: bool = Field(
        False, description="Answers come back to you+something@: surest, if a test mail to you+test@ arrives."
    )
    signature: Annotated[str, StringConstraints(max_length=2000)] = Field("", description="Markdown, under each mail.")
    header_color: Annotated[str, StringConstraints(pattern=r"^(#[0-9a-fA-F]{6})?$")] = Field(
        "", description="With a colour or a logo mails have a header; without, they look like a person's."
    )
    logo: Annotated[str, StringConstraints(max_length=LOGO_BYTES * 4 // 3 + 4, pattern=r"^[A-Za-z0-9+/=\s]*$")] = Field(
        "", description="A PNG or JPEG of at most 100 kB, in base64."
    )

    @model_validator(mode="after")
    def _complete(self) -> MailSettings:
        if self.receive == "imap" and not self.imap_host:
            raise ValueError("imap_host is missing: the name of the server to fetch from")
        if self.send == "smtp" and not self.smtp_host:
            raise ValueError("smtp_host is missing: the name of the server to send through")
        if self.oauth and not self.oauth_client_id:
            raise ValueError("oauth_client_id is missing: the id of the app that you registered")
        return self

    @property
    def login(self) -> str:
        return self.username or self.address

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2].lower()


class MailSecrets(BaseModel):
    password: str = Field("", description="Of the mailbox, or an app password; used for sending too.")
    oauth_token: str = Field("", description="Instead of a password, where the provider wants one (XOAUTH2).")
    oauth_refresh_token: str = Field("", description="Gets a new token whenever one ends; see `oauth`.")
    oauth_client_secret: str = Field("", description="Of the app that you registered.")
    smtp_password: str = Field("", description="If another one is used for sending; `none` sends without signing in.")
    api_token: str = Field("", description="The Postmark server token, or the SendGrid API key.")
    webhook_password: str = Field("", description="What the provider's calls carry; without it they are refused.")


def settings_of(channel: Channel) -> MailSettings:
    return MailSettings.model_validate(channel.settings)
