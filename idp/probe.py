"""Asking a provider about itself before something is stored. The connection test is in `idp.connection`."""

from django.utils import timezone

from idp import upstream
from idp.errors import SecretUnreadable
from idp.fields import Secret
from idp.models import ClientCertificate, IdentityProvider, Kind, Slot
from idp.protocol import discovery, entra, token_endpoint
from idp.protocol.oauth_errors import ClientSecretRefused
from idp.protocol.types import AssertionKey, ClientCredentials, ProviderMetadata
from users.errors import DirectoryError


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
            issuer = discovery.normalise_issuer(url, kind=generic_kind(provider), insecure_origins=insecure)
            metadata = discovery.fetch_metadata(upstream.client(), issuer, insecure_origins=insecure)
            refuse_unusable(provider.kind, metadata)
            provider.url = metadata.issuer
    except DirectoryError as error:
        error.field = "url"
        raise
    provider.issuer = metadata.issuer
    provider.metadata = metadata.as_dict()
    provider.metadata_fetched_at = timezone.now()
    return notices


def refuse_unusable(kind: str, metadata: ProviderMetadata) -> None:
    """Refuse now what would otherwise fail at everybody's first sign-in. Entra's document is checked more strictly."""
    discovery.allowed_algorithms(kind, metadata)
    discovery.choose_auth_method(metadata)
    for endpoint in (metadata.token_endpoint, metadata.jwks_uri):
        upstream.client().check_address(endpoint)


def generic_kind(provider: IdentityProvider) -> discovery.GenericKind:
    """Return the kind as the protocol names those that are not Entra."""
    return "google" if provider.kind == Kind.GOOGLE else "okta" if provider.kind == Kind.OKTA else "oidc"


def credentials_of(provider: IdentityProvider, metadata: ProviderMetadata) -> ClientCredentials:
    """Return the client credentials in force, to present at the token endpoint; raises SecretUnreadable."""
    if provider.uses_certificate:
        certificate = provider.certificate_in(Slot.CURRENT)
        if certificate is not None:
            return certificate_credentials(provider, certificate, metadata)
        # An administrator went back to a secret after this row was read, and a sign-in must not fail over that.
        provider = IdentityProvider.objects.filter(pk=provider.pk).first() or provider
    return secret_credentials(provider, provider.client_secret, metadata)


def secret_credentials(
    provider: IdentityProvider, secret: Secret | None, metadata: ProviderMetadata
) -> ClientCredentials:
    """Return client credentials with this secret, in use or not."""
    return ClientCredentials(
        client_id=provider.client_id,
        client_secret=secret.reveal() if secret else "",
        auth_method=discovery.choose_auth_method(metadata),
    )


def certificate_credentials(
    provider: IdentityProvider, certificate: ClientCertificate, metadata: ProviderMetadata
) -> ClientCredentials:
    """Return client credentials with this certificate, in use or not (RFC 7523, `private_key_jwt`)."""
    if not certificate.private_key.is_readable:
        raise SecretUnreadable(what="The stored private key", cure="make another key pair, or enter a client secret")
    return ClientCredentials(
        client_id=provider.client_id,
        auth_method=discovery.choose_auth_method(metadata, assertion=True),
        assertion_key=AssertionKey(certificate.private_key.reveal(), certificate.thumbprint),
    )


def refuse_wrong_credentials(
    provider: IdentityProvider, *, credentials: ClientCredentials | None = None, must_answer: bool = False
) -> bool:
    """Ask Entra, without a user, whether client ID and credential belong together; a clear no is refused.

    Other kinds have no such question to ask; a first sign-in tells.

    Args:
        credentials: those to try; the ones in force unless given.
        must_answer: for an active provider, where a wrong value would keep everybody out: no answer is a no.

    Returns:
        whether the provider said yes.

    Raises:
        ClientSecretRefused: with the field that is wrong.
        idp.http.*, idp.token_endpoint.unavailable: no answer, where there must be one.
    """
    if not provider.is_entra:
        return False
    metadata = provider.discovered
    credentials = credentials or credentials_of(provider, metadata)
    try:
        return token_endpoint.check_client_credentials(upstream.client(), metadata, credentials).accepted
    except ClientSecretRefused:
        raise
    except DirectoryError:
        # A token endpoint in trouble says nothing about what was typed. Test connection shows it.
        if must_answer:
            raise
        return False
