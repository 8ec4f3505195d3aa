"""The token endpoint: exchanging codes, checking secrets, and what its errors mean (reference/entra.md 1.6, 1.7)."""

import base64
import re
from urllib.parse import parse_qs, unquote_plus

import pytest

from idp.protocol.aadsts import OAuthFailure
from idp.protocol.oauth_errors import AuthorizationRefused
from idp.protocol.token_endpoint import check_client_credentials, exchange_code
from idp.protocol.types import ClientCredentials, ProviderMetadata, TokenResponse
from tests.idp.protocol.support import refused, reply

SECRET = "s~e€c&r+e=t %"
CORRELATION = "0a1b2c3d-1111-4222-8333-444455556666"
GOOD = {"token_type": "Bearer", "id_token": "a.b.c", "access_token": "opaque"}


def entra_error(number, error="invalid_client"):
    return {
        "error": error,
        "error_description": f"AADSTS{number}: text\r\nTrace ID: x\r\nCorrelation ID: {CORRELATION}",
        "error_codes": [number],
        "timestamp": "2026-01-02 03:04:05Z",
        "correlation_id": CORRELATION,
    }


class Endpoint:
    def __init__(self, peer, body, status=200):
        self.server = peer(lambda _r, _c: reply(body, status))
        origin = self.server.origin
        self.metadata = ProviderMetadata(origin, origin, f"{origin}/token", origin, msgraph_host="graph.microsoft.us")

    def exchange(self, method="client_secret_post"):
        credentials = ClientCredentials("client id", SECRET, method)
        redirect_uri, client = "https://gatehouse.test/oauth/callback/entra", self.server.client()
        return exchange_code(
            client, self.metadata, credentials, code="c0de", redirect_uri=redirect_uri, code_verifier="v"
        )

    def check(self):
        return check_client_credentials(self.server.client(), self.metadata, ClientCredentials("id", SECRET))

    @property
    def form(self):
        return {name: value[0] for name, value in parse_qs(self.server.requests[0].body.decode()).items()}


def test_it_exchanges_a_code_with_the_secret_in_the_body(peer):
    endpoint = Endpoint(peer, GOOD)
    assert endpoint.exchange() == TokenResponse("a.b.c", "opaque")
    assert endpoint.form == {
        "grant_type": "authorization_code", "code": "c0de", "code_verifier": "v",
        "redirect_uri": "https://gatehouse.test/oauth/callback/entra", "client_id": "client id",
        "client_secret": SECRET,
    }  # fmt: skip


@pytest.mark.spec("RFC 6749", "2.3.1")
def test_it_form_encodes_the_secret_for_basic_authentication(peer):
    endpoint = Endpoint(peer, GOOD)
    endpoint.exchange("client_secret_basic")
    scheme, _, encoded = endpoint.server.requests[0].headers["authorization"].partition(" ")
    user, _, password = base64.b64decode(encoded).decode("ascii").partition(":")
    assert (scheme, unquote_plus(user), unquote_plus(password)) == ("Basic", "client id", SECRET)
    assert not {"client_secret", "client_id"} & set(endpoint.form)


@pytest.mark.parametrize("token_type", ["bearer", "BEARER", "Bearer"])
def test_the_token_type_is_compared_without_case(peer, token_type):
    body = {"token_type": token_type, "id_token": "a.b.c"}
    assert Endpoint(peer, body).exchange().access_token == ""


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("token_type", {"token_type": "mac"}), ("token_type", {"token_type": None}), ("token_type", {"token_type": 7}),
        ("id_token_missing", {"id_token": None}), ("id_token_missing", {"id_token": ""}),
        ("malformed", {"id_token": {}}), ("malformed", {"access_token": ["x"]}),
    ],
)  # fmt: skip
def test_it_refuses_an_unusable_answer(peer, code, changes):
    with refused(f"idp.token_endpoint.{code}"):
        Endpoint(peer, GOOD | changes).exchange()


@pytest.mark.parametrize(("body", "status"), [({}, 503), ({}, 400), ({"error": "temporarily_unavailable"}, 503)])
def test_it_reports_an_endpoint_that_is_down(peer, body, status):
    for act in ("exchange", "check"):
        with refused("idp.token_endpoint.unavailable"):
            getattr(Endpoint(peer, body, status), act)()


@pytest.mark.parametrize("status", [200, 400, 401])
def test_it_explains_an_upstream_error(peer, status):
    with refused("idp.token_endpoint.refused") as caught:
        Endpoint(peer, entra_error(7000215), status).exchange()
    error = caught.value
    assert (error.http_status, error.exit_status, error.field) == (502, 5, "client_secret")
    assert error.context["aadsts"] == 7000215
    assert error.context["correlation_id"] == CORRELATION
    assert "AADSTS" not in error.message
    assert "AADSTS7000215" in error.admin_detail
    assert "Certificates & secrets" in error.admin_hint


@pytest.mark.parametrize("body", [GOOD, {"error": "x", "error_description": f"your secret {SECRET} and code c0de"}])
def test_no_secret_shows_in_errors_or_reprs(peer, body):
    endpoint = Endpoint(peer, body, 200 if body is GOOD else 400)
    try:
        shown = repr(endpoint.exchange())
    except Exception as error:  # noqa: BLE001
        shown = f"{error!r}{error}{vars(error)}"
    shown += repr(ClientCredentials("id", SECRET))
    assert not [word for word in (SECRET, "c0de", "a.b.c", "opaque") if word in shown]


def test_a_good_secret_is_accepted(peer):
    endpoint = Endpoint(peer, {"token_type": "Bearer", "access_token": "discarded"})
    assert endpoint.check().accepted
    assert endpoint.form["grant_type"] == "client_credentials"
    assert endpoint.form["scope"] == "https://graph.microsoft.us/.default"


@pytest.mark.parametrize(("number", "error"), [(53003, "access_denied"), (65001, "consent_required")])
def test_policies_and_consent_come_after_the_secret(peer, number, error):
    check = Endpoint(peer, entra_error(number, error), 400).check()
    assert (check.verdict, check.aadsts) == ("accepted", number)
    assert check.note


@pytest.mark.parametrize("error", ["unauthorized_client", "unsupported_grant_type", "invalid_scope"])
def test_a_provider_without_this_grant_tells_nothing(peer, error):
    assert Endpoint(peer, {"error": error}, 400).check().verdict == "unknown"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (entra_error(7000215), "client_secret"), (entra_error(7000222), "client_secret"),
        (entra_error(700016, "unauthorized_client"), "client_id"), (entra_error(90002, "invalid_request"), "url"),
        ({"error": "invalid_client"}, "client_secret"),
    ],
)  # fmt: skip
def test_a_wrong_secret_shows_beside_its_field(peer, body, field):
    with refused("idp.token_endpoint.client_refused") as caught:
        Endpoint(peer, body, 401).check()
    error = caught.value
    assert (error.field, error.http_status, error.exit_status) == (field, 400, 2)
    assert str(error) == error.message == error.admin_detail


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [(OAuthFailure("access_denied"), "cancelled"), (OAuthFailure("access_denied", 50105), "not assigned"),
     (OAuthFailure("weird"), "refused")],
)  # fmt: skip
def test_a_refused_authorization_tells_the_person_why(failure, sentence):
    error = AuthorizationRefused(failure)
    assert (error.code, error.http_status, error.exit_status) == ("idp.authorization.refused", 403, 3)
    assert re.search(sentence, error.message)
