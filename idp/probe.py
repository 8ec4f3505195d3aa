"""Asking a provider about itself: discovery for the form, and the steps of a connection test."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from django.utils import timezone

from idp import upstream
from idp.models import IdentityProvider, Kind
from idp.protocol import discovery, entra, token_endpoint
from idp.protocol.oauth_errors import ClientSecretRefused
from idp.protocol.types import ClientCredentials, ProviderMetadata
from users.errors import DirectoryError

Outcome = Literal["passed", "failed", "unknown"]


@dataclass(frozen=True)
class Step:
    """One line of a connection test."""

    name: str
    outcome: Outcome
    detail: str
    hint: str = ""
    code: str = ""
    milliseconds: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the step as it is stored and printed."""
        return asdict(self)


def discover(provider: IdentityProvider, url: str) -> tuple[str, ...]:
    """Normalise the pasted URL, fetch the discovery document, and fill the provider (unsaved) from it.

    Returns:
        notices for the administrator, such as "resolved to tenant …".

    Raises:
        idp.url.*, idp.discovery.*, idp.http.*: refused, with `field="url"`.
    """
    insecure = upstream.insecure_origins()
    notices: tuple[str, ...] = ()
    try:
        if provider.kind == Kind.ENTRA:
            authority, metadata = entra.discover(upstream.client(), entra.parse_idp_url(url, insecure_origins=insecure))
            provider.url, notices = authority.url, authority.notices
        else:
            issuer = discovery.normalise_issuer(url, kind=_generic(provider.kind), insecure_origins=insecure)
            metadata = discovery.fetch_metadata(upstream.client(), issuer, insecure_origins=insecure)
            _refuse_unusable(provider.kind, metadata)
            provider.url = metadata.issuer
    except DirectoryError as error:
        error.field = "url"
        raise
    provider.issuer = metadata.issuer
    provider.metadata = metadata.as_dict()
    provider.metadata_fetched_at = timezone.now()
    return notices


def _refuse_unusable(kind: str, metadata: ProviderMetadata) -> None:
    """Refuse now what would otherwise fail at everybody's first sign-in. Entra's document is checked more strictly."""
    discovery.allowed_algorithms(kind, metadata)
    discovery.choose_auth_method(metadata)
    for endpoint in (metadata.token_endpoint, metadata.jwks_uri):
        upstream.client().check_address(endpoint)


def _generic(kind: str) -> discovery.GenericKind:
    """Return the kind as the protocol names those that are not Entra."""
    return "google" if kind == Kind.GOOGLE else "okta" if kind == Kind.OKTA else "oidc"


def credentials_of(provider: IdentityProvider, metadata: ProviderMetadata) -> ClientCredentials:
    """Return the client credentials to present at the token endpoint; raises SecretUnreadable."""
    return ClientCredentials(
        client_id=provider.client_id,
        client_secret=provider.client_secret.reveal() if provider.client_secret else "",
        auth_method=discovery.choose_auth_method(metadata),
    )


def refuse_wrong_credentials(provider: IdentityProvider, *, must_answer: bool = False) -> None:
    """Ask Entra, without a user, whether client ID and secret belong together; a clear no is refused.

    Other kinds have no such question to ask; a first sign-in tells.

    Args:
        must_answer: for an active provider, where a wrong value would keep everybody out: no answer is a no.

    Raises:
        ClientSecretRefused: with the field that is wrong.
        idp.http.*, idp.token_endpoint.unavailable: no answer, where there must be one.
    """
    if not provider.is_entra:
        return
    metadata = provider.discovered
    try:
        token_endpoint.check_client_credentials(upstream.client(), metadata, credentials_of(provider, metadata))
    except ClientSecretRefused:
        raise
    except DirectoryError:
        # A token endpoint in trouble says nothing about what was typed. Test connection shows it.
        if must_answer:
            raise


def run_steps(provider: IdentityProvider) -> list[Step]:
    """Run the connection test: discovery, signing keys, client credentials. Changes nothing."""
    steps = [_timed("Discovery document", lambda: _discovery(provider))]
    metadata = provider.discovered
    steps.append(_timed("Signing keys", lambda: _keys(metadata)))
    steps.append(_timed("Client ID and secret", lambda: _credentials(provider, metadata)))
    return steps


def _timed(name: str, run: Callable[[], tuple[Outcome, str]]) -> Step:
    started = time.monotonic()
    hint = code = ""
    try:
        outcome, detail = run()
    except DirectoryError as error:
        outcome, code = "failed", error.code
        detail = getattr(error, "admin_detail", "") or error.message
        hint = getattr(error, "admin_hint", "") or error.hint
    return Step(name, outcome, detail, hint, code, round((time.monotonic() - started) * 1000))


def _discovery(provider: IdentityProvider) -> tuple[Outcome, str]:
    fresh = IdentityProvider(kind=provider.kind)
    discover(fresh, provider.url)
    return "passed", f"Found; the issuer is {fresh.issuer}"


def _keys(metadata: ProviderMetadata) -> tuple[Outcome, str]:
    document = upstream.client().get_json(metadata.jwks_uri)
    keys = document.body.get("keys")
    if document.status != 200 or not isinstance(keys, list) or not keys:
        raise SigningKeysMissing(status=document.status)
    return "passed", f"{len(keys)} published"


def _credentials(provider: IdentityProvider, metadata: ProviderMetadata) -> tuple[Outcome, str]:
    if not provider.is_entra:
        return "unknown", "This kind of provider cannot be asked without a person: the first sign-in tells."
    check = token_endpoint.check_client_credentials(upstream.client(), metadata, credentials_of(provider, metadata))
    if check.verdict == "accepted":
        return "passed", f"Accepted by the provider. {check.note}".strip()
    return "unknown", check.note


class SigningKeysMissing(DirectoryError):
    """The key document holds no keys."""

    code = "idp.keys_missing"
    message = "The provider publishes no signing keys (HTTP {status})."
    hint = "Check the provider's status page; without keys nobody can sign in."
    http_status = 502
    exit_status = 5
    field = "url"
