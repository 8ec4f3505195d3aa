"""Discovery documents, of Entra and of others (reference/entra.md 1.1, OpenID Connect Discovery 1.0)."""

import pytest

from idp.protocol.discovery import (
    allowed_algorithms,
    choose_auth_method,
    fetch_metadata,
    normalise_issuer,
    parse_metadata,
)
from idp.protocol.entra import discover, parse_idp_url
from idp.protocol.http import HttpClient, HttpPolicy
from idp.protocol.types import ProviderMetadata
from tests.idp.protocol.support import MICROSOFT, TENANT, refused, reply, resolving


def document(base, **changes):
    """A tenant's document as Entra sends it; a change to `...` removes the member."""
    found = {
        "issuer": f"{base}/v2.0", "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token", "jwks_uri": f"{base}/discovery/v2.0/keys",
        "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
        "end_session_endpoint": f"{base}/oauth2/v2.0/logout", "response_types_supported": ["code", "id_token"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "id_token_signing_alg_values_supported": ["RS256"], "tenant_region_scope": None,
        "cloud_instance_name": "microsoftonline.com", "msgraph_host": "graph.microsoft.com", "unknown": {"x": 1},
    } | changes  # fmt: skip
    return {name: value for name, value in found.items() if value is not ...}


def discovered(peer, tenant=TENANT, status=200, body=None, **changes):
    """Discovers a tenant whose document has these changes; `BASE` in a value stands for the authority."""

    def answer(_request, _conn):
        base = f"{server.origin}/{TENANT}"
        fill = {k: v.replace("BASE", base) if isinstance(v, str) else v for k, v in changes.items()}
        return reply(document(base, **fill) if body is None else body, status)

    server = peer(answer)
    authority = parse_idp_url(f"{server.origin}/{tenant}", insecure_origins=frozenset({server.origin}))
    return server, discover(server.client(), authority)


def test_it_discovers_a_tenant(peer):
    server, (authority, metadata) = discovered(peer)
    assert server.requests[0].target == f"/{TENANT}/v2.0/.well-known/openid-configuration"
    assert metadata.issuer == authority.issuer
    assert metadata.tenant_region_scope == ""
    assert ProviderMetadata.from_dict(metadata.as_dict()) == metadata


def test_it_resolves_a_domain_to_the_tenant_id(peer):
    _, (authority, _) = discovered(peer, tenant="contoso.com")
    assert (authority.tenant, authority.tenant_is_id) == (TENANT, True)
    assert TENANT in authority.notices[0]


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("idp.discovery.issuer_missing", {"issuer": ...}),
        ("idp.discovery.issuer_mismatch", {"issuer": "BASE/v2.0/"}),
        ("idp.discovery.issuer_mismatch", {"issuer": "https://sts.example.com/v2.0"}),
        ("idp.discovery.endpoint_missing", {"token_endpoint": ...}),
        ("idp.discovery.endpoint_missing", {"jwks_uri": ""}),
        ("idp.discovery.endpoint_host", {"token_endpoint": "https://login.example.com/token"}),
        ("idp.discovery.endpoint_host", {"jwks_uri": "https://127.0.0.1/keys"}),
        ("idp.discovery.endpoint_insecure", {"token_endpoint": "http://login.microsoftonline.com/token"}),
        ("idp.discovery.endpoint_insecure", {"userinfo_endpoint": "http://graph.microsoft.com/oidc"}),
        ("idp.discovery.endpoint_insecure", {"authorization_endpoint": "javascript:alert(1)"}),
        ("idp.discovery.endpoint_insecure", {"authorization_endpoint": "https://a@login.example.com/x"}),
        ("idp.discovery.endpoint_insecure", {"authorization_endpoint": "https://[2001:db8::1];sandbox/authorize"}),
        ("idp.discovery.endpoint_insecure", {"authorization_endpoint": "https://[2001:db8::1].example.com/x"}),
        ("idp.discovery.member_type", {"token_endpoint": 7}),
        ("idp.discovery.member_type", {"id_token_signing_alg_values_supported": "RS256"}),
        ("idp.discovery.member_type", {"authorization_response_iss_parameter_supported": "yes"}),
        ("idp.discovery.code_flow", {"response_types_supported": ["id_token"]}),
    ],
)
def test_it_refuses_a_document(peer, code, changes):
    with refused(code) as caught:
        discovered(peer, **changes)
    assert caught.value.field == "url"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, {"error": "invalid_tenant", "error_codes": [90002]}, "idp.discovery.tenant_unknown"),
        (400, {"error": "x", "error_description": "AADSTS90002: Tenant"}, "idp.discovery.tenant_unknown"),
        (404, {}, "idp.discovery.not_found"),
        (500, {"error": "server_error"}, "idp.discovery.refused"),
        (500, {"error": {"nested": "<script>"}}, "idp.discovery.refused"),
    ],
)
def test_it_says_why_discovery_failed(peer, status, body, code):
    with refused(code) as caught:
        discovered(peer, status=status, body=body)
    assert caught.value.field == "url"


