"""A real dovecot and a real postfix of our own, on loopback and on free ports, with a mailbox for each of the cast."""

from __future__ import annotations

import imaplib
import os
import shutil
import smtplib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.servers import free_port

PASSWORD = "a mailbox's password"
PEOPLE = ("support@acme.example", "sales@acme.example", "help@globex.example", "sam@acme.example",
          "dana@customers.example", "erin@customers.example", "mallory@elsewhere.example")  # fmt: skip
GONE = "gone@customers.example"
"""Accepted by postfix and refused by dovecot: a mail there comes back."""
PATIENCE_S = 20.0

DOVECOT = """
base_dir = {at}/run
state_dir = {at}/state
log_path = {at}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{at}/cert.pem
ssl_key = <{at}/key.pem
disable_plaintext_auth = no
auth_username_format = %Lu
mail_location = maildir:{at}/mail/%u
first_valid_uid = 8
recipient_delimiter = +
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {at}/users
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={at}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""
POSTFIX = """
compatibility_level = 3.6
queue_directory = {at}/spool
data_directory = {at}/data
maillog_file = {at}/postfix.log
maillog_file_prefixes = {at}
myhostname = mail.acme.example
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
local_recipient_maps =
virtual_mailbox_domains = acme.example, globex.example, customers.example, elsewhere.example
virtual_mailbox_maps = texthash:{at}/boxes
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
recipient_delimiter = +
default_transport = error:mail leaves this machine for nowhere
relay_transport = error:mail leaves this machine for nowhere
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = reject_unauth_destination
message_size_limit = 60000000
smtpd_client_connection_rate_limit = 0
"""
MASTER = """
127.0.0.1:{smtp} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
smtp unix - - n - - smtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
"""


@dataclass(frozen=True, slots=True)
class MailServers:
    imap: int
    imaps: int
    smtp: int
    at: Path

    @property
    def certificate(self) -> Path:
        """Of `localhost`, signed by itself."""
        return self.at / "cert.pem"

    def send(self, sender: str, to: list[str], mail: EmailMessage | bytes) -> None:
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=10) as client:
            raw = mail if isinstance(mail, bytes) else mail.as_bytes()
            client.sendmail(sender, to, raw)

    def login(self, who: str) -> imaplib.IMAP4:
        client = imaplib.IMAP4("127.0.0.1", self.imap, timeout=10)
        client.login(who, PASSWORD)
        return client

    def put(self, who: str, *raws: bytes) -> None:
        """Straight into the mailbox."""
        with self.login(who) as client:
            for raw in raws:
                client.append("INBOX", None, None, raw)  # type: ignore[arg-type]

    def inbox(self, who: str) -> list[EmailMessage]:
        with self.login(who) as client:
            client.select("INBOX", readonly=True)
            numbers = client.search(None, "ALL")[1][0].split()
            raws = [client.fetch(number, "(BODY.PEEK[])")[1][0][1] for number in numbers]  # type: ignore[index]
        return [BytesParser(policy=default).parsebytes(raw) for raw in raws]  # type: ignore[arg-type,misc]

    def unseen(self, who: str) -> int:
        with self.login(who) as client:
            client.select("INBOX", readonly=True)
            return len(client.search(None, "UNSEEN")[1][0].split())

    def empty(self) -> None:
        """As new, for the next test; UIDs go on."""
        for who in PEOPLE:
            with self.login(who) as client:
                if client.select("INBOX")[1] != [b"0"]:
                    client.store("1:*", "+FLAGS", r"(\Deleted)")
                    client.expunge()

    def settings(self, address: str, **more: object) -> dict[str, object]:
        """Of an e-mail channel for this mailbox."""
        return {
            "address": address,
            "imap_host": "127.0.0.1",
            "imap_port": self.imap,
            "imap_security": "none",
            "smtp_host": "127.0.0.1",
            "smtp_port": self.smtp,
            "smtp_security": "none",
            "plus_addresses": True,
            **more,
        }


SECRETS = {"password": PASSWORD, "smtp_password": "none"}


def skip_if_absent() -> None:
    missing = [name for name in ("dovecot", "postfix") if not shutil.which(name, path="/usr/sbin:/usr/bin:/sbin")]
    if not missing and os.geteuid() == 0:
        return
    reason = f"needs {' and '.join(missing)}" if missing else "dovecot and postfix start as root only"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}: apt-get install dovecot-imapd dovecot-lmtpd postfix")
    pytest.skip(reason)


@contextmanager
def running() -> Iterator[MailServers]:
    skip_if_absent()
    at = Path(tempfile.mkdtemp(prefix="mail-"))
    at.chmod(0o755)
    ports = {name: free_port() for name in ("imap", "imaps", "lmtp", "smtp")}
    for folder in ("etc", "spool", "data", "mail"):
        (at / folder).mkdir()
    shutil.chown(at / "mail", "mail", "mail")
    shutil.chown(at / "data", "postfix")
    (at / "users").write_text("".join(f"{who}:{{PLAIN}}{PASSWORD}\n" for who in PEOPLE))
    (at / "boxes").write_text("".join(f"{who} ok\n" for who in (*PEOPLE, GONE)))
    _certify(at / "cert.pem", at / "key.pem")
    (at / "dovecot.conf").write_text(DOVECOT.format(at=at, **ports))
    (at / "etc" / "main.cf").write_text(POSTFIX.format(at=at, **ports))
    (at / "etc" / "master.cf").write_text(MASTER.format(**ports))
    dovecot = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", str(at / "dovecot.conf")], stderr=subprocess.DEVNULL)
    postfix = ["/usr/sbin/postfix", "-c", str(at / "etc")]
    try:
        subprocess.run([*postfix, "start"], check=True, capture_output=True, timeout=30)
        servers = MailServers(ports["imap"], ports["imaps"], ports["smtp"], at)
        _wait(servers)
        yield servers
    finally:
        subprocess.run([*postfix, "stop"], check=False, capture_output=True, timeout=30)
        dovecot.terminate()
        dovecot.wait(10)
        shutil.rmtree(at, ignore_errors=True)


def _certify(certificate: Path, key_file: Path) -> None:
    """Writes a key and a certificate of its own for `localhost`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    moment = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(hours=1))
        .not_valid_after(moment + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pkcs8 = serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption()))


def _wait(servers: MailServers) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        with suppress(OSError, imaplib.IMAP4.error, smtplib.SMTPException):
            servers.login(PEOPLE[0]).logout()
            smtplib.SMTP("127.0.0.1", servers.smtp, timeout=5).quit()
            return
        time.sleep(0.05)
    logs = "\n".join(path.read_text()[-2000:] for path in servers.at.glob("*.log"))
    raise AssertionError(f"the mail servers did not start: {logs}")
