"""The two public documents: provider metadata and key set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .keys import Jwk
from .lies import altered
from .tokens import published_for
from .wire import Response, json_response

if TYPE_CHECKING:
    from .tenant import PracticeTenant

_CLAIMS = (
    "sub iss cloud_instance_name cloud_instance_host_name cloud_graph_host_name msgraph_host aud exp iat auth_time "
    "acr nonce preferred_username name tid ver at_hash c_hash email"
)


def discovery_response(tenant: PracticeTenant) -> Response:
    """The provider metadata (Discovery section 4.2)."""
    honest = _entra_metadata(tenant) if tenant.is_entra else _plain_metadata(tenant)
    document = altered(honest, tenant.lie.discovery, tenant.lie.drop_discovery)
    return json_response(document, headers=(("Cache-Control", "max-age=86400, private"),))


def _entra_metadata(tenant: PracticeTenant) -> dict[str, Any]:
    """Entra's members, all of them; what it leaves out (PKCE methods, `iss` in responses) is left out here."""
    root = tenant.idp_url
    return {
        "token_endpoint": tenant.token_endpoint,
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "jwks_uri": tenant.jwks_uri,
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": [tenant.signing_alg],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": tenant.issuer,
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": tenant.userinfo_endpoint,
        "authorization_endpoint": tenant.authorization_endpoint,
        "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": tenant.end_session_endpoint,
        "claims_supported": _CLAIMS.split(),
        "kerberos_endpoint": f"{root}/kerberos",
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
        "rbac_url": "https://pas.windows.net",
    }


def _plain_metadata(tenant: PracticeTenant) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "issuer": tenant.issuer,
        "authorization_endpoint": tenant.authorization_endpoint,
        "token_endpoint": tenant.token_endpoint,
        "userinfo_endpoint": tenant.userinfo_endpoint,
        "jwks_uri": tenant.jwks_uri,
        "end_session_endpoint": tenant.end_session_endpoint,
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": [tenant.signing_alg],
        "token_endpoint_auth_methods_supported": sorted(tenant.token_endpoint_auth_methods),
        "code_challenge_methods_supported": ["S256"],
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }
    if "private_key_jwt" in tenant.token_endpoint_auth_methods:
        metadata["token_endpoint_auth_signing_alg_values_supported"] = ["PS256", "RS256"]
    if tenant.response_iss:
        metadata["authorization_response_iss_parameter_supported"] = True
    return metadata


def jwks_response(tenant: PracticeTenant) -> Response:
    """The key set (RFC 7517 section 5)."""
    key_issuer = f"{tenant.base_url}/{{tenantid}}/v2.0"
    current = tenant.keys.current
    keys: list[Jwk] = []
    for key in tenant.keys.published:
        jwk = key.entra_jwk(key_issuer) if tenant.is_entra else {**key.jwk(), "alg": key.algorithm}
        # A lie wants the signing key first; an honest list is in no meaningful order.
        keys.insert(0 if tenant.lie.jwks and key == current else len(keys), jwk)
    extra = published_for(tenant.lie.sign_with)
    if extra:
        use = "enc" if tenant.lie.sign_with.value == "encryption" else "sig"
        jwk = extra.entra_jwk(key_issuer) if tenant.is_entra and extra.algorithm == "RS256" else extra.jwk()
        keys.append({**jwk, "use": use})
    document: object = {"keys": keys}
    if tenant.lie.jwks:
        lied = tenant.lie.jwks(keys)
        document = {"keys": lied} if isinstance(lied, list) else lied
    return json_response(document, headers=(("Cache-Control", "max-age=86400, private"),))
