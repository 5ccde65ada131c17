"""What an admin sets for a mailbox."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, EmailStr, Field, StringConstraints, model_validator

from core.forms import shown
from core.models import Channel

Security = Literal["tls", "starttls", "none"]
Port = Annotated[int, Field(ge=1, le=65535)]
Host = Annotated[str, StringConstraints(max_length=253, strip_whitespace=True)]
LOGO_BYTES = 100_000
IMAP, SMTP = {"receive": "imap"}, {"send": "smtp"}
RECEIVING, SIGNING_IN, SENDING, LOOKS = "Incoming mail", "Signing in", "Outgoing mail", "How your mails look"
ENCRYPTION = {"tls": "TLS from the start", "starttls": "STARTTLS", "none": "None (same machine only)"}
WAYS_IN = {"imap": "Fetch from a mailbox (IMAP)", "webhook": "A provider calls us (webhook)",
           "listener": "Our own mail server brings it"}  # fmt: skip
RENEWED = [{"oauth": "google"}, {"oauth": "microsoft"}]
RENEWED_BY = {"": "No", "google": "Google", "microsoft": "Microsoft"}
WAYS_OUT = {"smtp": "The mailbox's server (SMTP)", "postmark": "Postmark", "sendgrid": "SendGrid"}


class MailSettings(BaseModel):
    model_config = ConfigDict(extra="ignore")

    address: EmailStr = Field(
        description="Where customers write, and what answers come from.", json_schema_extra=shown(suggests=True)
    )
    sender_name: Annotated[str, StringConstraints(max_length=100, strip_whitespace=True)] = Field(
        "", description="Shown after the assistant's or agent's name: Sam (Acme)."
    )
    receive: Literal["imap", "webhook", "listener"] = Field(
        "imap",
        title="How mail reaches us",
        description="Every provider has IMAP. A webhook needs an address that the provider can reach.",
        json_schema_extra=shown(RECEIVING, choices=WAYS_IN),
    )
    imap_host: Host = Field(
        "",
        title="IMAP server",
        description="Your provider's help names it, such as imap.example.com.",
        json_schema_extra=shown(RECEIVING, when=IMAP),
    )
    imap_port: Port = Field(993, title="IMAP port", json_schema_extra=shown(RECEIVING, when=IMAP, folded=True))
    imap_security: Security = Field(
        "tls", title="Encryption", json_schema_extra=shown(RECEIVING, when=IMAP, folded=True, choices=ENCRYPTION)
    )
    folder: Annotated[str, StringConstraints(max_length=200)] = Field(
        "INBOX",
        description="What is unread in it is answered.",
        json_schema_extra=shown(RECEIVING, when=IMAP, folded=True),
    )
    backlog_days: Annotated[int, Field(ge=0, le=3650)] = Field(
        1,
        description="Unread mail of so many days before you connected the mailbox is answered too.",
        json_schema_extra=shown(RECEIVING, when=IMAP, folded=True),
    )
    username: Annotated[str, StringConstraints(max_length=320)] = Field(
        "", description="The address if left empty.", json_schema_extra=shown(SIGNING_IN, when=[IMAP, SMTP])
    )
    oauth: Literal["", "google", "microsoft"] = Field(
        "",
        title="Signing in without a password",
        description="Who renews the access token, where a refresh token is given instead of a password.",
        json_schema_extra=shown(SIGNING_IN, when=[IMAP, SMTP], folded=True, choices=RENEWED_BY),
    )
    oauth_client_id: Annotated[str, StringConstraints(max_length=300, strip_whitespace=True)] = Field(
        "",
        title="Client id",
        description="Of the app that you registered with them.",
        json_schema_extra=shown(SIGNING_IN, when=RENEWED, folded=True),
    )
    send: Literal["smtp", "postmark", "sendgrid"] = Field(
        "smtp", title="How mail is sent", json_schema_extra=shown(SENDING, choices=WAYS_OUT)
    )
    smtp_host: Host = Field(
        "",
        title="SMTP server",
        description="Your provider's help names it, such as smtp.example.com.",
        json_schema_extra=shown(SENDING, when=SMTP),
    )
    smtp_port: Port = Field(587, title="SMTP port", json_schema_extra=shown(SENDING, when=SMTP, folded=True))
    smtp_security: Security = Field(
        "starttls", title="Encryption", json_schema_extra=shown(SENDING, when=SMTP, folded=True, choices=ENCRYPTION)
    )
    plus_addresses: bool = Field(
        False,
        description="Answers come back to you+something@: surest, if a test mail to you+test@ arrives.",
        json_schema_extra=shown(SENDING, folded=True),
    )
    subject_reference: bool = Field(
        False,
        description="Subjects end with a signed [ref:…]: for customers whose mail programs lose the thread.",
        json_schema_extra=shown(SENDING, folded=True),
    )
    signature: Annotated[str, StringConstraints(max_length=2000)] = Field(
        "", description="Markdown, under each mail.", json_schema_extra=shown(LOOKS, folded=True)
    )
    header_color: Annotated[str, StringConstraints(pattern=r"^(#[0-9a-fA-F]{6})?$")] = Field(
        "",
        description="Such as #2b4bd8. With a colour or a logo mails have a header; without, they look like a person's.",
        json_schema_extra=shown(LOOKS, folded=True),
    )
    logo: Annotated[str, StringConstraints(max_length=LOGO_BYTES * 4 // 3 + 4, pattern=r"^[A-Za-z0-9+/=\s]*$")] = Field(
        "", description="A PNG or JPEG of at most 100 kB, in base64.", json_schema_extra=shown(LOOKS, folded=True)
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
    password: str = Field(
        "",
        description="Of the mailbox, or an app password; used for sending too.",
        json_schema_extra=shown(SIGNING_IN, when=[IMAP, SMTP]),
    )
    oauth_token: str = Field(
        "",
        title="Access token",
        description="Instead of a password, where the provider wants one (XOAUTH2).",
        json_schema_extra=shown(SIGNING_IN, when=[IMAP, SMTP], folded=True),
    )
    oauth_refresh_token: str = Field(
        "",
        title="Refresh token",
        description="Gets a new token whenever one ends.",
        json_schema_extra=shown(SIGNING_IN, when=RENEWED, folded=True),
    )
    oauth_client_secret: str = Field(
        "",
        title="Client secret",
        description="Of the app that you registered.",
        json_schema_extra=shown(SIGNING_IN, when=RENEWED, folded=True),
    )
    smtp_password: str = Field(
        "",
        title="SMTP password",
        description="If another one is used for sending; `none` sends without signing in.",
        json_schema_extra=shown(SENDING, when=SMTP, folded=True),
    )
    api_token: str = Field(
        "",
        title="API token",
        description="The Postmark server token, or the SendGrid API key.",
        json_schema_extra=shown(SENDING, when=[{"send": "postmark"}, {"send": "sendgrid"}]),
    )
    webhook_password: str = Field(
        "",
        description="What the provider's calls carry; without it they are refused.",
        json_schema_extra=shown(RECEIVING, when={"receive": "webhook"}),
    )


def settings_of(channel: Channel) -> MailSettings:
    return MailSettings.model_validate(channel.settings)
