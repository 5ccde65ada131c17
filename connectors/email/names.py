"""Reading DNS."""

from __future__ import annotations

import dns.asyncresolver
import dns.exception
import dns.resolver

PATIENCE_S = 3.0


async def texts(name: str) -> list[str] | None:
    """The TXT records of a name; None where DNS does not answer."""
    try:
        answer = await dns.asyncresolver.resolve(name, "TXT", lifetime=PATIENCE_S)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError):
        return None
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


async def exchangers(domain: str) -> list[str]:
    """The mail servers of a domain; none where DNS has none or does not answer."""
    try:
        answer = await dns.asyncresolver.resolve(domain, "MX", lifetime=PATIENCE_S)
    except (dns.exception.DNSException, OSError):
        return []
    return [record.exchange.to_text() for record in answer]
