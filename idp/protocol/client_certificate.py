"""A key pair with a self-signed certificate: its public half is uploaded at the provider (entra.md 1.8)."""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from idp.protocol.claims import has_controls
from idp.protocol.client_errors import CertificateDaysInvalid, CertificateUnreadable

MAX_DAYS = 1095
# X.520 allows a common name 64 characters (RFC 5280 appendix A, ub-common-name); some readers count bytes.
_MAX_NAME_BYTES = 64
_FALLBACK_NAME = "Gatehouse"
# A provider whose clock is behind must not find it "not valid yet".
_BACK_DATED = timedelta(minutes=5)


@dataclass(frozen=True)
class NewCertificate:
    """A fresh key with its certificate.

    Attributes:
        private_key_pem: stays with us, encrypted.
        thumbprint_s256: base64url, as the assertion's header names it (RFC 7515 section 4.1.8).
        thumbprint_sha1_hex: upper-case hexadecimal, as Entra's portal shows it beside the uploaded certificate.
    """

    private_key_pem: str = field(repr=False)
    certificate_pem: str = field(repr=False)
    thumbprint_s256: str
    thumbprint_sha1_hex: str
    not_before: datetime
    not_after: datetime


def make_certificate(
    common_name: str, valid_days: int = 365, *, key_size: Literal[2048, 3072] = 2048, now: datetime | None = None
) -> NewCertificate:
    """Makes an RSA key and a certificate for it that is valid from now on for so many days.

    Raises:
        CertificateDaysInvalid: less than one day, or more than three years.
    """
    if not 1 <= valid_days <= MAX_DAYS:
        raise CertificateDaysInvalid(days=valid_days, limit=MAX_DAYS)
    start = (now or datetime.now(UTC)).replace(microsecond=0)
    not_before, not_after = start - _BACK_DATED, start + timedelta(days=valid_days)
    key = rsa.generate_private_key(public_exponent=65537, key_size=key_size)
    certificate = _signed(key, _clean_name(common_name), not_before, not_after)
    private_key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return NewCertificate(
        private_key_pem=private_key_pem.decode(),
        certificate_pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        thumbprint_s256=base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).rstrip(b"=").decode(),
        thumbprint_sha1_hex=certificate.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303  (a name, no proof)
        not_before=not_before,
        not_after=not_after,
    )


def as_cer(certificate_pem: str) -> bytes:
    """The certificate in DER, the `.cer` file that an administrator uploads.

    Raises:
        CertificateUnreadable: the text is no certificate in PEM.
    """
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
    except ValueError:
        raise CertificateUnreadable from None
    return certificate.public_bytes(serialization.Encoding.DER)


def _signed(key: rsa.RSAPrivateKey, name: str, not_before: datetime, not_after: datetime) -> x509.Certificate:
    """Self-signed, good for signing and for nothing else."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), not_before, not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _clean_name(text: str) -> str:
    """An administrator's name for a provider, as far as a certificate can hold it."""
    name = "".join(character for character in text if not has_controls(character)).strip()
    return name.encode()[:_MAX_NAME_BYTES].decode(errors="ignore").strip() or _FALLBACK_NAME
