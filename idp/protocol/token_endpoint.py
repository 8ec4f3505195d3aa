"""The token endpoint: codes, refresh tokens, and the client's own credentials (RFC 6749, OIDC Core 3.1.3 and 12)."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp.protocol.aadsts import advice_for, ends_grant, is_temporary, parse_failure
from idp.protocol.client_assertion import ASSERTION_TYPE, make_assertion
from idp.protocol.client_errors import AssertionKeyUnusable
from idp.protocol.http import HttpClient, JsonResponse
from idp.protocol.oauth_errors import (
    ClientSecretRefused,
    GrantEnded,
    IdTokenMissing,
    TokenEndpointRefused,
    TokenEndpointUnavailable,
    TokenResponseMalformed,
    TokenTypeRefused,
)
from idp.protocol.observing import TOKEN
from idp.protocol.types import ClientCheck, ClientCredentials, ProviderMetadata, TokenResponse

# Busy, and failed: whatever else such an answer says, it says nothing about the request (RFC 9110 section 15.6).
_TOO_MANY = 429
_FAILED = 500
_SECRET_FIELDS = ("client_secret", "client_assertion", "code", "code_verifier", "refresh_token")


@dataclass(frozen=True)
class _Answer:
    """A response, and what of the request must not be quoted from it."""

    response: JsonResponse
    sent: tuple[str, ...]

    @property
    def is_error(self) -> bool:
        return self.response.status != 200 or "error" in self.response.body


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
    answer = _post(client, metadata, credentials, form)
    if answer.is_error:
        raise _refusal(answer)
    return _token_response(answer.response.body, with_id_token=True)


def refresh(
    client: HttpClient, metadata: ProviderMetadata, credentials: ClientCredentials, *, refresh_token: str
) -> TokenResponse:
    """Redeems a refresh token (OIDC Core 12.1). The answer may hold a new one, and then the old one is used up.

    Raises:
        GrantEnded: the person has to sign in again.
        TokenEndpointUnavailable: the provider is in trouble; nothing is known about the grant.
        TokenEndpointRefused: our own credentials or settings are wrong; nothing is known about the grant.
    """
    answer = _post(client, metadata, credentials, {"grant_type": "refresh_token", "refresh_token": refresh_token})
    if answer.is_error:
        refusal = _refusal(answer)
        if isinstance(refusal, TokenEndpointRefused) and ends_grant(refusal.failure):
            raise GrantEnded(refusal.failure)
        raise refusal
    return _token_response(answer.response.body, with_id_token=False)


def check_client_credentials(
    client: HttpClient, metadata: ProviderMetadata, credentials: ClientCredentials
) -> ClientCheck:
    """Shows whether tenant, client ID and secret are right, with nobody signing in (entra.md 1.7 step 2).

    The token that a success brings is discarded unread.

    Raises:
        ClientSecretRefused: with the cause, the cure and the form field.
    """
    scope = f"https://{metadata.msgraph_host or 'graph.microsoft.com'}/.default"
    answer = _post(client, metadata, credentials, {"grant_type": "client_credentials", "scope": scope})
    elapsed_ms = answer.response.elapsed_ms
    if not answer.is_error:
        return ClientCheck("accepted", elapsed_ms=elapsed_ms)
    refusal = _refusal(answer)
    if isinstance(refusal, TokenEndpointUnavailable):
        raise refusal
    advice = advice_for(refusal.failure)
    note = f"{advice.cause} {advice.cure}"
    if advice.accepted:
        return ClientCheck("accepted", note, refusal.failure.aadsts, elapsed_ms)
    # Only Microsoft's numbers tell these cases apart: a plain unauthorized_client may just mean that the provider
    # does not give this grant to an application whose secret is right.
    if refusal.failure.oauth_error == "invalid_client" or (refusal.failure.aadsts and advice.field):
        raise ClientSecretRefused(refusal.failure)
    return ClientCheck("unknown", note, refusal.failure.aadsts, elapsed_ms)


def _post(
    client: HttpClient, metadata: ProviderMetadata, credentials: ClientCredentials, form: Mapping[str, str]
) -> _Answer:
    url = metadata.token_endpoint
    form = {**form, **credentials.form()}
    if credentials.auth_method == "private_key_jwt":
        if credentials.assertion_key is None:
            raise AssertionKeyUnusable
        # A fresh one for each request: providers take an assertion once (RFC 7523 section 3, rule 7).
        form["client_assertion_type"] = ASSERTION_TYPE
        form["client_assertion"] = make_assertion(
            credentials.assertion_key, client_id=credentials.client_id, audience=url
        )
    basic_auth = credentials.basic_auth()
    response = client.post_form(url, form, basic_auth=basic_auth, endpoint=TOKEN)
    sent = [form.get(name, "") for name in _SECRET_FIELDS]
    if basic_auth is not None:
        sent += [credentials.client_secret, base64.b64encode(":".join(basic_auth).encode()).decode()]
    return _Answer(response, tuple(sent))


def _refusal(answer: _Answer) -> TokenEndpointRefused | TokenEndpointUnavailable:
    response = answer.response
    if "error" not in response.body:
        return TokenEndpointUnavailable(status=response.status)
    failure = parse_failure(response.body, redact=answer.sent)
    if is_temporary(failure) or response.status == _TOO_MANY or response.status >= _FAILED:
        return TokenEndpointUnavailable(status=response.status, failure=failure)
    return TokenEndpointRefused(failure)


def _token_response(body: Mapping[str, Any], *, with_id_token: bool) -> TokenResponse:
    token_type = body.get("token_type")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise TokenTypeRefused
    if with_id_token and body.get("id_token") in (None, ""):
        raise IdTokenMissing
    # Nothing here needs the access token, so a provider may leave it out.
    tokens = [body.get(name) for name in ("id_token", "access_token", "refresh_token")]
    if not all(isinstance(token, str | None) for token in tokens):
        raise TokenResponseMalformed
    id_token, access_token, refresh_token = (token or "" for token in tokens)
    return TokenResponse(id_token, access_token, refresh_token)
