"""Keys, made once, and peers, closed after each test."""

import datetime
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tests.idp.protocol.support import HOST, MICROSOFT, Answer, Peer, reply


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def other_rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def short_rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505


@pytest.fixture(scope="session")
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    """Starts peers: `peer(answer)`, or `peer({"json": 1})` for one fixed answer."""
    started: list[Peer] = []

    def start(answer: Answer | Any, **options: Any) -> Peer:
        respond = answer if callable(answer) else lambda _request, _conn: reply(answer)
        started.append(Peer(respond, **options))
        return started[-1]

    yield start
    for running in started:
        running.close()


@pytest.fixture(scope="session")
def company_ca(tmp_path_factory, rsa_key):
    """A company's own CA that is its own server certificate: the trust file and the server's TLS context."""
    folder: Path = tmp_path_factory.mktemp("ca")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "company")])
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(subject, subject, rsa_key.public_key(), 1, start, start + datetime.timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in (HOST, MICROSOFT)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(rsa_key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        rsa_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return str(folder / "ca.pem"), context
