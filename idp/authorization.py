"""The authorization request and response, as far as sign-in and rehearsal share them."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode

from django.utils import timezone

from idp.backends import scopes_of
from idp.federation_errors import (
    CodeMissing,
    ResponseHasToken,
    ResponseIssuerMissing,
    ResponseIssuerWrong,
    StateUsed,
)
from idp.models import IdentityProvider, SpentState
from idp.protocol.aadsts import parse_failure
from idp.protocol.oauth_errors import AuthorizationRefused
from users.plain_sql import insert_if_new

STATE_LIFETIME = timedelta(minutes=10)
# What comes with the implicit and hybrid flows only.
_TOKENS = ("id_token", "access_token")


@dataclass(frozen=True)
class AuthorizationRequest:
    """One request, and what its answer is checked against."""

    location: str = field(repr=False)
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)


def new_request(
    provider: IdentityProvider, *, prefix: str = "", prompt: str = "", login_hint: str = ""
) -> AuthorizationRequest:
    """Return a fresh request for a code (OpenID Connect Core 1.0, section 3.1.2.1; RFC 7636, section 4.3).

    Not by the library's view: its random strings cost more than the rest of the request, and its address has two
    question marks where the endpoint brings a query of its own.

    Args:
        prefix: what the state begins with, by which the callback knows whose answer it is.
        prompt: what the provider is to ask the person.
        login_hint: whom the person says to be.
    """
    state, nonce = f"{prefix}{secrets.token_urlsafe(32)}", secrets.token_urlsafe(32)
    code_verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(code_verifier.encode()).digest()
    parameters = {
        "response_type": "code",
        "scope": scopes_of(provider),
        "client_id": provider.client_id,
        "redirect_uri": provider.redirect_uri,
        "state": state,
        "nonce": nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "prompt": prompt,
        "login_hint": login_hint,
    }
    given = {name: value for name, value in parameters.items() if value}
    endpoint = provider.discovered.authorization_endpoint
    joint = "&" if "?" in endpoint else "?"  # it may have parameters of its own (RFC 6749, section 3.1)
    return AuthorizationRequest(f"{endpoint}{joint}{urlencode(given)}", state, nonce, code_verifier)


def spend_state(state: str) -> None:
    """Use up a state. The database decides between two answers that come at once; a cache could forget.

    Raises:
        StateUsed: it came back before.
    """
    if not insert_if_new(SpentState(state_hash=_hashed(state), expires_at=timezone.now() + STATE_LIFETIME)):
        raise StateUsed()


def is_spent(state: str) -> bool:
    """Return whether a state came back before."""
    return SpentState.objects.filter(state_hash=_hashed(state)).exists()


def code_of(provider: IdentityProvider, answer: Mapping[str, str]) -> str:
    """Return the code of an authorization response whose state is right.

    Raises:
        ResponseIssuerWrong, ResponseIssuerMissing: it is another provider's (RFC 9207, section 2.4).
        AuthorizationRefused: it is an error (RFC 6749, section 4.1.2.1).
        ResponseHasToken, CodeMissing: it is none of the code flow.
    """
    issuer = answer.get("iss")
    if issuer is not None and issuer != provider.issuer:
        raise ResponseIssuerWrong()
    if issuer is None and provider.discovered.authorization_response_iss_parameter_supported:
        raise ResponseIssuerMissing()
    if "error" in answer:
        raise AuthorizationRefused(parse_failure(dict(answer)))
    if any(name in answer for name in _TOKENS):
        raise ResponseHasToken()
    if not answer.get("code"):
        raise CodeMissing()
    return answer["code"]


def _hashed(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
