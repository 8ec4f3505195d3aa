"""The practice tenant's truth: documents, code flow, refusals, pages, and the demo's state file."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import jwt
import pytest

from . import PRACTICE_PEOPLE, PracticeServer, PracticeTenant, state
from .__main__ import main
from .conftest import Connect
from .tokens import login_hint_of, read_unverified
from .trusting_client import CALLBACK, VERIFIER, Client


@pytest.fixture
def plain() -> Iterator[PracticeTenant]:
    tenant = PracticeTenant(flavour="oidc", signing_alg="ES256", response_iss=True, auto_sign_in=True)
    with PracticeServer(tenant):
        yield tenant


# The truth.


def test_discovery_has_entras_shape(tenant: PracticeTenant, client: Client) -> None:
    answer = client.get(tenant.discovery_url)
    assert answer.headers["Cache-Control"] == "max-age=86400, private"
    assert answer.json["issuer"] == f"{tenant.idp_url}/v2.0" == tenant.issuer
    assert not {"code_challenge_methods_supported", "authorization_response_iss_parameter_supported"} & set(answer.json)
    by_domain = f"{tenant.base_url}/contoso.example/v2.0/.well-known/openid-configuration"
    assert client.get(by_domain).json == answer.json
    unknown = client.get(f"{tenant.base_url}/fabrikam.example/v2.0/.well-known/openid-configuration")
    assert (unknown.status, unknown.json["error"], unknown.json["error_codes"]) == (400, "invalid_tenant", [90002])


def test_keys_have_entras_shape(tenant: PracticeTenant, client: Client) -> None:
    keys = client.get(tenant.jwks_uri).json["keys"]
    assert len(keys) == 3
    for key in keys:
        assert set(key) == {"kty", "use", "kid", "x5t", "n", "e", "x5c", "issuer"}
        assert key["issuer"] == f"{tenant.base_url}/{{tenantid}}/v2.0"
        certificate = base64.b64decode(key["x5c"][0])
        thumbprint = hashlib.sha1(certificate, usedforsecurity=False).digest()
        assert key["x5t"] == base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode()


def test_code_flow(tenant: PracticeTenant, client: Client) -> None:
    returned = client.get(client.authorize_url()).returned
    assert returned["state"] == "s1"
    answer = client.redeem(returned["code"])
    assert (answer.status, answer.json["token_type"]) == (200, "Bearer")
    claims = client.verified(answer.json["id_token"])
    ada = PRACTICE_PEOPLE[0]
    assert (claims["oid"], claims["tid"], claims["ver"], claims["nonce"]) == (ada.oid, tenant.tenant_id, "2.0", "n1")
    assert (claims["email"], claims["upn"], claims["acct"], claims["name"]) == (ada.email, ada.upn, 0, ada.name)
    assert claims["exp"] - claims["iat"] == 3900
    assert claims["sub"] == tenant.subject_of(ada) != ada.oid
    assert claims["login_hint"] == login_hint_of(ada)
    assert set(jwt.get_unverified_header(answer.json["id_token"])) == {"typ", "alg", "kid"}
    again = client.redeem(returned["code"])
    assert (again.status, again.json["error"], again.json["error_codes"]) == (400, "invalid_grant", [54005])
    assert tenant.upstream_count() == tenant.count("token") + tenant.count("keys") == 3


def test_without_the_profile_scope_there_is_no_oid(client: Client) -> None:
    claims = read_unverified(client.redeem(client.code(scope="openid")).json["id_token"])
    assert not {"oid", "name", "upn", "email"} & set(claims)


def test_guest_carries_a_foreign_idp(tenant: PracticeTenant, client: Client) -> None:
    tenant.auto_sign_in = "emmy@fabrikam.example"
    claims = read_unverified(client.id_token())
    assert claims["acct"] == 1
    assert claims["idp"] != claims["iss"]


def test_plain_provider_with_es256_basic_and_iss(plain: PracticeTenant, connect: Connect) -> None:
    client = connect(plain)
    metadata = client.get(f"{plain.base_url}/.well-known/openid-configuration").json
    assert metadata["issuer"] == plain.base_url
    assert metadata["authorization_response_iss_parameter_supported"] is True
    returned = client.get(client.authorize_url(login_hint="grace@contoso.example")).returned
    assert returned["iss"] == plain.issuer
    basic = base64.b64encode(f"{plain.client_id}:{plain.client_secret}".encode()).decode()
    form = {"grant_type": "authorization_code", "code": returned["code"]}
    form |= {"redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    answer = client.send("POST", plain.token_endpoint, form, Authorization=f"Basic {basic}")
    claims = client.verified(answer.json["id_token"])
    assert claims["email"] == "grace@contoso.example"
    assert not {"oid", "tid", "ver"} & set(claims)
    info = client.get(plain.userinfo_endpoint, Authorization=f"Bearer {answer.json['access_token']}")
    assert info.json["sub"] == claims["sub"]


def test_refresh_token(client: Client) -> None:
    first = client.redeem(client.code(scope="openid profile offline_access")).json
    changes = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "code": ""}
    claims = client.verified(client.redeem("", **changes).json["id_token"])
    assert "nonce" not in claims


# The token endpoint's refusals.


@pytest.mark.parametrize(
    ("changes", "status", "error", "code"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": ""}, 401, "invalid_client", 7000218),
        ({"client_id": "another"}, 400, "unauthorized_client", 700016),
        ({"code_verifier": "w" * 64}, 400, "invalid_grant", 501481),
        ({"redirect_uri": CALLBACK + "/"}, 400, "invalid_client", 500112),
        ({"code": "garbage"}, 400, "invalid_grant", 9002313),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"grant_type": ""}, 400, "invalid_request", 900144),
    ],
)
def test_token_refusals(client: Client, changes: dict[str, str], status: int, error: str, code: int) -> None:
    answer = client.redeem(client.code(), **changes)
    assert (answer.status, answer.json["error"], answer.json["error_codes"]) == (status, error, [code])
    assert answer.json["error_description"].startswith(f"AADSTS{code}: ")
    assert {"trace_id", "correlation_id", "timestamp"} <= set(answer.json)


def test_expired_code_and_secrets(tenant: PracticeTenant, client: Client) -> None:
    code, start = client.code(), time.time()
    tenant.clock = lambda: start + 700
    assert client.redeem(code).json["error_codes"] == [70008]
    second = tenant.add_secret()
    tenant.expire_secret()
    assert client.redeem("any").json["error_codes"] == [7000222]
    assert client.redeem(client.code(), client_secret=second).status == 200


def test_client_credentials(tenant: PracticeTenant, client: Client) -> None:
    changes = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default"}
    assert client.redeem("", **changes).json["access_token"]
    assert client.redeem("", **(changes | {"scope": "openid"})).json["error_codes"] == [1002012]
    assert client.redeem("", **changes, client_secret="no").json["error_codes"] == [7000215]
    with tenant.lying(token_error=53003):
        assert client.redeem("", **changes).json["error_codes"] == [53003]


# The sign-in page.


class _Markup(HTMLParser):
    """Collects what a visitor could press, and where the form goes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.buttons: list[dict[str, str | None]] = []
        self.action = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "form":
            self.action = dict(attrs)["action"] or ""
        if tag == "button":
            self.buttons.append(dict(attrs))


