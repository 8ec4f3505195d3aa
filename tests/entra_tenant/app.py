"""The tenant as one function from request to response, and which path is what kind of request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import pages
from .authorize import authorize, logout
from .documents import discovery_response, jwks_response
from .errors import refuse
from .keys import foreign_key
from .token_endpoint import token, userinfo
from .wire import Request, Response, WsgiApp, as_wsgi, json_response

if TYPE_CHECKING:
    from .tenant import PracticeTenant

_ENTRA_PATHS = {
    "v2.0/.well-known/openid-configuration": "discovery",
    "discovery/v2.0/keys": "keys",
    "oauth2/v2.0/authorize": "authorize",
    "oauth2/v2.0/token": "token",
    "oauth2/v2.0/logout": "logout",
}
_PLAIN_PATHS = {
    "/.well-known/openid-configuration": "discovery",
    "/keys": "keys",
    "/authorize": "authorize",
    "/token": "token",
    "/logout": "logout",
    "/userinfo": "userinfo",
}
_COMMON_PATHS = {
    "/": "home",
    "/style.css": "asset",
    "/form-post.js": "asset",
    "/favicon.ico": "asset",
    "/trap": "trap",
}
_TENANT_PATH = re.compile(r"/([^/]+)/(.+)")


def kind_of(tenant: PracticeTenant, path: str) -> tuple[str, str]:
    """The kind of request a path means, and the tenant it names (Entra's flavour only)."""
    if path in _COMMON_PATHS:
        return _COMMON_PATHS[path], ""
    if not tenant.is_entra:
        return _PLAIN_PATHS.get(path, "unknown"), ""
    if path == "/oidc/userinfo":
        return "userinfo", ""
    match = _TENANT_PATH.fullmatch(path)
    return (_ENTRA_PATHS.get(match[2], "unknown"), match[1].lower()) if match else ("unknown", "")


def handle(tenant: PracticeTenant, request: Request) -> Response:
    """Logs and answers one request."""
    kind, named = kind_of(tenant, request.path)
    tenant.log.add(kind, request)
    if named and kind != "unknown" and named not in {tenant.tenant_id.lower(), *tenant.domains}:
        return _unknown_tenant(tenant, kind, named)
    return _answer(tenant, kind, request)


def _answer(tenant: PracticeTenant, kind: str, request: Request) -> Response:
    match kind:
        case "discovery":
            return discovery_response(tenant)
        case "keys":
            return jwks_response(tenant)
        case "authorize":
            return authorize(tenant, request)
        case "token":
            return token(tenant, request)
        case "logout":
            return logout(tenant, request)
        case "userinfo":
            return userinfo(tenant, request)
        case "trap":
            return json_response({"keys": [foreign_key(tenant.signing_alg).jwk()]})
        case "home":
            return pages.home_page(tenant)
        case "asset":
            return _asset(request.path)
    return Response(status=404, body=b"Not found\n")


def _asset(path: str) -> Response:
    if path == "/style.css":
        return Response(body=pages.STYLE, content_type="text/css; charset=utf-8")
    if path == "/form-post.js":
        return Response(body=pages.FORM_POST_SCRIPT, content_type="text/javascript; charset=utf-8")
    return Response(status=204, content_type="")


def _unknown_tenant(tenant: PracticeTenant, kind: str, named: str) -> Response:
    # Entra names this error differently at the token endpoint.
    refusal = refuse(90002, tenant=named, error="invalid_request" if kind == "token" else "")
    if kind in {"authorize", "logout"}:
        return pages.error_page(refusal)
    return json_response(refusal.body(tenant.base_url), status=refusal.status)


def wsgi_app(tenant: PracticeTenant) -> WsgiApp:
    """The tenant as a WSGI application."""
    return as_wsgi(lambda request: handle(tenant, request))
