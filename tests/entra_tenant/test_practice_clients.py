"""The practice tenant's application: its certificates, its refresh tokens, and what the tenant starts by itself."""

from __future__ import annotations

import datetime
import hashlib
import html
import re
import time
import uuid
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from . import PRACTICE_PEOPLE, PracticeServer, PracticeTenant, SignWith
from .assertions import ASSERTION_TYPE
from .conftest import Connect
from .keys import b64url
from .tokens import read_unverified
from .trusting_client import CALLBACK, Client

ADA = PRACTICE_PEOPLE[0]


class Application:
    """An application with a certificate, as PyJWT would have it."""

    def __init__(self, tenant: PracticeTenant) -> None:
        self.tenant = tenant
        self.key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([])
        start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=1)
        self.certificate = x509.CertificateBuilder(
            name, name, self.key.public_key(), 1, start, start + datetime.timedelta(days=1)
        ).sign(self.key, hashes.SHA256())
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.thumbprint = b64url(hashlib.sha256(self.certificate.public_bytes(serialization.Encoding.DER)).digest())

    def assertion(self, *, algorithm: str = "PS256", header: dict[str, Any] | None = None, **changes: Any) -> str:
        now, client_id = int(self.tenant.now()), self.tenant.client_id
        claims = {"aud": self.tenant.token_endpoint, "iss": client_id, "sub": client_id, "jti": str(uuid.uuid4())}
        claims |= {"nbf": now, "iat": now, "exp": now + 300} | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        headers = {"x5t#S256": self.thumbprint} if header is None else header
        return jwt.encode(claims, self.key, algorithm, headers=headers)

    def form(self, assertion: str | None = None, **changes: str) -> dict[str, str]:
        form = {
            "grant_type": "client_credentials",
            "scope": "https://graph.microsoft.com/.default",
            "client_secret": "",
        }
        form |= {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion or self.assertion()}
        return form | changes


@pytest.fixture
def application(tenant: PracticeTenant) -> Application:
    application = Application(tenant)
    assert tenant.add_certificate(application.pem) == application.thumbprint
    return application


def test_a_registered_certificate_takes_the_place_of_the_secret(client: Client, application: Application) -> None:
    assert client.redeem("", **application.form()).json["access_token"]
    code = client.code()
    answer = client.redeem(code, **application.form(grant_type="authorization_code", scope="", client_id=""))
    assert client.verified(answer.json["id_token"])["oid"] == ADA.oid
    sha1 = b64url(application.certificate.fingerprint(hashes.SHA1()))  # noqa: S303
    older = application.assertion(algorithm="RS256", header={"x5t": sha1})
    assert client.redeem("", **application.form(older)).status == 200


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (700027, {"header": {"x5t#S256": "unknown"}}),
        (700027, {"header": {}}),
        (50013, {"aud": "https://evil.example/token"}),
        (50013, {"iss": "another"}),
        (50013, {"jti": None}),
        (50013, {"exp": None}),
        (50013, {"exp": 4102444800}),
        (700024, {"nbf": 1000, "exp": 1300}),
    ],
)
def test_a_wrong_assertion_is_refused(
    client: Client, application: Application, code: int, changes: dict[str, Any]
) -> None:
    answer = client.redeem("", **application.form(application.assertion(**changes)))
    assert (answer.status, answer.json["error"], answer.json["error_codes"]) == (401, "invalid_client", [code])


def test_an_assertion_is_used_once_and_the_certificate_until_it_ends(
    tenant: PracticeTenant, client: Client, application: Application
) -> None:
    form = application.form()
    assert [client.redeem("", **form).status for _ in range(2)] == [200, 401]
    tampered = application.assertion()[:-8] + "AAAAAAAA"
    assert client.redeem("", **application.form(tampered)).json["error_codes"] == [700027]
    start = time.time()
    tenant.clock = lambda: start + 2 * 86400
    assert client.redeem("", **application.form()).json["error_codes"] == [50012]
    tenant.clock = None
    tenant.remove_certificate()
    assert client.redeem("", **application.form()).json["error_codes"] == [700027]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_secret": "and a secret"}, 90023),
        ({"client_assertion_type": "saml"}, 90023),
        ({"client_assertion": "a.b"}, 50027),
        ({"client_assertion": "e30.W10.e30"}, 50027),
    ],
)
def test_odd_client_authentication_is_refused(
    client: Client, application: Application, changes: dict[str, str], code: int
) -> None:
    assert client.redeem("", **application.form(**changes)).json["error_codes"] == [code]


def test_a_plain_provider_says_whether_it_takes_certificates(connect: Connect) -> None:
    tenant = PracticeTenant(flavour="oidc")
    with PracticeServer(tenant):
        client, application = connect(tenant), Application(tenant)
        tenant.add_certificate(application.pem)
        metadata = client.get(tenant.discovery_url).json
        assert "private_key_jwt" in metadata["token_endpoint_auth_methods_supported"]
        assert "PS256" in metadata["token_endpoint_auth_signing_alg_values_supported"]
        assert metadata["backchannel_logout_supported"] is True
        to_issuer = application.form(application.assertion(aud=tenant.issuer))
        assert client.redeem("", **to_issuer).status == 200
        tenant.token_endpoint_auth_methods = {"client_secret_post"}
        assert client.redeem("", **application.form()).status == 401


# Refresh tokens.


def refresh(client: Client, refresh_token: str) -> Any:
    changes = {"grant_type": "refresh_token", "refresh_token": refresh_token, "code": ""}
    return client.redeem("", **changes).json


