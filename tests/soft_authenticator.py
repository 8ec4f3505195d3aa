"""An authenticator in software, as far from the product's own library as can be: CBOR, COSE and signatures by hand.

It tells the truth unless a test asks it to lie.
"""

import base64
import hashlib
import json
import secrets
import struct
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

USER_PRESENT, USER_VERIFIED, HAS_CREDENTIAL = 0x01, 0x04, 0x40
ORIGIN, RP_ID = "http://localhost:8000", "localhost"


def base64url(data: bytes) -> str:
    """Encode as WebAuthn's JSON does: without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def cbor(value: Any) -> bytes:
    """Encode the few kinds of values that an attestation is made of (RFC 8949)."""
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    assert isinstance(value, dict)
    return _head(5, len(value)) + b"".join(cbor(key) + cbor(each) for key, each in value.items())


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    if number < 256:
        return bytes([major << 5 | 24, number])
    return bytes([major << 5 | 25]) + struct.pack(">H", number)


class SoftAuthenticator:
    """One passkey of one person.

    Attributes:
        count: how often it signed; 0 for ever where `counts` is false, as synchronised passkeys do.
    """

    def __init__(self, *, counts: bool = True) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = secrets.token_bytes(32)
        self.counts = counts
        self.count = 0

    def register(self, options: str, **lies: Any) -> str:
        """Return the browser's answer to the options of a registration."""
        public = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32, "big"), -3: public.y.to_bytes(32, "big")}
        attested = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + cbor(cose)
        data = self._authenticator_data({"flags": USER_PRESENT | USER_VERIFIED, **lies}, HAS_CREDENTIAL) + attested
        response = {
            "clientDataJSON": base64url(self._client_data("webauthn.create", options, lies)),
            "attestationObject": base64url(cbor({"fmt": "none", "attStmt": {}, "authData": data})),
            "transports": ["internal"],
        }
        return self._answer(response)

    def sign(self, options: str, **lies: Any) -> str:
        """Return the browser's answer to the options of a sign-in.

        Args:
            lies: `origin`, `rp_id`, `challenge`, `type`, `flags`, `count`, `key`, `user_handle`: in place of the truth.
        """
        if self.counts:
            self.count += 1
        data = self._authenticator_data(lies)
        client_data = self._client_data("webauthn.get", options, lies)
        signed = data + hashlib.sha256(client_data).digest()
        response = {
            "clientDataJSON": base64url(client_data),
            "authenticatorData": base64url(data),
            "signature": base64url(lies.get("key", self.key).sign(signed, ec.ECDSA(hashes.SHA256()))),
        }
        if "user_handle" in lies:
            response["userHandle"] = base64url(lies["user_handle"])
        return self._answer(response)

    def _authenticator_data(self, lies: dict[str, Any], further_flags: int = 0) -> bytes:
        rp_hash = hashlib.sha256(lies.get("rp_id", RP_ID).encode()).digest()
        flags = lies.get("flags", USER_PRESENT | USER_VERIFIED) | further_flags
        return rp_hash + bytes([flags]) + struct.pack(">I", lies.get("count", self.count))

    def _client_data(self, kind: str, options: str, lies: dict[str, Any]) -> bytes:
        asked = json.loads(options)
        told = {
            "type": lies.get("type", kind),
            "challenge": lies.get("challenge", asked["challenge"]),
            "origin": lies.get("origin", ORIGIN),
            "crossOrigin": False,
        }
        return json.dumps(told).encode()

    def _answer(self, response: dict[str, Any]) -> str:
        name = base64url(self.credential_id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})
