"""mozilla-django-oidc's backend, with everything that it leaves unchecked replaced.

Its skeleton stays: `authenticate()` exchanges the code, has the ID token verified, and asks for the person. Overridden
are the settings (they come from the provider's row), all HTTP, the validation of the ID token, and the matching.
"""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from idp import federation, jit, pending_links, probe, upstream
from idp.federation_errors import NoMatch
from idp.models import IdentityProvider
from idp.protocol import id_token, token_endpoint
from idp.protocol.discovery import allowed_algorithms
from idp.protocol.types import IdTokenClaims, TokenResponse
from users.audit import Actor
from users.backends import SessionBackend
from users.models import User

# Entra back-dates `iat` and `nbf` by up to five minutes; elsewhere clocks may differ by one.
ENTRA_LEEWAY = 300
LEEWAY = 60
# What a session notes as the backend that opened it.
BACKEND = "idp.backends.FederatedBackend"


def leeway_of(provider: IdentityProvider) -> int:
    """Return by how many seconds the provider's clock and ours may differ."""
    return ENTRA_LEEWAY if provider.is_entra else LEEWAY


def exchange(provider: IdentityProvider, code: str, code_verifier: str) -> TokenResponse:
    """Exchange an authorization code at the provider (RFC 6749, section 4.1.3).

    Raises:
        idp.token_endpoint.*, idp.http.*: the provider refuses, or does not answer as it must.
    """
    metadata = provider.discovered
    return token_endpoint.exchange_code(
        upstream.client(),
        metadata,
        probe.credentials_of(provider, metadata),
        code=code,
        redirect_uri=provider.redirect_uri,
        code_verifier=code_verifier,
    )


def policy_of(provider: IdentityProvider, nonce: str = "", code: str = "") -> id_token.IdTokenPolicy:
    """Return what is expected of an ID token of this provider."""
    metadata = provider.discovered
    return id_token.IdTokenPolicy(
        issuer=provider.issuer,
        client_id=provider.client_id,
        nonce=nonce,
        algorithms=allowed_algorithms(provider.kind, metadata),
        jwks_uri=metadata.jwks_uri,
        entra=id_token.EntraTokenPolicy(provider.tenant_id, provider.allow_guests) if provider.is_entra else None,
        leeway=leeway_of(provider),
        code=code,
    )


def scopes_of(provider: IdentityProvider) -> str:
    """Return what is asked for at a sign-in: a refresh token only where sessions are checked again."""
    return "openid profile email offline_access" if provider.recheck_minutes else "openid profile email"


def verify(provider: IdentityProvider, tokens: TokenResponse, nonce: str, code: str = "") -> IdTokenClaims:
    """Return the claims of an ID token that passed every check (OpenID Connect Core 1.0, section 3.1.3.7).

    Raises:
        idp.token.*, idp.jwks.*: one of them failed.
    """
    policy = policy_of(provider, nonce, code)
    return id_token.verify(tokens.id_token, policy=policy, keys=upstream.keys(), access_token=tokens.access_token)


@dataclass
class FederatedSignIn:
    """One sign-in on its way: what the callback view hands to the backend, and what it gets back.

    It travels on the request, because Django's `authenticate()` passes that and only credentials.
    """

    provider: IdentityProvider
    actor: Actor
    match: federation.Match | None = None
    claims: IdTokenClaims | None = None
    refresh_token: str = field(default="", repr=False)