def test_a_domain_of_the_multi_tenant_authority_is_refused(peer):
    with refused("idp.url.multi_tenant"):
        discovered(peer, tenant="contoso.com", issuer="BASE/v2.0".replace("BASE", "https://x/{tenantid}"))


@pytest.mark.parametrize("member", ["issuer", "token_endpoint", "jwks_uri"])
def test_it_names_the_url_of_a_tenant_in_another_cloud(peer, company_ca, member):
    us = f"https://login.microsoftonline.us/{TENANT}/v2.0"
    server = peer(document(f"https://{MICROSOFT}/{TENANT}", **{member: us}), tls=company_ca[1])
    policy = HttpPolicy(ca_file=company_ca[0], private_hosts=frozenset({MICROSOFT}))
    client = HttpClient(policy, resolver=resolving(["127.0.0.1"], to_port=server.port))
    with refused("idp.discovery.cloud_mismatch") as caught:
        discover(client, parse_idp_url(TENANT))
    assert f"https://login.microsoftonline.us/{TENANT}" in caught.value.hint


@pytest.mark.parametrize(
    ("kind", "text", "issuer"),
    [
        ("google", "whatever", "https://accounts.google.com"),
        ("okta", "acme.okta.com", "https://acme.okta.com"),
        ("okta", " https://Acme.okta.com/ ", "https://acme.okta.com"),
        ("okta", "https://acme-admin.okta.com/admin/dashboard", "https://acme.okta.com"),
        ("okta", "https://acme-admin.oktapreview.com", "https://acme.oktapreview.com"),
        ("okta", "https://acme.okta.com/oauth2/default", "https://acme.okta.com/oauth2/default"),
        ("okta", "acme.okta.com/oauth2/default/v1/authorize", "https://acme.okta.com/oauth2/default"),
        ("okta", "https://acme.okta.com/oauth2/v1/token", "https://acme.okta.com"),
        ("okta", "https://acme.okta.com/.well-known/openid-configuration", "https://acme.okta.com"),
        (
            "okta",
            "https://sso.acme.com/oauth2/aus1/.well-known/openid-configuration",
            "https://sso.acme.com/oauth2/aus1",
        ),
        ("oidc", "sso.acme.com", "https://sso.acme.com"),
        ("oidc", "https://sso.acme.com/", "https://sso.acme.com/"),
        ("oidc", "https://sso.acme.com:8443/realms/Staff", "https://sso.acme.com:8443/realms/Staff"),
        ("oidc", "https://SSO.acme.com/a/.well-known/openid-configuration", "https://sso.acme.com/a"),
    ],
)
def test_it_finds_the_issuer_in_what_was_pasted(kind, text, issuer):
    assert normalise_issuer(text, kind=kind) == issuer


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("idp.url.empty", " "), ("idp.url.too_long", "x" * 3000), ("idp.url.control_characters", "a\u200bb.com"),
        ("idp.url.backslash", "a\\b"), ("idp.url.insecure", "http://sso.acme.com"), ("idp.url.scheme", "ftp://a.com"),
        ("idp.url.userinfo", "https://a@sso.acme.com"), ("idp.url.malformed", "acme"), ("idp.url.malformed", "é.com"),
        ("idp.url.query", "https://sso.acme.com/?a=b"), ("idp.url.query", "https://sso.acme.com/#x"),
        ("idp.url.use_entra", f"https://login.microsoftonline.com/{TENANT}/v2.0"),
    ],
)  # fmt: skip
def test_it_refuses_what_is_no_issuer(code, text):
    with refused(code) as caught:
        normalise_issuer(text, kind="oidc")
    assert "Entra admin center" not in caught.value.hint


