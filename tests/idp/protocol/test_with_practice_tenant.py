"""The protocol code against a whole provider: certificate, code, refresh and logout, and their refusals."""

import time
from types import SimpleNamespace

import pytest

from idp.protocol.client_certificate import make_certificate
from idp.protocol.discovery import allowed_algorithms, choose_auth_method
from idp.protocol.entra import discover, parse_idp_url
from idp.protocol.http import HttpClient, HttpPolicy
from idp.protocol.id_token import EntraTokenPolicy, IdTokenPolicy, OriginalSignIn, verify, verify_refreshed
from idp.protocol.jwks import JwksCache
from idp.protocol.logout_token import LogoutTokenPolicy, verify_logout_token
from idp.protocol.reachability import clock_skew
from idp.protocol.token_endpoint import check_client_credentials, exchange_code, refresh
from idp.protocol.types import AssertionKey, ClientCredentials
from tests.entra_tenant import PRACTICE_PEOPLE, PracticeServer, PracticeTenant
from tests.entra_tenant.trusting_client import CALLBACK, VERIFIER, Client
from tests.idp.protocol.support import refused

ADA = PRACTICE_PEOPLE[0]


@pytest.fixture(scope="module")
def certificate():
    return make_certificate("Gatehouse")


@pytest.fixture
def side(certificate):
    """Our side of one served tenant, with a certificate that is registered there."""
    tenant = PracticeTenant(auto_sign_in=ADA.email)
    with PracticeServer(tenant):
        tenant.add_certificate(certificate.certificate_pem)
        origins = frozenset({tenant.base_url})
        client = HttpClient(HttpPolicy(insecure_origins=origins))
        _, metadata = discover(client, parse_idp_url(tenant.idp_url, insecure_origins=origins))
        key = AssertionKey(certificate.private_key_pem, certificate.thumbprint_s256)
        credentials = ClientCredentials(
            tenant.client_id, auth_method=choose_auth_method(metadata, assertion=True), assertion_key=key
        )
        yield SimpleNamespace(
            tenant=tenant, client=client, metadata=metadata, credentials=credentials, keys=JwksCache(client)
        )


def sign_in(side):
    browser = Client(side.tenant)
    code = browser.code(scope="openid profile email offline_access")
    browser.close()
    answer = exchange_code(
        side.client, side.metadata, side.credentials, code=code, redirect_uri=CALLBACK, code_verifier=VERIFIER
    )
    policy = IdTokenPolicy(
        issuer=side.metadata.issuer, client_id=side.tenant.client_id, nonce="n1",
        algorithms=allowed_algorithms("entra", side.metadata), jwks_uri=side.metadata.jwks_uri,
        entra=EntraTokenPolicy(side.tenant.tenant_id),
    )  # fmt: skip
    return answer, policy, verify(answer.id_token, policy=policy, keys=side.keys)


def renew(side, refresh_token):
    return refresh(side.client, side.metadata, side.credentials, refresh_token=refresh_token)


def test_a_session_lives_on_refreshed_tokens_until_it_is_revoked(side):
    answer, policy, claims = sign_in(side)
    original = OriginalSignIn.of(claims, nonce="n1")
    for _ in range(2):
        answer = renew(side, answer.refresh_token)
        again = verify_refreshed(answer.id_token, policy=policy, keys=side.keys, original=original)
        assert again.federated_subject == claims.federated_subject
    side.tenant.grants.revoke_refresh_tokens(ADA)
    with refused("idp.token_endpoint.grant_ended") as caught:
        renew(side, answer.refresh_token)
    assert caught.value.failure.aadsts == 50173
    assert caught.value.context["trace_id"]


@pytest.mark.parametrize(
    ("code", "lie"),
    [("issuer", {"iss": "https://evil.example"}), ("subject_changed", {"sub": "another"}), ("tenant", {"tid": "x"})],
)
def test_a_refreshed_token_that_lies_is_refused(side, code, lie):
    answer, policy, claims = sign_in(side)
    with side.tenant.lying(claims=lie):
        lied = renew(side, answer.refresh_token)
    with refused(f"idp.token.{code}"):
        verify_refreshed(lied.id_token, policy=policy, keys=side.keys, original=OriginalSignIn.of(claims))


def test_an_outage_and_a_deleted_certificate_end_no_session(side):
    answer, _, _ = sign_in(side)
    with side.tenant.lying(token_error=90033), refused("idp.token_endpoint.unavailable"):
        renew(side, answer.refresh_token)
    side.tenant.remove_certificate()
    with refused("idp.token_endpoint.refused") as caught:
        renew(side, answer.refresh_token)
    assert caught.value.field == "certificate"


def test_the_check_of_credentials_tells_what_is_wrong_with_a_certificate(side):
    def check():
        return check_client_credentials(side.client, side.metadata, side.credentials)

    assert check().accepted
    start = time.time()
    for numbers, days in ((700024, 1), (50012, 400)):
        side.tenant.clock = lambda ahead=days: start + ahead * 86400
        with refused("idp.token_endpoint.client_refused") as caught:
            check()
        assert (caught.value.failure.aadsts, caught.value.field) == (numbers, "certificate")


def test_its_logout_tokens_end_sessions(side):
    _, policy, claims = sign_in(side)
    logout = LogoutTokenPolicy(policy.issuer, policy.client_id, policy.algorithms, policy.jwks_uri)
    ended = verify_logout_token(side.tenant.logout_token(ADA, claims.sid), policy=logout, keys=side.keys)
    assert (ended.sid, ended.subject) == (claims.sid, claims.subject)
    with side.tenant.lying(claims={"events": {}}), refused("idp.logout_token.event"):
        verify_logout_token(side.tenant.logout_token(ADA, claims.sid), policy=logout, keys=side.keys)


def test_a_clock_that_is_wrong_shows(side):
    side.tenant.date_skew = -900.0
    headers = side.client.get_json(side.metadata.jwks_uri).headers
    assert clock_skew(headers, time.time()) == pytest.approx(900, abs=3)
