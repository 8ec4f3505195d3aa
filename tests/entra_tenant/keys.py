"""Signing keys: generated when first needed, shared by all tenants of a process, published as a JWKS."""

from __future__ import annotations

import base64
import datetime
import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509.oid import NameOID

Jwk = dict[str, Any]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def b64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return b64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@dataclass(frozen=True)
class SigningKey:
    """A private key with everything that is derived from it."""

    private: PrivateKey

    @property
    def algorithm(self) -> str:
        """The one JWS algorithm this key signs with."""
        return "RS256" if isinstance(self.private, rsa.RSAPrivateKey) else "ES256"

    @cached_property
    def certificate(self) -> bytes:
        """A self-signed certificate (DER).

        Everything in it is fixed or follows from the key, so that the thumbprint, and with it the
        `kid`, survives a restart.
        """
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "practice tenant signing key")])
        serial = int.from_bytes(hashlib.sha256(self.public_pem).digest()[:16], "big") >> 1
        start = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
        builder = x509.CertificateBuilder(name, name, self.private.public_key(), serial)
        builder = builder.not_valid_before(start).not_valid_after(start + datetime.timedelta(days=36500))
        return builder.sign(self.private, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    @cached_property
    def kid(self) -> str:
        """The key's id: Entra uses the certificate's SHA-1 thumbprint."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return b64url(hashlib.sha1(self.certificate, usedforsecurity=False).digest())
        return b64url(hashlib.sha256(self.public_pem).digest()[:20])

    @cached_property
    def public_pem(self) -> bytes:
        """The public key as SubjectPublicKeyInfo."""
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def private_pem(self) -> str:
        """The private key, for the demo's state file."""
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    @classmethod
    def from_pem(cls, text: str) -> SigningKey:
        """The key that `private_pem` wrote."""
        # Our own file: proving the primes again would cost each start a second.
        private = serialization.load_pem_private_key(text.encode(), None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise TypeError("the practice tenant signs with RSA or P-256 keys only")
        return cls(private)

    def sign(self, data: bytes) -> bytes:
        """A JWS signature (RFC 7518 sections 3.3 and 3.4)."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def jwk(self) -> Jwk:
        """The public key as a bare JWK with `kid` and `use`."""
        public = self.private.public_key().public_numbers()
        if isinstance(public, rsa.RSAPublicNumbers):
            return {"kty": "RSA", "use": "sig", "kid": self.kid, "n": _number(public.n), "e": _number(public.e)}
        x, y = (b64url(value.to_bytes(32, "big")) for value in (public.x, public.y))
        return {"kty": "EC", "use": "sig", "kid": self.kid, "crv": "P-256", "x": x, "y": y}

    def entra_jwk(self, issuer: str) -> Jwk:
        """The JWK with Entra's members: no `alg`, but the certificate and the issuer it may sign for."""
        x5c = [base64.b64encode(self.certificate).decode()]
        return {**self.jwk(), "x5t": self.kid, "x5c": x5c, "issuer": issuer}


_generating = threading.Lock()


@cache
def _generate(purpose: str, position: int) -> SigningKey:
    if purpose == "ES256":
        return SigningKey(ec.generate_private_key(ec.SECP256R1()))
    # The weak key exists to be refused: relying parties must not accept RSA keys under 2048 bits.
    bits = 1024 if purpose == "short" else 2048
    return SigningKey(rsa.generate_private_key(65537, bits))


def pool_key(purpose: str, position: int = 0) -> SigningKey:
    """The process-wide key of that purpose and position, made once; Entra's tenants share keys too."""
    with _generating:
        return _generate(purpose, position)


def foreign_key(algorithm: str = "RS256") -> SigningKey:
    """A sound key that no tenant ever publishes."""
    return pool_key(algorithm, -1)


class KeyRing:
    """A tenant's own signing keys: one signs, all are published."""

    def __init__(self, algorithm: str, *, published: int, keys: Sequence[SigningKey] = ()) -> None:
        self.algorithm = algorithm
        self._lock = threading.Lock()
        self._given = list(keys)
        self._positions = list(range(len(keys) or published))
        self._current = 0

    def _key(self, position: int) -> SigningKey:
        return self._given[position] if position < len(self._given) else pool_key(self.algorithm, position)

    @property
    def current(self) -> SigningKey:
        """The key that signs now."""
        return self._key(self._current)

    @property
    def published(self) -> list[SigningKey]:
        """All keys of the JWKS, sorted by id: a relying party must not read anything into the order."""
        with self._lock:
            positions = list(self._positions)
        return sorted((self._key(position) for position in positions), key=lambda key: key.kid)

    def rotate(self, *, drop_old: bool = False) -> SigningKey:
        """Signs with a key that nobody has seen from now on; the old ones stay published unless dropped."""
        with self._lock:
            fresh = max(self._positions) + 1
            self._positions = [fresh] if drop_old else [*self._positions, fresh]
            self._current = fresh
        return self.current
