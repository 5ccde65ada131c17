"""Fetching a mailbox: what is new is stored, then marked as seen, then waited for.

imap-tools is synchronous and kept well (aioimaplib hangs when a server hangs up during IDLE, its issue 110), so each
mailbox has a thread of its own. The thread does one step at a time and decides nothing.
"""

from __future__ import annotations

import asyncio
import imaplib
import re
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from imap_tools import BaseMailBox, MailBox, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError, MailboxTaggedResponseError

from connectors.email.settings import MailSettings
from core.outbox import DeliveryError

T = TypeVar("T")
TIMEOUT_S = 60
IDLE_S = 240
"""Well below what firewalls and servers take for dead; RFC 2177 wants it renewed within 29 minutes."""
TOO_LARGE = 50_000_000
_DATA = re.compile(r"Data: \[b['\"](.+?)['\"]\]")
ERRORS = (imaplib.IMAP4.error, ImapToolsError, OSError)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""As IMAP writes them, whatever language the machine speaks."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a folder was read. Another `validity` means that its numbers begin anew (RFC 3501, 2.3.1.1)."""

    validity: int
    last: int


class Mailbox:
    """One connection. Raises `DeliveryError` for all that can go wrong outside.

    What came before the day `since` is not there for us: who connects a mailbox full of unread mail does not want all
    of it answered.
    """

    def __init__(self, settings: MailSettings, secrets: dict[str, str], since: date | None = None) -> None:
        self._settings = settings
        self._secrets = secrets
        self._since = f" SINCE {since.day}-{MONTHS[since.month - 1]}-{since.year}" if since else ""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="imap")
        self._box: BaseMailBox | None = None

    async def open(self) -> int:
        """Signs in and opens the folder. Returns its UIDVALIDITY."""
        return await self._run(self._open)

    async def new(self, position: Position | None) -> list[int]:
        """The numbers of what has not been stored: all that is unseen, and all behind the position.

        A person who looks into the mailbox marks mails as seen; they are not lost for that.
        """
        return await self._run(lambda: self._new(position))

    async def fetch(self, uid: int) -> bytes | None:
        """The mail, unmarked; its header alone if it is too large; None if it has gone."""
        return await self._run(lambda: self._fetch(uid))

    async def mark_seen(self, uid: int) -> None:
        await self._run(lambda: self._uid("STORE", str(uid), "+FLAGS.SILENT", r"(\Seen)"))

    async def wait(self) -> None:
        """Until something may have arrived."""
        await self._run(self._wait)

    async def close(self) -> None:
        """Also wakes a thread that waits."""
        if self._box:
            with suppress(OSError):
                self._box.client.sock.shutdown(socket.SHUT_RDWR)
            await asyncio.to_thread(self._pool.shutdown)
            with suppress(*ERRORS):
                self._box.client.shutdown()
        self._pool.shutdown(wait=False)

    async def _run(self, step: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, step)
        except ERRORS as error:
            raise as_delivery_error(error, self._settings) from error

    def _open(self) -> int:
        settings = self._settings
        context = ssl.create_default_context()
        if settings.imap_security == "tls":
            box: BaseMailBox = MailBox(settings.imap_host, settings.imap_port, TIMEOUT_S, ssl_context=context)
        else:
            box = MailBoxUnencrypted(settings.imap_host, settings.imap_port, TIMEOUT_S)
        self._box = box
        if settings.imap_security == "starttls":
            box.client.starttls(ssl_context=context)
        if token := self._secrets.get("oauth_token"):
            box.xoauth2(settings.login, token, initial_folder=None)
        else:
            box.login(settings.login, self._secrets.get("password", ""), initial_folder=None)
        box.folder.set(settings.folder)
        validity = box.client.response("UIDVALIDITY")[1][0]
        return int(validity or 0)

    def _new(self, position: Position | None) -> list[int]:
        found = {int(uid) for uid in self._search("UNSEEN")}
        if position:
            # `n:*` names the last mail even if its number is smaller than n.
            behind = (int(uid) for uid in self._search(f"UID {position.last + 1}:*"))
            found |= {uid for uid in behind if uid > position.last}
        return sorted(found)

    def _search(self, criteria: str) -> list[bytes]:
        data = self._uid("SEARCH", None, criteria + self._since)
        return data[0].split() if data and data[0] else []

    def _fetch(self, uid: int) -> bytes | None:
        size = self._uid("FETCH", str(uid), "(RFC822.SIZE)")
        if not size or size[0] is None:
            return None
        large = int(size[0].rpartition(b"RFC822.SIZE ")[2].split(b")")[0].split()[0]) > TOO_LARGE
        part = "(BODY.PEEK[HEADER])" if large else "(BODY.PEEK[])"
        answer = self._uid("FETCH", str(uid), part)
        raw = next((bytes(item[1]) for item in answer if isinstance(item, tuple)), None)
        if raw and large:
            return raw.rstrip() + b"\r\n\r\n[This mail is larger than 50 MB. It lies in the mailbox.]\r\n"
        return raw

    def _uid(self, command: str, *words: str | None) -> list[Any]:
        assert self._box is not None
        status, data = self._box.client.uid(command, *words)  # type: ignore[arg-type]
        if status != "OK":
            raise imaplib.IMAP4.error(f"{command} was answered with {status} {data!r}"[:300])
        return list(data)

    def _wait(self) -> None:
        assert self._box is not None
        if "IDLE" not in self._box.client.capabilities:
            self._box.client.noop()
            self._box.client.sock.settimeout(TIMEOUT_S)
            _pause(self._box.client.sock, 30)
            return
        idle, responses = self._box.idle, []
        with suppress(MailboxTaggedResponseError):  # the server had something to tell before it began to idle
            idle.start()
            if not self._has_buffered():
                responses = idle.poll(timeout=IDLE_S)
        idle.stop()
        if any(response.upper().startswith(b"* BYE") for response in responses):
            raise imaplib.IMAP4.abort("the server said good-bye")

    def _has_buffered(self) -> bool:
        """What came in one piece with the server's "+ idling" lies in the client's buffer, and the socket stays silent:
        waiting there would let a mail lie until the next round."""
        assert self._box is not None
        sock = self._box.client.sock
        patience = sock.gettimeout()
        sock.settimeout(0)
        try:
            return bool(self._box.client.file.peek(1))
        except ssl.SSLWantReadError:
            return False
        finally:
            sock.settimeout(patience)


