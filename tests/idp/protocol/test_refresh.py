"""Refreshing a session: what ends it, what does not, and whose it still is (OIDC Core 12)."""

import pytest

from idp.protocol.id_token import EntraTokenPolicy, IdTokenPolicy, OriginalSignIn, verify, verify_refreshed
from idp.protocol.token_endpoint import exchange_code, refresh
from idp.protocol.types import ClientCredentials, ProviderMetadata, TokenResponse
from tests.idp.protocol.support import (
    CLIENT_ID,
    ISSUER,
    NONCE,
    NOW,
    OBJECT_ID,
    OTHER_TENANT,
    TENANT,
    KeyServer,
    claims_for,
    form_of,
    jwk_of,
    refused,
    reply,
    sign,
)

SECRET = "a-secret-of-this-client"
REFRESH_TOKEN = "1.Ra-refresh-token-0123456789"
GOOD = {"token_type": "Bearer", "access_token": "opaque"}


def ask(peer, body, status=200):
    """The answer to one refresh, and what was sent for it."""
    server = peer(lambda _r, _c: reply(body, status))
    metadata = ProviderMetadata(server.origin, "", f"{server.origin}/token", "")
    answer = refresh(server.client(), metadata, ClientCredentials(CLIENT_ID, SECRET), refresh_token=REFRESH_TOKEN)
    return answer, form_of(server.requests[0])


@pytest.mark.spec("OIDC Core", "12.2")
@pytest.mark.parametrize(
    ("extra", "id_token", "refresh_token"),
    [({}, "", ""), ({"id_token": "a.b.c"}, "a.b.c", ""), ({"refresh_token": "next"}, "", "next")],
)
def test_it_redeems_a_refresh_token(peer, extra, id_token, refresh_token):
    answer, form = ask(peer, GOOD | extra)
    assert answer == TokenResponse(id_token, "opaque", refresh_token)
    assert form == {
        "grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN, "client_id": CLIENT_ID, "client_secret": SECRET,
    }  # fmt: skip


def test_an_exchanged_code_brings_the_refresh_token_and_nobody_sees_it(peer):
    server = peer(GOOD | {"id_token": "a.b.c", "refresh_token": REFRESH_TOKEN})
    metadata = ProviderMetadata(server.origin, "", server.origin, "")
    answer = exchange_code(
        server.client(), metadata, ClientCredentials(CLIENT_ID, SECRET), code="c", redirect_uri="r", code_verifier="v"
    )
    assert answer.refresh_token == REFRESH_TOKEN
    assert not [text for text in (REFRESH_TOKEN, "a.b.c", "opaque") if text in repr(answer)]


@pytest.mark.parametrize(
    ("code", "changes"),
    [("token_type", {"token_type": "mac"}), ("malformed", {"refresh_token": ["x"]}), ("malformed", {"id_token": 7})],
)
def test_it_refuses_an_unusable_answer(peer, code, changes):
    with refused(f"idp.token_endpoint.{code}"):
        ask(peer, GOOD | changes)


def entra(number, word):
    return {"error": word, "error_codes": [number], "error_description": f"AADSTS{number}: {REFRESH_TOKEN} {SECRET}"}


ENDED = [
    *[entra(number, "invalid_grant") for number in (50173, 70043, 700082, 50132, 50133, 70008, 50057, 50034, 50105)],
    *[entra(number, "invalid_grant") for number in (53003, 65001, 9002313, 123456)],
    *[entra(number, "interaction_required") for number in (50076, 50079, 53000)],
    {"error": "invalid_grant"}, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."},
    {"error": "login_required"}, {"error": "access_denied", "error_description": "Policy evaluation failed"},
]  # fmt: skip


@pytest.mark.parametrize("body", ENDED, ids=str)
def test_a_grant_that_the_provider_ended_ends_the_session(peer, body):
    with refused("idp.token_endpoint.grant_ended") as caught:
        ask(peer, body, 400)
    error = caught.value
    assert error.failure.oauth_error == body["error"]
    assert "code was used" not in error.admin_detail
    assert not [text for text in (REFRESH_TOKEN, SECRET) if text in f"{error!r}{vars(error)}"]


@pytest.mark.parametrize(
    "body",
    [
        entra(7000215, "invalid_client"), entra(7000222, "invalid_client"), entra(700027, "invalid_client"),
        entra(700016, "unauthorized_client"), entra(7000112, "unauthorized_client"), entra(90002, "invalid_request"),
        {"error": "invalid_client"}, {"error": "unauthorized_client"}, {"error": "unsupported_grant_type"},
        {"error": "invalid_scope"}, {"error": "invalid_request"}, {"error": "weird"},
        # The number decides where a provider's word says less.
        entra(7000222, "invalid_grant"), entra(50013, "invalid_grant"), entra(50196, "invalid_grant"),
    ],
    ids=str,
)  # fmt: skip
def test_our_own_mistakes_do_not_look_like_an_ended_grant(peer, body):
    with refused("idp.token_endpoint.refused"):
        ask(peer, body, 401)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 503), ({}, 400), ({"error": "temporarily_unavailable"}, 400), ({"error": "server_error"}, 400),
        (entra(90033, "invalid_grant"), 400), ({"error": "invalid_grant"}, 500), ({"error": "invalid_grant"}, 503),
        ({"error": "invalid_grant"}, 429), (entra(50173, "invalid_grant"), 502),
    ],
)  # fmt: skip
def test_a_provider_in_trouble_does_not_look_like_an_ended_grant(peer, body, status):
    with refused("idp.token_endpoint.unavailable") as caught:
        ask(peer, body, status)
    assert caught.value.context["status"] == status


