"""mozilla-django-oidc's backend, with everything that it leaves unchecked replaced.

Its skeleton stays: `authenticate()` exchanges the code, has the ID token verified, and asks for the person. Overridden
are the settings (they come from the provider's row), all HTTP, the validation of the ID token, and the matching.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from idp import federation, probe, upstream
from idp.federation_errors import NoMatch
from idp.models import IdentityProvider
from idp.protocol import id_token, token_endpoint
from idp.protocol.discovery import allowed_algorithms
from idp.protocol.types import IdTokenClaims
from users.audit import Actor
from users.models import User

# Entra back-dates `iat` and `nbf` by up to five minutes; elsewhere clocks may differ by one.
ENTRA_LEEWAY = 300
LEEWAY = 60


@dataclass
class FederatedSignIn:
    """One sign-in on its way: what the callback view hands to the backend, and what it gets back.

    It travels on the request, because Django's `authenticate()` passes that and only credentials.
    """

    provider: IdentityProvider
    actor: Actor
    match: federation.Match | None = None
    claims: IdTokenClaims | None = None


class ProviderSettings:
    """Answers mozilla-django-oidc's settings from a provider; mixed into its backend and its views."""

    provider: IdentityProvider | None = None

    # What no administrator and no environment may switch off.
    PINNED = {
        "OIDC_USE_NONCE": True,
        "OIDC_USE_PKCE": True,
        "OIDC_PKCE_CODE_CHALLENGE_METHOD": "S256",
        "OIDC_PKCE_CODE_VERIFIER_SIZE": 64,
        "OIDC_STATE_SIZE": 43,
        "OIDC_NONCE_SIZE": 43,
        "OIDC_ALLOW_UNSECURED_JWT": False,
        "OIDC_STORE_ACCESS_TOKEN": False,
        "OIDC_STORE_ID_TOKEN": False,
        "OIDC_CREATE_USER": False,
        "OIDC_RP_SCOPES": "openid profile email",
        # The library reverses this name to build a redirect URI, which ours then replaces with the provider's own.
        "OIDC_AUTHENTICATION_CALLBACK_URL": "user_portal:sign_in",
    }

    def get_settings(self, attr: str, *default: Any) -> Any:
        """Return a setting of mozilla-django-oidc for the provider at hand."""
        if attr in self.PINNED:
            return self.PINNED[attr]
        if attr == "OIDC_RP_CLIENT_ID" and self.provider:
            return self.provider.client_id
        if attr == "OIDC_OP_AUTHORIZATION_ENDPOINT" and self.provider:
            return self.provider.discovered.authorization_endpoint
        return getattr(settings, attr, *default)


class FederatedBackend(ProviderSettings, OIDCAuthenticationBackend):
    """Signs a person in with a provider's authorization code. One request upstream when the keys are warm."""

    get_user = ModelBackend.get_user  # the library's own forgets to refuse people who are not active any more

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
        person: User | None = super().authenticate(  # type: ignore[no-untyped-call]
            request, nonce=nonce, code_verifier=code_verifier
        )
        return person

    def get_token(self, payload: dict[str, str]) -> dict[str, str]:
        """Exchange the code: the one upstream request of a warm sign-in (RFC 6749, section 4.1.3)."""
        provider = self.sign_in.provider
        metadata = provider.discovered
        response = token_endpoint.exchange_code(
            upstream.client(),
            metadata,
            probe.credentials_of(provider, metadata),
            code=payload["code"],
            redirect_uri=provider.redirect_uri,
            code_verifier=payload["code_verifier"],
        )
        # For `at_hash` only, where a provider sends one: the token itself opens nothing here and is not kept.
        self.access_token = response.access_token
        return {"id_token": response.id_token, "access_token": response.access_token}

    def verify_token(self, token: str, **kwargs: Any) -> IdTokenClaims:
        """Return the claims of an ID token that passed every check (OpenID Connect Core 1.0, section 3.1.3.7)."""
        provider = self.sign_in.provider
        metadata = provider.discovered
        entra = id_token.EntraTokenPolicy(provider.tenant_id, provider.allow_guests) if provider.is_entra else None
        policy = id_token.IdTokenPolicy(
            issuer=provider.issuer,
            client_id=provider.client_id,
            nonce=kwargs["nonce"],
            algorithms=allowed_algorithms(provider.kind, metadata),
            jwks_uri=metadata.jwks_uri,
            entra=entra,
            leeway=ENTRA_LEEWAY if entra else LEEWAY,
        )
        return id_token.verify(token, policy=policy, keys=upstream.keys(), access_token=self.access_token)

    def get_or_create_user(self, access_token: str, id_token: str, payload: IdTokenClaims) -> User:
        """Return the person behind the claims. Nothing is asked of the userinfo endpoint, nobody is created."""
        sign_in = self.sign_in
        try:
            sign_in.match = federation.resolve_person(actor=sign_in.actor, provider=sign_in.provider, claims=payload)
        except NoMatch as error:
            # The administrator who is to act on it must see who came: by these three a person can be linked.
            error.context |= {
                "email": (payload.email or payload.upn).lower(),
                "name": payload.name,
                "object_id": payload.object_id or payload.subject,
            }
            raise
        sign_in.claims = payload
        return sign_in.match.person