class ProviderSettings:
    """Answers mozilla-django-oidc's settings from a provider; mixed into its backend and its views."""

    provider: IdentityProvider | None = None

    # What no administrator and no environment may switch off.
    PINNED = {
        "OIDC_USE_NONCE": True,
        "OIDC_USE_PKCE": True,
        "OIDC_ALLOW_UNSECURED_JWT": False,
        "OIDC_STORE_ACCESS_TOKEN": False,
        "OIDC_STORE_ID_TOKEN": False,
        "OIDC_CREATE_USER": False,
        # The library reverses this name to build a redirect URI, which ours then replaces with the provider's own.
        "OIDC_AUTHENTICATION_CALLBACK_URL": "user_portal:sign_in",
    }

    def get_settings(self, attr: str, *default: Any) -> Any:
        """Return a setting of mozilla-django-oidc for the provider at hand."""
        if attr in self.PINNED:
            return self.PINNED[attr]
        if attr == "OIDC_RP_CLIENT_ID" and self.provider:
            return self.provider.client_id
        return getattr(settings, attr, *default)


class FederatedBackend(ProviderSettings, OIDCAuthenticationBackend):
    """Signs a person in with a provider's authorization code. One request upstream when the keys are warm."""

    get_user = SessionBackend.get_user  # the library's own forgets to refuse people who are not active any more

    # The client secret is fetched where it is sent, and nowhere else.
    OIDC_RP_CLIENT_SECRET = ""

    def __init__(self) -> None:
        # Django makes a backend for every request with a session: no settings, no database, no network here.
        self.UserModel = get_user_model()

    @property
    def OIDC_RP_CLIENT_ID(self) -> str:  # noqa: N802  (the library's name)
        """The client ID that the library puts into the token request."""
        return str(self.get_settings("OIDC_RP_CLIENT_ID"))

    def authenticate(self, request: HttpRequest | None, *, nonce: str, code_verifier: str) -> User | None:  # type: ignore[override]
        """Return the person behind the authorization response in `request`.

        Both keywords are required, and the callback view alone knows them: without that, any other sign-in form
        would be a second door to this backend.

        Raises:
            DirectoryError: every refusal, with its own code. They pass through Django's `authenticate()`.
        """
        sign_in = getattr(request, "federated_sign_in", None)
        if sign_in is None or not nonce or not code_verifier:
            return None
        self.sign_in: FederatedSignIn = sign_in
        self.provider = sign_in.provider
        with upstream.one_deadline():
            person: User | None = super().authenticate(  # type: ignore[no-untyped-call]
                request, nonce=nonce, code_verifier=code_verifier
            )
        return person

    def get_token(self, payload: dict[str, str]) -> dict[str, str]:
        """Exchange the code: the one upstream request of a warm sign-in (RFC 6749, section 4.1.3)."""
        response = exchange(self.sign_in.provider, payload["code"], payload["code_verifier"])
        # For `at_hash` and `c_hash` only, where a provider sends them: they open nothing here and are not kept.
        self.access_token, self.code = response.access_token, payload["code"]
        self.sign_in.refresh_token = response.refresh_token
        return {"id_token": response.id_token, "access_token": response.access_token}

    def verify_token(self, token: str, **kwargs: Any) -> IdTokenClaims:
        """Return the claims of an ID token that passed every check (OpenID Connect Core 1.0, section 3.1.3.7)."""
        return verify(self.sign_in.provider, TokenResponse(token, self.access_token), kwargs["nonce"], self.code)

    def get_or_create_user(self, access_token: str, id_token: str, payload: IdTokenClaims) -> User:
        """Return the person behind the claims. Nothing is asked of the userinfo endpoint.

        Nothing is written either, unless the provider adds people whom nobody here is (`idp.jit`). The link is kept
        with the session, in one transaction (`federation.keep_link`).
        """
        sign_in = self.sign_in
        try:
            sign_in.match = jit.match_or_add(actor=sign_in.actor, provider=sign_in.provider, claims=payload)
        except NoMatch as error:
            # The administrator who is to act on it must see who came: by these three a person can be linked.
            error.context |= {
                "email": (payload.email or payload.upn).lower(),
                "name": payload.name,
                "object_id": payload.object_id or payload.subject,
            }
            pending_links.note(sign_in.provider, payload, error)
            raise
        sign_in.claims = payload
        return sign_in.match.person