def test_refresh_tokens_are_revoked_for_one_person_or_for_all(tenant: PracticeTenant, client: Client) -> None:
    first = client.redeem(client.code(scope="openid profile offline_access")).json
    original = read_unverified(first["id_token"])
    again = refresh(client, first["refresh_token"])
    for name in ("iss", "sub", "oid", "auth_time", "sid"):
        assert client.verified(again["id_token"])[name] == original[name]
    tenant.grants.revoke_refresh_tokens(PRACTICE_PEOPLE[1])
    assert refresh(client, first["refresh_token"])["refresh_token"]
    tenant.grants.revoke_refresh_tokens(ADA)
    for token in (first["refresh_token"], again["refresh_token"]):
        ended = refresh(client, token)
        assert (ended["error"], ended["error_codes"]) == ("invalid_grant", [50173])
    assert refresh(client, "unknown")["error_codes"] == [70008]


def test_refresh_tokens_may_be_good_for_once(tenant: PracticeTenant, client: Client) -> None:
    tenant.rotate_refresh_tokens = True
    first = client.redeem(client.code(scope="openid offline_access")).json["refresh_token"]
    second = refresh(client, first)["refresh_token"]
    assert refresh(client, first)["error"] == "invalid_grant"
    assert refresh(client, second)["id_token"]


def test_refreshed_tokens_can_lie_or_be_left_out(tenant: PracticeTenant, client: Client) -> None:
    token = client.redeem(client.code(scope="openid offline_access")).json["refresh_token"]
    with tenant.lying(claims={"sub": "another", "iss": "https://evil.example"}):
        claims = read_unverified(refresh(client, token)["id_token"])
    assert (claims["sub"], claims["iss"]) == ("another", "https://evil.example")
    with tenant.lying(drop_token=("id_token",)):
        assert "id_token" not in refresh(client, token)


# The rest of the conformance rows.


def test_userinfo_and_its_lies(tenant: PracticeTenant, client: Client) -> None:
    answer = client.redeem(client.code()).json
    bearer = {"Authorization": f"Bearer {answer['access_token']}"}
    honest = client.get(tenant.userinfo_endpoint, **bearer).json
    assert honest["sub"] == read_unverified(answer["id_token"])["sub"]
    with tenant.lying(userinfo={"sub": "x"}, drop_userinfo=("name",)):
        lied = client.get(tenant.userinfo_endpoint, **bearer).json
    assert (lied["sub"], "name" in lied) == ("x", False)
    assert client.get(tenant.userinfo_endpoint, Authorization="Bearer no").status == 401


def test_form_post_carries_code_and_state(client: Client) -> None:
    page = client.get(client.authorize_url(response_mode="form_post")).body.decode()
    assert f'action="{CALLBACK}"' in page
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page))
    assert html.unescape(fields["state"]) == "s1"
    assert client.redeem(html.unescape(fields["code"])).status == 200


def test_prompt_none_tells_whether_a_session_is_left(tenant: PracticeTenant, client: Client) -> None:
    signed_in = client.get(client.authorize_url())
    tenant.auto_sign_in = None
    assert "code" in client.get(client.authorize_url(prompt="none"), Cookie=signed_in.cookie).returned
    client.get(tenant.end_session_endpoint, Cookie=signed_in.cookie)
    ended = client.get(client.authorize_url(prompt="none"), Cookie=signed_in.cookie).returned
    assert (ended["error"], ended["state"]) == ("login_required", "s1")


def test_third_party_login_names_issuer_hint_and_target(tenant: PracticeTenant) -> None:
    url = tenant.third_party_login_url("https://rp.example/start", "ada@contoso.example", "https://rp.example/profile")
    params = {name: value[0] for name, value in parse_qs(urlsplit(url).query).items()}
    assert params == {
        "iss": tenant.issuer,
        "login_hint": "ada@contoso.example",
        "target_link_uri": "https://rp.example/profile",
    }
    assert parse_qs(urlsplit(tenant.third_party_login_url("https://rp.example/start")).query) == {
        "iss": [tenant.issuer]
    }


def test_frontchannel_logout_names_the_session(tenant: PracticeTenant) -> None:
    tenant.frontchannel_logout_uri = "https://rp.example/bye?x=1"
    assert tenant.frontchannel_logout_url("s 1") == "https://rp.example/bye?x=1&sid=s+1"
    assert "iss=http" in tenant.frontchannel_logout_url("s", iss=tenant.issuer)


def test_logout_tokens_and_their_lies(tenant: PracticeTenant, client: Client) -> None:
    event = "http://schemas.openid.net/event/backchannel-logout"
    token = tenant.logout_token(ADA, "a-session")
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"
    claims = client.verified(token)
    assert (claims["sub"], claims["sid"], claims["events"]) == (tenant.subject_of(ADA), "a-session", {event: {}})
    assert "nonce" not in claims
    with tenant.lying(claims={"events": {"x": {}}, "nonce": "n"}, drop=("jti",), header={"typ": "at+jwt"}):
        lied = tenant.logout_token(ADA, "a-session")
    assert jwt.get_unverified_header(lied)["typ"] == "at+jwt"
    assert (read_unverified(lied)["events"], "jti" in read_unverified(lied)) == ({"x": {}}, False)
    with tenant.lying(sign_with=SignWith.NONE):
        assert jwt.get_unverified_header(tenant.logout_token(ADA, "s"))["alg"] == "none"


def test_the_date_header_can_be_wrong_by_itself(tenant: PracticeTenant, client: Client) -> None:
    def ahead() -> float:
        return parsedate_to_datetime(client.get(tenant.jwks_uri).headers["Date"]).timestamp() - time.time()

    assert abs(ahead()) < 2
    tenant.date_skew = 600.0
    assert 598 < ahead() < 602
    assert abs(client.verified(client.id_token())["iat"] - time.time()) < 5