ORIGINAL = OriginalSignIn(ISSUER, "pairwise-subject", TENANT, OBJECT_ID, auth_time=NOW - 5000, nonce=NONCE)


class Provider(KeyServer):
    def policy(self, **changes):
        values = {
            "issuer": ISSUER, "client_id": CLIENT_ID, "nonce": "", "algorithms": frozenset({"RS256"}),
            "jwks_uri": self.jwks_uri, "entra": EntraTokenPolicy(TENANT),
        } | changes  # fmt: skip
        return IdTokenPolicy(**values)

    def refreshed(self, token, original=ORIGINAL, **policy):
        return verify_refreshed(token, policy=self.policy(**policy), keys=self.keys, original=original, now=NOW)


@pytest.fixture
def provider(peer, rsa_key):
    return Provider(peer, jwk_of(rsa_key, "k1"))


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"nonce": NONCE}, {"auth_time": NOW - 5000}, {"auth_time": NOW - 5000.4}, {"azp": CLIENT_ID},
        {"aud": [CLIENT_ID]}, {"oid": OBJECT_ID.upper()}, {"auth_time": None}, {"nonce": None},
    ],
)  # fmt: skip
@pytest.mark.spec("OIDC Core", "12.2")
def test_a_refreshed_token_of_the_same_person_is_good(provider, rsa_key, changes):
    claims = provider.refreshed(sign(rsa_key, claims_for(**({"nonce": ...} | changes))))
    assert claims.federated_subject == f"{TENANT}.{OBJECT_ID}"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("issuer", {"iss": "https://evil.example"}), ("issuer", {"iss": ...}),
        ("subject_changed", {"sub": "another"}), ("subject_changed", {"oid": OTHER_TENANT}),
        ("subject_missing", {"sub": ...}), ("tenant", {"tid": OTHER_TENANT}),
        ("audience", {"aud": "other"}), ("azp_missing", {"aud": [CLIENT_ID, "x"]}), ("azp", {"azp": "x"}),
        ("issued_at_missing", {"iat": ...}), ("too_old", {"iat": NOW - 3600}), ("expired", {"exp": NOW - 100}),
        ("nonce", {"nonce": "another"}), ("nonce", {"nonce": ""}), ("nonce", {"nonce": [NONCE]}),
        ("auth_time_changed", {"auth_time": NOW}), ("auth_time_changed", {"auth_time": "soon"}),
        ("guest", {"acct": 1}),
    ],
)  # fmt: skip
@pytest.mark.spec("OIDC Core", "12.2")
def test_a_refreshed_token_that_differs_is_refused(provider, rsa_key, code, changes):
    with refused(f"idp.token.{code}"):
        provider.refreshed(sign(rsa_key, claims_for(**({"nonce": ...} | changes))))


def test_a_nonce_that_was_not_kept_cannot_be_right(provider, rsa_key):
    original = OriginalSignIn(ISSUER, "pairwise-subject", TENANT, OBJECT_ID)
    with refused("idp.token.nonce"):
        provider.refreshed(sign(rsa_key, claims_for()), original)


def test_a_refreshed_token_has_to_be_signed_like_any_other(provider, other_rsa_key):
    with refused("idp.token.signature"):
        provider.refreshed(sign(other_rsa_key, claims_for(nonce=...)))


def test_a_session_of_another_issuer_is_not_refreshed_here(provider, rsa_key):
    original = OriginalSignIn("https://before.example", "pairwise-subject", TENANT, OBJECT_ID)
    with refused("idp.token.issuer"):
        provider.refreshed(sign(rsa_key, claims_for(nonce=...)), original)


@pytest.mark.parametrize("entra_policy", [EntraTokenPolicy(TENANT), None])
def test_what_is_kept_of_a_sign_in_fits_its_refreshed_token(provider, rsa_key, entra_policy):
    first = claims_for(auth_time=NOW - 90)
    policy = provider.policy(nonce=NONCE, entra=entra_policy)
    claims = verify(sign(rsa_key, first), policy=policy, keys=provider.keys, now=NOW)
    original = OriginalSignIn.of(claims, nonce=NONCE)
    assert (original.auth_time, original.subject) == (NOW - 90, "pairwise-subject")
    assert NONCE not in repr(original)
    assert provider.refreshed(sign(rsa_key, first), original, entra=entra_policy) == claims