def test_page_offers_the_hinted_person_first(tenant: PracticeTenant, client: Client) -> None:
    tenant.auto_sign_in = None
    answer = client.get(client.authorize_url(login_hint="GRACE@contoso.example"))
    page = _Markup(answer.body.decode())
    assert b"Continue as Grace Hopper" in answer.body
    assert b"not Microsoft" in answer.body
    assert "autofocus" in page.buttons[0]
    assert len(page.buttons) == len(PRACTICE_PEOPLE) + 1
    url = tenant.base_url + page.action
    chosen = client.send("POST", url, {"person": str(page.buttons[0]["value"])})
    assert chosen.status == 303
    assert read_unverified(client.redeem(chosen.returned["code"]).json["id_token"])["name"] == "Grace Hopper"
    assert b"signed in in this browser" in client.get(client.authorize_url(), Cookie=chosen.cookie).body
    assert "code" in client.get(client.authorize_url(prompt="none"), Cookie=chosen.cookie).returned
    cancelled = client.send("POST", url, {"cancel": "1"}).returned
    assert (cancelled["error"], cancelled["state"]) == ("access_denied", "s1")
    assert cancelled["error_description"].startswith("AADSTS65004: ")


def test_page_escapes_what_it_is_given(tenant: PracticeTenant, client: Client) -> None:
    tenant.auto_sign_in = None
    body = client.get(client.authorize_url(login_hint="<b>&\"'")).body.decode()
    assert "<b>" not in body
    assert "&lt;b&gt;&amp;&quot;&#x27;" in body


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_id": "another"}, "AADSTS700016"),
        ({"redirect_uri": "https://evil.example/"}, "AADSTS50011"),
        ({"redirect_uri": "http://127.0.0.1.evil.example/"}, "AADSTS50011"),
    ],
)
def test_some_refusals_stay_on_the_page(client: Client, changes: dict[str, str], code: str) -> None:
    answer = client.get(client.authorize_url(**changes))
    assert (answer.status, answer.headers["Location"]) == (400, None)
    assert code.encode() in answer.body


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "select_account", "login_hint": "ada@contoso.example"}, "invalid_request"),
    ],
)
def test_other_refusals_are_redirected(client: Client, changes: dict[str, str], error: str) -> None:
    returned = client.get(client.authorize_url(**changes)).returned
    assert (returned["error"], returned["state"]) == (error, "s1")


def test_logout(tenant: PracticeTenant, client: Client) -> None:
    signed_in = client.get(client.authorize_url())
    sid = read_unverified(client.redeem(signed_in.returned["code"]).json["id_token"])["sid"]
    url = f"{tenant.end_session_endpoint}?{urlencode({'post_logout_redirect_uri': CALLBACK, 'state': 'x'})}"
    tenant.frontchannel_logout_uri = "http://127.0.0.1:8000/bye"
    with_frame = client.get(url, Cookie=signed_in.cookie)
    assert f'src="http://127.0.0.1:8000/bye?sid={sid}"'.encode() in with_frame.body
    assert with_frame.headers["Refresh"] == f"2; url={CALLBACK}?state=x"
    assert client.get(url).headers["Location"] == f"{CALLBACK}?state=x"
    assert b"You signed out" in client.get(tenant.end_session_endpoint).body


# The demo.


def test_state_file_keeps_its_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "demo" / "tenant.json"
    assert main(["init", "--state", str(path), "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kid = state.load(path).keys.current.kid
    assert main(["init", "--state", str(path), "--base-url", "http://127.0.0.1:9001/"]) == 0
    assert main(["show", "--state", str(path), "--json"]) == 0
    second = json.loads(capsys.readouterr().out.partition("\n{")[2].join(["{", ""]))
    assert second["idp_url"] == f"http://127.0.0.1:9001/{first['tenant_id']}"
    assert all(second[name] == first[name] for name in ("tenant_id", "client_id", "client_secret", "people"))
    assert state.load(path).keys.current.kid == kid
    assert main(["show", "--state", str(tmp_path / "none")]) == 1