def _pause(sock: socket.socket, seconds: float) -> None:
    """Sleeps, but no longer than the connection lives."""
    sock.settimeout(seconds)
    with suppress(TimeoutError):
        sock.recv(1, socket.MSG_PEEK)


def _said(error: Exception) -> str:
    """What the server said, out of how imap-tools reports it: `… Data: [b'[AUTHENTICATIONFAILED] No.']`."""
    text = " ".join(str(error).split())[:300]
    data = _DATA.search(text)
    return data[1] if data else text


def as_delivery_error(error: Exception, settings: MailSettings) -> DeliveryError:
    where = f"The mailbox {settings.login} on {settings.imap_host}"
    text = _said(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return DeliveryError(
            f"{settings.imap_host} shows a certificate that is not valid for it: {text}", permanent=False
        )
    if isinstance(error, ssl.SSLError):
        remedy = "Try another port or security setting; TLS from the start is on port 993 mostly."
        return DeliveryError(f"{settings.imap_host} does not speak TLS there: {text}. {remedy}", permanent=False)
    if "AUTHENTICATIONFAILED" in text.upper() or "login" in type(error).__name__.lower():
        remedy = "Check the user name and password; many providers want an app password or a token."
        # Providers refuse for a while when many sign in, so it goes on trying and the admin sees it.
        return DeliveryError(f"{where} refused to sign in: {text} {remedy}", permanent=False)
    if "Folder" in type(error).__name__:
        return DeliveryError(f"{where} has no folder {settings.folder!r}: {text}", permanent=False)
    if isinstance(error, socket.gaierror):
        return DeliveryError(f"There is no server {settings.imap_host} ({text}). Check its name.", permanent=False)
    return DeliveryError(f"{where} does not answer: {text or type(error).__name__}", permanent=False)
