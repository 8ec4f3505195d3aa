"""Issuers and discovery documents (OpenID Connect Discovery 1.0, RFC 8414)."""

from collections.abc import Mapping
from typing import Any, Literal

from idp.protocol import errors, url_errors
from idp.protocol.client_assertion import ASSERTION_ALGORITHM
from idp.protocol.clouds import cloud_of_host
from idp.protocol.http import HttpClient, JsonResponse
from idp.protocol.observing import DISCOVERY
from idp.protocol.types import AuthMethod, ProviderMetadata
from idp.protocol.urls import (
    MAX_LENGTH,
    WELL_KNOWN,
    UrlParts,
    has_invisible,
    is_callable,
    is_insecure_origin,
    split_url,
)

GenericKind = Literal["google", "okta", "oidc"]

GOOGLE_ISSUER = "https://accounts.google.com"
_OKTA_DOMAINS = (".okta.com", ".oktapreview.com", ".okta-emea.com", ".okta-gov.com", ".okta.mil")
_WELL_KNOWN_SUFFIXES = (WELL_KNOWN, "/.well-known/oauth-authorization-server")
_ISSUER_HINT = "Paste the issuer of your provider, such as https://login.example.com."
# Front-Channel Logout 1.0 section 3, Back-Channel Logout 1.0 section 2.1.
_LOGOUT_FLAGS = (
    "frontchannel_logout_supported",
    "frontchannel_logout_session_supported",
    "backchannel_logout_supported",
    "backchannel_logout_session_supported",
)
_SECURE_ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)


def normalise_issuer(text: str, *, kind: GenericKind, insecure_origins: frozenset[str] = frozenset()) -> str:
    """The issuer behind what an administrator pasted: a host, an issuer, or the address of its document."""
    if kind == "google":
        return GOOGLE_ISSUER
    try:
        parts = _issuer_parts(text, insecure_origins)
    except url_errors.UrlError as exc:
        if exc.hint == url_errors.UrlError.hint:  # which is about Entra
            exc.hint = _ISSUER_HINT
        raise
    if kind == "okta":
        return _okta_issuer(parts)
    path = parts.path
    while path.endswith(_WELL_KNOWN_SUFFIXES):
        path = path[: path.rindex("/.well-known/")]
    # Issuers are compared as they are: a trailing slash belongs to some (Auth0) and not to others.
    return parts.origin + path


def _issuer_parts(text: str, insecure_origins: frozenset[str]) -> UrlParts:
    text = text.strip()
    if not text:
        raise url_errors.UrlEmpty
    if len(text) > MAX_LENGTH:
        raise url_errors.UrlTooLong
    if has_invisible(text):
        raise url_errors.UrlControlCharacters
    if "\\" in text:
        raise url_errors.UrlBackslash
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = split_url(text)
    except ValueError:
        raise _why_malformed(text) from None
    if not is_callable(parts, insecure_origins):
        raise url_errors.UrlInsecure
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise url_errors.IssuerQuery
    if cloud_of_host(parts.host):
        raise url_errors.IssuerIsEntra
    is_name = "." in parts.host or ":" in parts.host
    if not is_name and not is_insecure_origin(parts, insecure_origins):
        raise url_errors.UrlMalformed
    return parts


def _why_malformed(text: str) -> url_errors.UrlError:
    scheme, _, rest = text.partition("://")
    if scheme.lower() not in {"http", "https"}:
        return url_errors.UrlScheme()
    if "@" in rest.partition("/")[0]:
        return url_errors.UrlUserInfo()
    return url_errors.UrlMalformed()


def _okta_issuer(parts: UrlParts) -> str:
    """The org's own authorization server, or the custom one that the path names (`/oauth2/<id>`)."""
    origin = parts.origin
    for domain in _OKTA_DOMAINS:
        # The administration console has a host of its own, and that is what administrators copy.
        if parts.host.endswith(f"-admin{domain}"):
            origin = origin.replace(f"-admin{domain}", domain)
    segments = [segment for segment in parts.path.split("/") if segment]
    # /oauth2/v1/... are the endpoints of the org server itself.
    if len(segments) >= 2 and segments[0] == "oauth2" and segments[1] not in {"v1", ".well-known"}:
        return f"{origin}/oauth2/{segments[1]}"
    return origin


def fetch_metadata(
    client: HttpClient, issuer: str, *, insecure_origins: frozenset[str] = frozenset()
) -> ProviderMetadata:
    """Fetches and checks the discovery document of an issuer (Discovery 4).

    The result's `issuer` is the document's: what was pasted may lack its trailing slash, or have one too many.
    """
    return read_document(fetch_document(client, issuer), issuer, insecure_origins=insecure_origins)


def read_document(
    document: Mapping[str, Any], issuer: str, *, insecure_origins: frozenset[str] = frozenset()
) -> ProviderMetadata:
    """Checks the discovery document of an issuer that was pasted, perhaps with a slash too few or too many."""
    found = document.get("issuer")
    if isinstance(found, str) and found.rstrip("/") == issuer.rstrip("/"):
        issuer = found
    return parse_metadata(document, expected_issuer=issuer, insecure_origins=insecure_origins)


def fetch_document(client: HttpClient, issuer: str) -> dict[str, Any]:
    """The discovery document of an issuer, unchecked; the caller knows better what an error of his provider means."""
    response = client.get_json(issuer.rstrip("/") + WELL_KNOWN, endpoint=DISCOVERY)
    if response.status != 200:
        raise discovery_refusal(response, host=split_url(issuer).host)
    return response.body


