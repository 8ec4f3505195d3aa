"""What a connection test shows of a provider's server: its addresses, its certificate and its clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

_MAX_NAME = 200
# An Age beyond a year is no age of an answer to a request that was just made.
_MAX_AGE = 31536000


@dataclass(frozen=True)
class ResolvedHost:
    """Where a host is; every address was checked and may be called."""

    host: str
    addresses: tuple[str, ...]
    elapsed_ms: int


@dataclass(frozen=True)
class TlsFacts:
    """A trusted TLS connection that was made and closed.

    Attributes:
        used: False for a listed http origin, and then nothing else is known.
        version: such as `TLSv1.3`.
        subject: the certificate's common name, or the organisation where it has none; `issuer` likewise.
    """

    used: bool
    version: str = ""
    subject: str = ""
    issuer: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    elapsed_ms: int = 0


def tls_facts(version: str, certificate: bytes, elapsed_ms: int) -> TlsFacts:
    """The facts of a certificate in DER that the TLS library has verified already."""
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        return TlsFacts(
            used=True,
            version=version,
            subject=_shown(parsed.subject),
            issuer=_shown(parsed.issuer),
            not_before=parsed.not_valid_before_utc,
            not_after=parsed.not_valid_after_utc,
            elapsed_ms=elapsed_ms,
        )
    except ValueError:
        # OpenSSL accepted it; that this reader is stricter about its form must not fail the test.
        return TlsFacts(used=True, version=version, elapsed_ms=elapsed_ms)


def _shown(name: x509.Name) -> str:
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in name.get_attributes_for_oid(oid):
            text = str(attribute.value)
            return "".join(character for character in text if character.isprintable())[:_MAX_NAME]
    return ""


def clock_skew(headers: Mapping[str, str], now: float) -> float | None:
    """By how many seconds our clock is ahead of the provider's, from its answer's `Date` (RFC 9110 section 6.6.1).

    `Date` has whole seconds, so the provider's time is anywhere within one; the smallest skew that fits is returned,
    and 0.0 where the clocks may agree. None without a `Date` that can be read.
    """
    try:
        sent_at = parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    # The zone is always GMT in HTTP; a date that names none is taken for that as well.
    began = (sent_at if sent_at.tzinfo else sent_at.replace(tzinfo=UTC)).timestamp()
    began += _age(headers.get("age", ""))
    if now < began:
        return now - began
    return max(0.0, now - (began + 1.0))


def _age(value: str) -> int:
    """How long the answer lay in a cache (RFC 9111 section 5.1): its Date is as old."""
    is_number = value.isascii() and value.isdigit() and len(value) < 10
    return min(int(value), _MAX_AGE) if is_number else 0
