"""The token endpoint: exchanging a code, and checking a client secret without a person (RFC 6749, OIDC Core 3.1.3)."""

from collections.abc import Mapping
from typing import Any

from idp.protocol.aadsts import advice_for, is_temporary, parse_failure
from idp.protocol.http import HttpClient, JsonResponse
from idp.protocol.oauth_errors import (
    ClientSecretRefused,
    IdTokenMissing,
    TokenEndpointRefused,
    TokenEndpointUnavailable,
    TokenResponseMalformed,
    TokenTypeRefused,
)
from idp.protocol.types import ClientCheck, ClientCredentials, ProviderMetadata, TokenResponse


def exchange_code(
    client: HttpClient,
    metadata: ProviderMetadata,
    credentials: ClientCredentials,
    *,
    code: str,
    redirect_uri: str,
    code_verifier: str,
) -> TokenResponse:
    """Exchanges an authorization code, once (RFC 6749 section 4.1.3, RFC 7636 section 4.5)."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": code_verifier,
    }
    response = _post(client, metadata, credentials, form)
    if _is_error(response):
        raise _refusal(response)
    return _token_response(response.body)


def check_client_credentials(
    client: HttpClient, metadata: ProviderMetadata, credentials: ClientCredentials
) -> ClientCheck:
    """Shows whether tenant, client ID and secret are right, with nobody signing in (entra.md 1.7 step 2).

    The token that a success brings is discarded unread.

    Raises:
        ClientSecretRefused: with the cause, the cure and the form field.
    """
    scope = f"https://{metadata.msgraph_host or 'graph.microsoft.com'}/.default"
    response = _post(client, metadata, credentials, {"grant_type": "client_credentials", "scope": scope})
    if not _is_error(response):
        return ClientCheck("accepted", elapsed_ms=response.elapsed_ms)
    refusal = _refusal(response)
    if isinstance(refusal, TokenEndpointUnavailable):
        raise refusal
    advice = advice_for(refusal.failure)
    note = f"{advice.cause} {advice.cure}"
    if advice.accepted:
        return ClientCheck("accepted", note, refusal.failure.aadsts, response.elapsed_ms)
    # Only Microsoft's numbers tell these cases apart: a plain unauthorized_client may just mean that the provider
    # does not give this grant to an application whose secret is right.
    if refusal.failure.oauth_error == "invalid_client" or (refusal.failure.aadsts and advice.field):
        raise ClientSecretRefused(refusal.failure)
    return ClientCheck("unknown", note, refusal.failure.aadsts, response.elapsed_ms)


def _post(
    client: HttpClient, metadata: ProviderMetadata, credentials: ClientCredentials, form: dict[str, str]
) -> JsonResponse:
    return client.post_form(metadata.token_endpoint, form | credentials.form(), basic_auth=credentials.basic_auth())


def _is_error(response: JsonResponse) -> bool:
    return response.status != 200 or "error" in response.body


def _refusal(response: JsonResponse) -> TokenEndpointRefused | TokenEndpointUnavailable:
    if "error" not in response.body:
        return TokenEndpointUnavailable(status=response.status)
    failure = parse_failure(response.body)
    return TokenEndpointUnavailable(status=response.status) if is_temporary(failure) else TokenEndpointRefused(failure)


def _token_response(body: Mapping[str, Any]) -> TokenResponse:
    token_type = body.get("token_type")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise TokenTypeRefused
    id_token, access_token = body.get("id_token"), body.get("access_token")
    if id_token is None or id_token == "":
        raise IdTokenMissing
    # Nothing here needs the access token, so a provider may leave it out.
    if not isinstance(id_token, str) or not isinstance(access_token, str | None):
        raise TokenResponseMalformed
    return TokenResponse(id_token, access_token or "")
