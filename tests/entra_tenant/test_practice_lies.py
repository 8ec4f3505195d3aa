"""The practice tenant's lies are what they claim, and its faults end."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from . import Fault, PracticeServer, PracticeTenant, SignWith, lies
from .conftest import Connect
from .trusting_client import CALLBACK, Client

# Lies.


@pytest.mark.parametrize(
    ("lie", "algorithm"),
    [
        ({"sign_with": SignWith.FOREIGN}, "RS256"),
        ({"corrupt_signature": True}, "RS256"),
        ({"sign_with": SignWith.HS256_PUBLIC_KEY}, "HS256"),
        ({"sign_with": SignWith.HS256_CLIENT_SECRET}, "HS256"),
        ({"sign_with": SignWith.NONE}, "none"),
        ({"sign_with": SignWith.ES256}, "ES256"),
        ({"header": {"alg": "none"}}, "none"),
        ({"claims": {"aud": "another"}}, "RS256"),
        ({"drop": ("iss",)}, "RS256"),
        ({"claims": {"exp": lambda honest: honest["iat"] - 4000}}, "RS256"),
        ({"payload": lies.json_list_payload}, "RS256"),
    ],
)
def test_lies_are_refused_by_a_sound_verifier(
    tenant: PracticeTenant, client: Client, lie: dict[str, Any], algorithm: str
) -> None:
    with tenant.lying(**lie):
        token = client.id_token()
        assert jwt.get_unverified_header(token)["alg"] == algorithm
        with pytest.raises(jwt.PyJWTError):
            client.verified(token)
    assert client.verified(client.id_token())


def test_published_keys_really_sign_the_lies(tenant: PracticeTenant, client: Client) -> None:
    for sign_with, use, bits in ((SignWith.ENCRYPTION, "enc", 2048), (SignWith.SHORT, "sig", 1024)):
        with tenant.lying(sign_with=sign_with):
            header = jwt.get_unverified_header(client.id_token())
            key = next(key for key in client.get(tenant.jwks_uri).json["keys"] if key["kid"] == header["kid"])
        assert (key["use"], len(base64.urlsafe_b64decode(key["n"] + "==")) * 8) == (use, bits)


def test_raw_tokens(tenant: PracticeTenant, client: Client) -> None:
    with tenant.lying(id_token=lies.two_segments):
        assert client.id_token().count(".") == 1
    with tenant.lying(claims={"padding": "x" * 20_000}):
        assert len(client.id_token()) > 16 * 1024
    with tenant.lying(payload=lies.nested_payload(1000)):
        assert client.id_token()
    with tenant.lying(header={"jku": tenant.trap_url}, drop_header=("kid",)):
        assert set(jwt.get_unverified_header(client.id_token())) == {"typ", "alg", "jku"}


def test_rotation(tenant: PracticeTenant, client: Client) -> None:
    before = tenant.keys.current.kid
    tenant.rotate_keys()
    assert jwt.get_unverified_header(client.id_token())["kid"] != before
    assert before in {key["kid"] for key in client.get(tenant.jwks_uri).json["keys"]}
    with tenant.lying(rotate_before_signing=True):
        token = client.id_token()
    assert client.verified(token)
    assert len(client.get(tenant.jwks_uri).json["keys"]) == 1


def test_key_set_lies(tenant: PracticeTenant, client: Client) -> None:
    def published() -> Any:
        return client.get(tenant.jwks_uri).json

    with tenant.lying(jwks=lies.single_key, drop_header=("kid",)):
        only = jwt.PyJWK({**published()["keys"][0], "alg": "RS256"})
        assert jwt.decode(client.id_token(), only, ["RS256"], audience=tenant.client_id)
    with tenant.lying(jwks=lies.duplicate_kid):
        assert len(published()["keys"]) == 2 * len({key["kid"] for key in published()["keys"]})
    with tenant.lying(jwks=lies.no_keys):
        assert published() == {"keys": []}
    with tenant.lying(jwks=lies.other_tenant):
        assert "{tenantid}" not in json.dumps(published())
    with tenant.lying(jwks=lies.not_a_key_set):
        assert "keys" not in published()


def test_response_lies(tenant: PracticeTenant, client: Client) -> None:
    lie = {"response": {"iss": "https://evil.example"}, "repeat_response": ("state",), "drop_response": ("code",)}
    with tenant.lying(**lie):
        returned = parse_qs(urlsplit(client.get(client.authorize_url()).headers["Location"]).query)
    assert (returned["iss"], returned["state"]) == (["https://evil.example"], ["s1", "s1"])
    assert "code" not in returned
    with tenant.lying(drop_token=("id_token",), token={"token_type": "bEaReR"}):
        answer = client.redeem(client.code()).json
    assert (answer["token_type"], "id_token" in answer) == ("bEaReR", False)
    with tenant.lying(discovery={"issuer": "https://evil.example"}, drop_discovery=("jwks_uri",)):
        metadata = client.get(tenant.discovery_url).json
    assert (metadata["issuer"], "jwks_uri" in metadata) == ("https://evil.example", False)
    with tenant.lying(authorize_error=50105):
        assert client.get(client.authorize_url()).returned["error"] == "access_denied"
        with tenant.lying(response_mode="form_post"):
            page = client.get(client.authorize_url()).body.decode()
    assert f'method="post" action="{CALLBACK}"' in page
    assert 'name="error" value="access_denied"' in page


# Faults.


def test_faults_that_are_answers(tenant: PracticeTenant, client: Client) -> None:
    for fault, body in ((Fault.HTML, b"<!doctype"), (Fault.JSON_LIST, b"["), (Fault.EMPTY, b"")):
        tenant.fault("keys", fault)
        answer = client.get(tenant.jwks_uri)
        assert (answer.status, answer.body.startswith(body)) == (200, True)
    tenant.fault("token", Fault.REDIRECT_307)
    assert client.redeem("x").headers["Location"] == tenant.trap_url
    tenant.fault("keys", Fault.STATUS, status=503, times=1)
    assert [client.get(tenant.jwks_uri).status for _ in range(2)] == [503, 200]
    tenant.fault("discovery", Fault.GZIP_BOMB, size=3 << 20)
    bomb = client.get(tenant.discovery_url).body
    assert len(bomb) < 8192
    assert len(json.loads(gzip.decompress(bomb))["padding"]) == 3 << 20


def test_faults_that_break_the_connection(tenant: PracticeTenant, connect: Connect) -> None:
    tenant.fault("keys", Fault.DOWN)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        connect(tenant).get(tenant.jwks_uri)
    tenant.fault("keys", Fault.RESET_MID_BODY)
    client = connect(tenant)
    client.connection.request("GET", urlsplit(tenant.jwks_uri).path)
    response = client.connection.getresponse()
    assert response.status == 200
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        response.read()
    tenant.clear_faults()
    assert connect(tenant).get(tenant.jwks_uri).status == 200


def test_huge_answers(tenant: PracticeTenant, connect: Connect) -> None:
    for fault in (Fault.HUGE, Fault.HUGE_CHUNKED):
        tenant.fault("token", fault, size=1 << 20)
        assert len(connect(tenant).redeem("x").body) == 1 << 20


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.DRIP, Fault.DRIP_HEADERS, Fault.HUGE, Fault.LATE])
@pytest.mark.parametrize("ended_by", ["client", "test", "server"])
def test_endless_faults_end_promptly(fault: Fault, ended_by: str, connect: Connect) -> None:
    tenant = PracticeTenant()
    server = PracticeServer(tenant).start()
    armed = tenant.fault("keys", fault)
    client = connect(tenant)
    client.connection.request("GET", urlsplit(tenant.jwks_uri).path)
    # Otherwise the client may be gone before the fault has begun.
    assert armed.begun.wait(5)
    start = time.monotonic()
    if ended_by == "client":
        client.connection.close()
        assert server.wait_idle()
    elif ended_by == "test":
        tenant.clear_faults()
        assert fault is Fault.HUGE or server.wait_idle()
    server.stop()
    assert time.monotonic() - start < 1


def test_a_late_answer_is_an_honest_one(tenant: PracticeTenant, connect: Connect) -> None:
    armed = tenant.fault("keys", Fault.LATE)
    client = connect(tenant)
    client.connection.request("GET", urlsplit(tenant.jwks_uri).path)
    assert armed.begun.wait(5)
    tenant.clear_faults()
    assert json.loads(client.connection.getresponse().read())["keys"]


def test_a_stopped_server_refuses_and_starts_again_on_its_port(connect: Connect) -> None:
    tenant = PracticeTenant()
    server = PracticeServer(tenant).start()
    port = server.port
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        connect(tenant).get(tenant.discovery_url)
    with server:
        assert server.port == port
        client = connect(tenant)
        assert [client.get(tenant.discovery_url).status for _ in range(3)] == [200] * 3
    assert server.connections == 1
