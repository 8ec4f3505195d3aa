"""The token endpoint and userinfo: what Gatehouse's server asks directly."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from .assertions import check_assertion, client_of
from .errors import TenantRefusal, refuse
from .grants import Grant
from .keys import b64url
from .lies import altered
from .tokens import honest_claims, mint
from .wire import Request, Response, json_response

if TYPE_CHECKING:
    from .tenant import PracticeTenant


def token(tenant: PracticeTenant, request: Request) -> Response:
    """Answers one token request, truthfully or not."""
    lie = tenant.lie
    try:
        if lie.token_error:
            raise refuse(lie.token_error, client_id=tenant.client_id)
        honest = _grant_tokens(tenant, request)
    except TenantRefusal as refusal:
        body = refusal.body(tenant.base_url) if tenant.is_entra else refusal.plain_body()
        return json_response(body, status=refusal.status)
    response = json_response(altered(honest, lie.token, lie.drop_token), status=lie.token_status)
    return Response(
        status=response.status,
        body=response.body if lie.token_body is None else lie.token_body,
        content_type=lie.token_content_type or response.content_type,
        headers=response.headers,
    )


def _grant_tokens(tenant: PracticeTenant, request: Request) -> dict[str, Any]:
    if request.method != "POST":
        raise refuse(900561, allowed="POST")
    if name := request.repeated("resource"):
        raise refuse(9000411, name=name)
    grant_type = request.value("grant_type")
    if not grant_type:
        raise refuse(900144, name="grant_type")
    # Entra's order: the tenant (by the router), the application, its credential, then the grant.
    _authenticate(tenant, request)
    if grant_type == "client_credentials":
        return _application_token(request)
    if grant_type == "authorization_code":
        return _person_tokens(tenant, _redeem(tenant, request))
    if grant_type == "refresh_token":
        return _person_tokens(tenant, _refreshed(tenant, request))
    raise refuse(70003, grant_type=grant_type)


def _credentials(request: Request) -> tuple[str, str, str]:
    """The client's id and credential, and the method by which they came (RFC 6749 section 2.3)."""
    assertion = request.value("client_assertion")
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise refuse(7000218) from None
        if assertion:
            raise refuse(90023, reason="two kinds of client authentication in one request")
        return unquote_plus(client_id), unquote_plus(secret), "client_secret_basic"
    if assertion:
        if request.value("client_secret"):
            raise refuse(90023, reason="two kinds of client authentication in one request")
        return request.value("client_id") or client_of(assertion), assertion, "private_key_jwt"
    return request.value("client_id"), request.value("client_secret"), "client_secret_post"


def _authenticate(tenant: PracticeTenant, request: Request) -> None:
    client_id, secret, method = _credentials(request)
    if not client_id:
        raise refuse(900144, name="client_id")
    if client_id != tenant.client_id:
        raise refuse(700016, client_id=client_id)
    if not secret or method not in tenant.token_endpoint_auth_methods:
        raise refuse(7000218)
    if "origin" in request.headers:
        raise refuse(9002326)
    if method == "private_key_jwt":
        check_assertion(tenant, request)
        return
    if any(_same(secret, expired) for expired in tenant.expired_secrets):
        raise refuse(7000222, client_id=client_id)
    if not any(_same(secret, valid) for valid in {tenant.client_secret, *tenant.further_secrets}):
        raise refuse(7000215, client_id=client_id)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _redeem(tenant: PracticeTenant, request: Request) -> Grant:
    if not (code := request.value("code")):
        raise refuse(900144, name="code")
    grant = tenant.grants.redeem_code(code)
    if request.value("redirect_uri") != grant.redirect_uri:
        raise refuse(500112)
    verifier = request.value("code_verifier")
    if not _same(b64url(hashlib.sha256(verifier.encode()).digest()), grant.code_challenge):
        raise refuse(501481)
    return grant


def _refreshed(tenant: PracticeTenant, request: Request) -> Grant:
    if not (refresh_token := request.value("refresh_token")):
        raise refuse(900144, name="refresh_token")
    return tenant.grants.refreshed(refresh_token, use_up=tenant.rotate_refresh_tokens)


def _application_token(request: Request) -> dict[str, Any]:
    scope = request.value("scope")
    if not scope.endswith("/.default"):
        raise refuse(1002012, scope=scope)
    # Opaque to everyone but the resource, and no resource of this tenant takes it.
    return {
        "token_type": "Bearer",
        "expires_in": 3599,
        "ext_expires_in": 3599,
        "access_token": b64url(hashlib.sha256(scope.encode()).digest()),
    }


def _person_tokens(tenant: PracticeTenant, grant: Grant) -> dict[str, Any]:
    access_token = tenant.grants.issue_access_token(grant)
    answer: dict[str, Any] = {
        "token_type": "Bearer",
        "scope": grant.scope,
        "expires_in": 4021,
        "ext_expires_in": 4021,
        "access_token": access_token,
    }
    if "offline_access" in grant.scope.split():
        answer["refresh_token"] = tenant.grants.issue_refresh_token(grant)
    answer["id_token"] = mint(tenant, honest_claims(tenant, grant, access_token))
    return answer


def userinfo(tenant: PracticeTenant, request: Request) -> Response:
    """Claims against an access token (Core section 5.3)."""
    scheme, _, access_token = request.headers.get("authorization", "").partition(" ")
    grant = tenant.grants.behind_access_token(access_token) if scheme.lower() == "bearer" else None
    if grant is None:
        challenge = (("WWW-Authenticate", 'Bearer error="invalid_token"'),)
        return json_response({"error": "invalid_token"}, status=401, headers=challenge)
    known = honest_claims(tenant, grant)
    names = ("sub", "name", "given_name", "family_name", "preferred_username", "email", "email_verified")
    honest = {name: known[name] for name in names if name in known}
    return json_response(altered(honest, tenant.lie.userinfo, tenant.lie.drop_userinfo))
