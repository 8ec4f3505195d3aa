"""Certificates in place of a secret: registered thumbprints, and the assertions that they sign (RFC 7523)."""

from __future__ import annotations

import base64
import binascii
import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .errors import refuse
from .keys import b64url
from .wire import Request

if TYPE_CHECKING:
    from .tenant import PracticeTenant

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Entra forgives clocks by five minutes, and takes no assertion that is meant to live longer than ten.
LEEWAY = 300
MAX_LIFETIME = 600


@dataclass(frozen=True)
class _Assertion:
    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


class CertificateStore:
    """The certificates of the application's registration, and the assertions that were used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._certificates: dict[str, x509.Certificate] = {}
        self._used: dict[str, float] = {}

    def add(self, pem: str) -> str:
        """Registers a certificate and returns its thumbprint, the `x5t#S256` of its assertions."""
        certificate = x509.load_pem_x509_certificate(pem.encode())
        thumbprint = b64url(certificate.fingerprint(hashes.SHA256()))
        with self._lock:
            self._certificates[thumbprint] = certificate
        return thumbprint

    def remove(self, thumbprint: str = "") -> None:
        """Forgets one certificate, or all."""
        with self._lock:
            if thumbprint:
                self._certificates.pop(thumbprint, None)
            else:
                self._certificates.clear()

    def named_by(self, header: dict[str, Any]) -> x509.Certificate | None:
        """The certificate whose thumbprint is in the header: `x5t#S256`, or the older `x5t`."""
        with self._lock:
            certificates = dict(self._certificates)
        if "x5t#S256" in header:
            return certificates.get(str(header["x5t#S256"]))
        older = str(header.get("x5t", ""))
        return next((one for one in certificates.values() if _sha1_thumbprint(one) == older), None)

    def use(self, jti: str, until: float, now: float) -> bool:
        """Notes that an assertion was used; False where it was before."""
        with self._lock:
            self._used = {known: end for known, end in self._used.items() if end > now}
            is_new = jti not in self._used
            self._used[jti] = until
        return is_new


def _sha1_thumbprint(certificate: x509.Certificate) -> str:
    return b64url(certificate.fingerprint(hashes.SHA1()))  # noqa: S303  (a name, no proof)


def client_of(text: str) -> str:
    """The client that an assertion names, unchecked: `client_id` may be left out beside it (RFC 7521 section 4.2)."""
    return str(_take_apart(text).claims.get("sub", ""))


def check_assertion(tenant: PracticeTenant, request: Request) -> None:
    """Refuses an assertion in Entra's order: certificate, signature, then what it says."""
    if request.value("client_assertion_type") != ASSERTION_TYPE:
        raise refuse(90023, reason="client_assertion_type is not the one for JWTs")
    assertion = _take_apart(request.value("client_assertion"))
    certificate = tenant.certificates.named_by(assertion.header)
    if certificate is None:
        raise refuse(700027, reason="the certificate is not registered for the application")
    if not _is_signed_by(assertion, certificate):
        raise refuse(700027, reason="the signature does not verify")
    now = tenant.now()
    moment = datetime.fromtimestamp(now, UTC)
    if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
        raise refuse(50012, reason="the certificate has expired or is not valid yet")
    _check_claims(tenant, assertion.claims, now)


def _check_claims(tenant: PracticeTenant, claims: dict[str, Any], now: float) -> None:
    if claims.get("iss") != tenant.client_id or claims.get("sub") != tenant.client_id:
        raise refuse(50013, reason="iss and sub have to be the application")
    # Entra wants the token endpoint; a plain provider may also be addressed by its issuer (RFC 7523 section 3).
    audiences = {tenant.token_endpoint} | (set() if tenant.is_entra else {tenant.issuer})
    if not isinstance(claims.get("aud"), str) or claims["aud"] not in audiences:
        raise refuse(50013, reason="aud is not this token endpoint")
    begins, ends = claims.get("nbf", claims.get("iat")), claims.get("exp")
    if not isinstance(begins, int) or not isinstance(ends, int) or ends - begins > MAX_LIFETIME:
        raise refuse(50013, reason="nbf and exp are missing or too far apart")
    if now < begins - LEEWAY or now >= ends + LEEWAY:
        raise refuse(700024)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise refuse(50013, reason="jti is missing")
    if not tenant.certificates.use(jti, ends + LEEWAY, now):
        raise refuse(50013, reason="the assertion was used before")


def _take_apart(text: str) -> _Assertion:
    try:
        first, second, third = text.split(".")
        header, claims = (json.loads(_decoded(segment)) for segment in (first, second))
        signature = _decoded(third)
    except (ValueError, binascii.Error):
        raise refuse(50027) from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise refuse(50027)
    return _Assertion(header, claims, f"{first}.{second}".encode(), signature)


def _decoded(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _is_signed_by(assertion: _Assertion, certificate: x509.Certificate) -> bool:
    """PS256, or the RS256 of older clients; no other algorithm, and none that the header alone decides on."""
    key = certificate.public_key()
    paddings: dict[str, padding.AsymmetricPadding] = {
        "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size),
        "RS256": padding.PKCS1v15(),
    }
    chosen = paddings.get(str(assertion.header.get("alg")))
    if chosen is None or not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(assertion.signature, assertion.signed, chosen, hashes.SHA256())
    except InvalidSignature:
        return False
    return True
