"""Certificates in place of a client secret: made here, uploaded there, used for one request at a time."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from idp.protocol.client_assertion import ASSERTION_TYPE, make_assertion
from idp.protocol.client_certificate import as_cer, make_certificate
from idp.protocol.discovery import choose_auth_method
from idp.protocol.token_endpoint import check_client_credentials, exchange_code, refresh
from idp.protocol.types import AssertionKey, ClientCredentials, ProviderMetadata
from tests.idp.protocol.support import NOW, b64, form_of, refused, reply

MORNING = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def made():
    return make_certificate("Contoso sign-in", 365, now=MORNING)


@pytest.fixture
def key(made):
    return AssertionKey(made.private_key_pem, made.thumbprint_s256)


def certificate_of(made):
    return x509.load_pem_x509_certificate(made.certificate_pem.encode())


def test_the_certificate_belongs_to_the_key_and_lasts_as_long_as_asked(made):
    certificate = certificate_of(made)
    private = serialization.load_pem_private_key(made.private_key_pem.encode(), None)
    assert certificate.public_key() == private.public_key()
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "Contoso sign-in"
    assert (certificate.not_valid_before_utc, certificate.not_valid_after_utc) == (made.not_before, made.not_after)
    assert made.not_after == MORNING + timedelta(days=365)
    assert MORNING - timedelta(minutes=10) < made.not_before < MORNING
    certificate.verify_directly_issued_by(certificate)


def test_the_thumbprints_are_those_that_entra_computes(made):
    der = as_cer(made.certificate_pem)
    assert made.thumbprint_s256 == b64(hashlib.sha256(der).digest())
    assert made.thumbprint_sha1_hex == hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()
    assert x509.load_der_x509_certificate(der) == certificate_of(made)


def test_the_certificate_signs_and_does_nothing_else(made):
    extensions = certificate_of(made).extensions
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_cert_sign, usage.key_encipherment) == (True, False, False)
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.parametrize(
    ("name", "common_name"),
    [("", "Gatehouse"), ("  \n ", "Gatehouse"), ("A\x00da\u202e", "Ada"), ("é" * 70, "é" * 32)],
)
def test_any_name_makes_a_certificate(name, common_name):
    subject = certificate_of(make_certificate(name, 1)).subject
    assert subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == common_name


def test_a_longer_key_can_be_asked_for():
    assert certificate_of(make_certificate("x", key_size=3072)).public_key().key_size == 3072


@pytest.mark.parametrize("days", [0, -1, 1096, 10**9])
def test_it_refuses_a_lifetime_that_is_none(days):
    with refused("idp.client_certificate.days"):
        make_certificate("x", days)


@pytest.mark.parametrize("text", ["", "x", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", "é"])
def test_it_refuses_what_is_no_certificate(text):
    with refused("idp.client_certificate.unreadable"):
        as_cer(text)


@pytest.mark.spec("RFC 7523", "3")
def test_an_assertion_says_who_to_whom_and_for_how_long(made, key):
    token = make_assertion(key, client_id="our-id", audience="https://idp.example/token", now=NOW)
    header = jwt.get_unverified_header(token)
    assert header == {"alg": "PS256", "typ": "JWT", "x5t#S256": made.thumbprint_s256}
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("our-id", "our-id", "https://idp.example/token")
    assert claims["nbf"] <= claims["iat"] == NOW
    assert NOW < claims["exp"] <= claims["nbf"] + 300
    # What the provider does with it: verify it by the certificate that was uploaded.
    public = certificate_of(made).public_key()
    options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    assert jwt.decode(token, public, ["PS256"], audience="https://idp.example/token", options=options) == claims


@pytest.mark.parametrize("kind", ["none", "empty", "garbage", "public", "elliptic", "short", "encrypted"])
def test_it_refuses_a_key_that_cannot_sign(kind, made, ec_key, short_rsa_key):
    def pem(private, encryption=None):
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return private.private_bytes(encoding, form, encryption or serialization.NoEncryption()).decode()

    texts = {
        "empty": "", "garbage": "key", "public": made.certificate_pem, "elliptic": pem(ec_key),
        "short": pem(short_rsa_key), "encrypted": pem(ec_key, serialization.BestAvailableEncryption(b"x")),
    }  # fmt: skip
    assertion_key = None if kind == "none" else AssertionKey(texts[kind], "thumbprint")
    metadata = ProviderMetadata(*["https://127.0.0.1:1"] * 4)
    credentials = ClientCredentials("id", auth_method="private_key_jwt", assertion_key=assertion_key)
    with refused("idp.client_assertion.key"):
        refresh(None, metadata, credentials, refresh_token="r")


class Endpoint:
    def __init__(self, peer, body, key, status=200):
        self.server = peer(lambda _r, _c: reply(body, status))
        self.metadata = ProviderMetadata(self.server.origin, "", f"{self.server.origin}/token", "")
        self.credentials = ClientCredentials("our-id", auth_method="private_key_jwt", assertion_key=key)

    def ask(self, function=check_client_credentials, **arguments):
        return function(self.server.client(), self.metadata, self.credentials, **arguments)


def test_each_token_request_carries_a_fresh_assertion_and_no_secret(peer, key):
    endpoint = Endpoint(peer, {"token_type": "Bearer", "id_token": "a.b.c"}, key)
    endpoint.ask()
    endpoint.ask(exchange_code, code="c", redirect_uri="https://gatehouse.test/cb", code_verifier="v")
    endpoint.ask(refresh, refresh_token="r")
    forms = [form_of(request) for request in endpoint.server.requests]
    assert [form["grant_type"] for form in forms] == ["client_credentials", "authorization_code", "refresh_token"]
    for request, form in zip(endpoint.server.requests, forms, strict=True):
        assert (form["client_assertion_type"], form["client_id"]) == (ASSERTION_TYPE, "our-id")
        assert "client_secret" not in form
        assert "authorization" not in request.headers
    claims = [jwt.decode(form["client_assertion"], options={"verify_signature": False}) for form in forms]
    assert {claim["aud"] for claim in claims} == {endpoint.metadata.token_endpoint}
    assert len({claim["jti"] for claim in claims}) == 3


def test_neither_key_nor_assertion_shows(peer, key, made):
    assertions = []

    def echo(request, _conn):
        assertions.append(form_of(request)["client_assertion"])
        return reply(
            {
                "error": "invalid_client",
                "error_description": f"bad assertion {assertions[0]} near {assertions[0][-20:]}",
            },
            401,
        )

    endpoint = Endpoint(peer, {}, key)
    endpoint.server.answer = echo
    with refused("idp.token_endpoint.client_refused") as caught:
        endpoint.ask()
    error = caught.value
    assert "bad assertion" in error.context["upstream_text"]
    shown = f"{error!r}{error}{vars(error)}{endpoint.credentials!r}{made!r}"
    secret_lines = made.private_key_pem.splitlines()[1:-1]
    sent = (*assertions[0].split("."), assertions[0][-20:])
    assert not [text for text in (*secret_lines, *sent) if text in shown]


def metadata_offering(*methods, algorithms=()):
    return ProviderMetadata(
        *["https://idp.example"] * 4,
        token_endpoint_auth_methods_supported=methods,
        token_endpoint_auth_signing_alg_values_supported=algorithms,
    )


@pytest.mark.parametrize("algorithms", [(), ("RS256", "PS256")])
def test_a_certificate_is_used_where_the_provider_takes_one(algorithms):
    metadata = metadata_offering("client_secret_post", "private_key_jwt", algorithms=algorithms)
    assert choose_auth_method(metadata, assertion=True) == "private_key_jwt"
    assert choose_auth_method(metadata) == "client_secret_post"


@pytest.mark.parametrize("methods", [(), ("client_secret_post",), ("client_secret_jwt", "client_secret_basic")])
def test_a_provider_without_certificates_is_refused_and_gets_no_secret(methods):
    with refused("idp.discovery.assertion") as caught:
        choose_auth_method(metadata_offering(*methods), assertion=True)
    assert (methods[0] if methods else "client_secret_basic") in caught.value.message


def test_a_provider_that_takes_other_signatures_is_refused():
    with refused("idp.discovery.assertion_algorithm"):
        choose_auth_method(metadata_offering("private_key_jwt", algorithms=("RS256", "ES256")), assertion=True)