def discovery_refusal(response: JsonResponse, *, host: str) -> errors.DiscoveryError:
    """What a failure status means here."""
    if response.status == 404:
        return errors.DocumentNotFound(host=host)
    word = response.body.get("error")
    clean = word if isinstance(word, str) and word.replace("_", "").isalnum() and len(word) < 64 else "no reason given"
    return errors.DiscoveryRefused(host=host, status=response.status, oauth_error=clean)


def parse_metadata(
    document: Mapping[str, Any], *, expected_issuer: str, insecure_origins: frozenset[str] = frozenset()
) -> ProviderMetadata:
    """Checks a discovery document: exact issuer (Discovery 4.3), required endpoints, https, types."""
    issuer = _text(document, "issuer")
    if not issuer:
        raise errors.IssuerMissing
    if issuer != expected_issuer:
        raise errors.IssuerMismatch(found=_shown(issuer), expected=expected_issuer)
    response_types = _texts(document, "response_types_supported")
    if response_types and "code" not in response_types:
        raise errors.CodeFlowUnsupported

    def endpoint(member: str, *, required: bool = True) -> str:
        return _endpoint(document, member, required=required, insecure_origins=insecure_origins)

    return ProviderMetadata(
        issuer=issuer,
        authorization_endpoint=endpoint("authorization_endpoint"),
        token_endpoint=endpoint("token_endpoint"),
        jwks_uri=endpoint("jwks_uri"),
        userinfo_endpoint=endpoint("userinfo_endpoint", required=False),
        end_session_endpoint=endpoint("end_session_endpoint", required=False),
        id_token_signing_alg_values_supported=_texts(document, "id_token_signing_alg_values_supported"),
        token_endpoint_auth_methods_supported=_texts(document, "token_endpoint_auth_methods_supported"),
        authorization_response_iss_parameter_supported=_flag(
            document, "authorization_response_iss_parameter_supported"
        ),
        cloud_instance_name=_text(document, "cloud_instance_name"),
        msgraph_host=_text(document, "msgraph_host"),
        tenant_region_scope=_text(document, "tenant_region_scope"),
        scopes_supported=_texts(document, "scopes_supported"),
        grant_types_supported=_texts(document, "grant_types_supported"),
        token_endpoint_auth_signing_alg_values_supported=_texts(
            document, "token_endpoint_auth_signing_alg_values_supported"
        ),
        **{member: _flag(document, member) for member in _LOGOUT_FLAGS},
    )


def allowed_algorithms(kind: str, metadata: ProviderMetadata) -> frozenset[str]:
    """With which algorithms this provider may sign: ours to decide, never the token's (RFC 8725 section 3.1)."""
    if kind == "entra":
        return frozenset({"RS256"})
    # RS256 is what every provider must support (Discovery 3) and the default (OIDC Core 15.1).
    advertised = metadata.id_token_signing_alg_values_supported or ("RS256",)
    allowed = _SECURE_ALGORITHMS.intersection(advertised)
    if not allowed:
        raise errors.AlgorithmsUnusable
    return allowed


def choose_auth_method(metadata: ProviderMetadata, *, assertion: bool = False) -> AuthMethod:
    """How to prove which application we are.

    A client secret goes by `client_secret_post` where offered, else by Basic, the default of Discovery 3. With
    `assertion` a certificate is used instead (`private_key_jwt`): that is the administrator's decision, so a provider
    that does not offer it is refused, and no secret is sent in its place.
    """
    offered = metadata.token_endpoint_auth_methods_supported or ("client_secret_basic",)
    if assertion:
        if "private_key_jwt" not in offered:
            raise errors.AssertionUnsupported(offered=", ".join(offered))
        algorithms = metadata.token_endpoint_auth_signing_alg_values_supported
        if algorithms and ASSERTION_ALGORITHM not in algorithms:
            raise errors.AssertionAlgorithmUnsupported(algorithm=ASSERTION_ALGORITHM, offered=", ".join(algorithms))
        return "private_key_jwt"
    if "client_secret_post" in offered:
        return "client_secret_post"
    if "client_secret_basic" in offered:
        return "client_secret_basic"
    raise errors.AuthMethodUnsupported


def _text(document: Mapping[str, Any], member: str) -> str:
    # Entra sends null for tenant_region_scope on some authorities; null means absent.
    value = document.get(member)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAX_LENGTH or not value.isprintable():
        raise errors.MemberMalformed(member=member)
    return value


def _texts(document: Mapping[str, Any], member: str) -> tuple[str, ...]:
    value = document.get(member)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) and item.isprintable() for item in value):
        raise errors.MemberMalformed(member=member)
    return tuple(value)


def _flag(document: Mapping[str, Any], member: str) -> bool:
    value = document.get(member)
    if value is not None and not isinstance(value, bool):
        raise errors.MemberMalformed(member=member)
    return bool(value)


def _endpoint(document: Mapping[str, Any], member: str, *, required: bool, insecure_origins: frozenset[str]) -> str:
    url = _text(document, member)
    if not url:
        if required:
            raise errors.EndpointMissing(member=member)
        return ""
    try:
        parts = split_url(url)
    except ValueError:
        raise errors.EndpointInsecure(member=member) from None
    if parts.fragment or not is_callable(parts, insecure_origins):
        raise errors.EndpointInsecure(member=member)
    return url


def _shown(text: str) -> str:
    """A stranger's text for a message: printable and short."""
    return "".join(character for character in text[:200] if character.isprintable())