@pytest.mark.parametrize(("pasted", "found"), [("", "/"), ("/", ""), ("/a", "/a")])
def test_the_issuer_is_the_documents_own_up_to_a_trailing_slash(peer, pasted, found):
    server = peer(lambda _r, _c: reply(document(server.origin, issuer=server.origin + found)))
    origins = frozenset({server.origin})
    issuer = normalise_issuer(server.origin + pasted, kind="oidc", insecure_origins=origins)
    assert fetch_metadata(server.client(), issuer, insecure_origins=origins).issuer == server.origin + found


def test_it_refuses_the_document_of_another_issuer(peer):
    server = peer(lambda _r, _c: reply(document(server.origin)))
    with refused("idp.discovery.issuer_mismatch"):
        fetch_metadata(server.client(), server.origin, insecure_origins=frozenset({server.origin}))


def metadata_with(**members):
    base = "https://sso.acme.com"
    return parse_metadata(document(base, **members), expected_issuer=f"{base}/v2.0")


@pytest.mark.parametrize(
    ("kind", "advertised", "allowed"),
    [
        ("entra", ["RS256", "ES256"], {"RS256"}), ("oidc", ["none", "HS256", "ES256", "RS512"], {"ES256", "RS512"}),
        ("oidc", [], {"RS256"}), ("okta", ..., {"RS256"}), ("oidc", ["EdDSA"], {"EdDSA"}),
    ],
)  # fmt: skip
def test_it_allows_advertised_asymmetric_algorithms(kind, advertised, allowed):
    metadata = metadata_with(id_token_signing_alg_values_supported=advertised)
    assert allowed_algorithms(kind, metadata) == allowed


def test_it_refuses_a_provider_with_weak_algorithms_alone():
    with refused("idp.discovery.algorithms"):
        allowed_algorithms("oidc", metadata_with(id_token_signing_alg_values_supported=["HS256", "none"]))


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["client_secret_basic", "client_secret_post"], "client_secret_post"),
        (["private_key_jwt", "client_secret_basic"], "client_secret_basic"), (..., "client_secret_basic"),
    ],
)  # fmt: skip
def test_it_chooses_how_to_send_the_secret(offered, chosen):
    assert choose_auth_method(metadata_with(token_endpoint_auth_methods_supported=offered)) == chosen


def test_it_refuses_a_provider_without_client_secrets():
    with refused("idp.discovery.auth_method"):
        choose_auth_method(metadata_with(token_endpoint_auth_methods_supported=["private_key_jwt"]))


LISTS = ("scopes_supported", "grant_types_supported", "token_endpoint_auth_signing_alg_values_supported")
FLAGS = (
    "frontchannel_logout_supported",
    "frontchannel_logout_session_supported",
    "backchannel_logout_supported",
    "backchannel_logout_session_supported",
)


def test_it_reads_what_the_provider_supports_beyond_signing_in():
    metadata = metadata_with(**dict.fromkeys(LISTS, ["a", "b"]), **dict.fromkeys(FLAGS, True))
    assert [getattr(metadata, member) for member in LISTS] == [("a", "b")] * len(LISTS)
    assert [getattr(metadata, member) for member in FLAGS] == [True] * len(FLAGS)
    assert ProviderMetadata.from_dict(metadata.as_dict()) == metadata


@pytest.mark.parametrize("absent", [..., None])
def test_a_provider_need_not_say_what_it_supports(absent):
    metadata = metadata_with(**dict.fromkeys((*LISTS, *FLAGS), absent))
    assert [getattr(metadata, member) for member in LISTS] == [()] * len(LISTS)
    assert [getattr(metadata, member) for member in FLAGS] == [False] * len(FLAGS)


@pytest.mark.parametrize(("member", "value"), [*[(m, "yes") for m in FLAGS], *[(m, "a b") for m in LISTS]])
def test_it_refuses_these_members_of_the_wrong_type(member, value):
    with refused("idp.discovery.member_type"):
        metadata_with(**{member: value})


def test_snapshots_of_other_versions_still_load():
    stored = metadata_with().as_dict()
    older = {name: value for name, value in stored.items() if name not in (*LISTS, *FLAGS)}
    assert ProviderMetadata.from_dict(older) == metadata_with()
    assert ProviderMetadata.from_dict(stored | {"a_later_member": [1]}) == metadata_with()
