"""The connection test: what a sign-in would need of the provider, one line each. Nothing is changed by it."""

import time
from dataclasses import dataclass, replace
from functools import partial

from idp import inputs, probe, upstream
from idp.backends import leeway_of
from idp.errors import ClockWrong, SigningKeysMissing, SigningKeysUnusable
from idp.fields import Secret
from idp.models import Credential, IdentityProvider
from idp.protocol import discovery, entra, errors, key_sets, reachability, token_endpoint
from idp.protocol.http_types import JsonResponse
from idp.protocol.observing import DISCOVERY, JWKS
from idp.protocol.types import ProviderMetadata
from idp.protocol.urls import WELL_KNOWN, split_url
from idp.queries import find_provider
from idp.steps import Finding, Run, Step
from users.errors import DirectoryError

RESOLUTION, TLS, DOCUMENT, ISSUER = "Name resolution", "TLS", "Discovery document", "Issuer"
ENDPOINTS, KEYS, CREDENTIALS, CLOCK = "Endpoints", "Signing keys", "Client credentials", "Clock"

# Which line a refusal of the document belongs to; the others concern the document itself.
_OF_ISSUER = (errors.IssuerMissing, errors.IssuerMismatch, errors.CloudMismatch)
_OF_ENDPOINTS = (
    errors.EndpointMissing,
    errors.EndpointInsecure,
    errors.EndpointForeign,
    errors.CodeFlowUnsupported,
    errors.AlgorithmsUnusable,
    errors.AuthMethodUnsupported,
    errors.AssertionUnsupported,
    errors.AssertionAlgorithmUnsupported,
)
# From here on the clock deserves a look, although sign-ins still work.
_SKEW_WARNING = 60
_NTP = "Let this server set its clock from the network (NTP), such as with `timedatectl set-ntp true`; then test again."


@dataclass(frozen=True)
class Subject:
    """What is tested: a stored provider, or what was typed into a form.

    Attributes:
        provider: unsaved where a form is tested.
        url: what was pasted, or the stored address.
        in_use: what sign-ins use now; None for a provider that is not stored.
        is_typed: whether a form is tested: then the document as it is now counts, and not the stored one.
        untestable: why the credential cannot be tried, where it cannot.
        secret_is_stored: whether the credential belongs to the stored address, and goes to no other.
    """

    provider: IdentityProvider
    url: str
    in_use: ProviderMetadata | None = None
    is_typed: bool = False
    untestable: str = ""
    secret_is_stored: bool = False


def stored(provider: IdentityProvider) -> Subject:
    """Return a stored provider as what is tested."""
    return Subject(provider, provider.url, provider.discovered)


def typed(
    kind: str, url: str, client_id: str, client_secret: str | None, provider: IdentityProvider | None = None
) -> Subject:
    """Return what was typed into a form as what is tested, over the stored provider that the form changes.

    Raises:
        idp.url.*, and those of `idp.inputs`: with the field that they belong to.
    """
    tested = find_provider(str(provider.pk)) if provider else IdentityProvider(kind=kind)
    subject = Subject(tested, url, provider.discovered if provider else None, is_typed=True)
    try:
        address = _address(subject).value
    except DirectoryError as error:
        error.field = "url"
        raise
    tested.url = address.removesuffix(WELL_KNOWN).removesuffix("/v2.0" if tested.is_entra else "")
    if not client_id.strip():
        return replace(subject, untestable="Not tested: no client ID was typed.")
    tested.client_id = inputs.clean_client_id(client_id, kind=kind, tenant_id=tested.tenant_id)
    if client_secret is not None:
        tested.client_secret = Secret.of(inputs.clean_client_secret(client_secret, kind=kind))
        tested.credential = Credential.SECRET
        return subject
    if provider is None:
        return replace(subject, untestable="Not tested: no client secret was typed.")
    return replace(subject, secret_is_stored=True)


@dataclass(frozen=True)
class _Document:
    """An answer of the well-known address: what it holds, or what is wrong with it."""

    response: JsonResponse
    metadata: ProviderMetadata | None
    notices: tuple[str, ...] = ()
    refusal: DirectoryError | None = None


def run_steps(subject: Subject) -> list[Step]:
    """Run the connection test. An address that cannot be understood is the first line, and the last."""
    run = Run()
    address = run.step("Address", partial(_address, subject))
    if address is None:
        return run.steps
    run.steps.clear()
    run.step(RESOLUTION, partial(_resolution, address))
    run.step(TLS, partial(_tls, address), needs=(RESOLUTION,))
    document = run.step(DOCUMENT, partial(_document, subject, address), needs=(TLS, RESOLUTION))
    run.step(ISSUER, lambda: _issuer(document), needs=(DOCUMENT,))
    metadata = run.step(ENDPOINTS, lambda: _endpoints(subject, document), needs=(DOCUMENT, ISSUER))
    used = metadata if subject.is_typed else subject.in_use
    run.step(KEYS, lambda: _keys(subject.provider, used), needs=(ENDPOINTS,))
    run.step(CREDENTIALS, lambda: _credentials(subject, used), needs=(ENDPOINTS,))
    run.step(CLOCK, lambda: _clock(subject.provider, document), needs=(DOCUMENT,))
    return run.steps


def _address(subject: Subject) -> Finding[str]:
    """Return where the document is."""
    insecure = upstream.insecure_origins()
    if subject.provider.is_entra:
        authority = entra.parse_idp_url(subject.url, insecure_origins=insecure)
        return Finding(authority.issuer + WELL_KNOWN, "")
    kind = probe.generic_kind(subject.provider)
    issuer = discovery.normalise_issuer(subject.url, kind=kind, insecure_origins=insecure)
    return Finding(issuer.rstrip("/") + WELL_KNOWN, "")


def _resolution(address: str) -> Finding[None]:
    found = upstream.client().resolve(address)
    return Finding(None, f"{found.host} is at {', '.join(found.addresses[:4])}.")


def _tls(address: str) -> Finding[None]:
    facts = upstream.client().inspect_tls(address)
    if not facts.used:
        origin = split_url(address).origin
        return Finding(None, f"Not used: {origin} is in INSECURE_ISSUER_ORIGINS, which is for practice.", "unknown")
    certificate = f"; certificate of {facts.subject or 'this host'}" + (f" by {facts.issuer}" if facts.issuer else "")
    until = f", valid until {facts.not_after:%-d %B %Y}" if facts.not_after else ""
    return Finding(None, f"{facts.version}{certificate}{until}.")


def _document(subject: Subject, address: str) -> Finding[_Document]:
    """Fetch the document. What is wrong with its issuer or its endpoints is told on their own lines."""
    response = upstream.client().get_json(address, endpoint=DISCOVERY)
    detail = f"HTTP {response.status} from {split_url(address).host}."
    try:
        metadata, notices = _read(subject, response, address)
    except (*_OF_ISSUER, *_OF_ENDPOINTS) as refusal:
        return Finding(_Document(response, None, refusal=refusal), detail)
    return Finding(_Document(response, metadata, notices), " ".join((detail, *notices)))


def _read(subject: Subject, response: JsonResponse, address: str) -> tuple[ProviderMetadata, tuple[str, ...]]:
    insecure = upstream.insecure_origins()
    if subject.provider.is_entra:
        authority = entra.parse_idp_url(subject.url, insecure_origins=insecure)
        authority, metadata = entra.read_document(response, authority)
        return metadata, authority.notices
    if response.status != 200:
        raise discovery.discovery_refusal(response, host=split_url(address).host)
    issuer = address.removesuffix(WELL_KNOWN)
    return discovery.read_document(response.body, issuer, insecure_origins=insecure), ()


def _issuer(document: _Document | None) -> Finding[None]:
    assert document is not None  # noqa: S101  (the step needs the document's)
    if isinstance(document.refusal, _OF_ISSUER):
        raise document.refusal
    return Finding(None, f"{document.response.body.get('issuer')}, as expected.")


def _endpoints(subject: Subject, document: _Document | None) -> Finding[ProviderMetadata]:
    """Check that each endpoint may be called, is on the right host, and offers what a sign-in needs."""
    assert document is not None  # noqa: S101  (the step needs the document's)
    if document.metadata is None:
        raise document.refusal or errors.EndpointMissing(member="token_endpoint")
    metadata = document.metadata
    probe.refuse_unusable(subject.provider.kind, metadata)
    hosts = sorted({split_url(url).host for url in _called(metadata)})
    drift = _drift(subject, metadata)
    if drift:
        hint = "Enter the client secret again under Change, which takes over the new document."
        return Finding(metadata, f"The document now names another {drift} than the one in use.", "warning", hint)
    return Finding(metadata, f"Authorization, token and key endpoint are on {', '.join(hosts)}.")


def _called(metadata: ProviderMetadata) -> tuple[str, str, str]:
    return metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri


def _drift(subject: Subject, metadata: ProviderMetadata) -> str:
    """Return which endpoint has moved since the document was stored: sign-ins go on with the stored one."""
    if subject.is_typed or subject.in_use is None:
        return ""
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    return ", ".join(name for name in names if getattr(metadata, name) != getattr(subject.in_use, name))


def _keys(provider: IdentityProvider, metadata: ProviderMetadata | None) -> Finding[None]:
    assert metadata is not None  # noqa: S101  (the step needs the endpoints')
    published, usable = count_keys(provider, metadata)
    return Finding(None, f"{published} published, {usable} usable for signing.")


def count_keys(provider: IdentityProvider, metadata: ProviderMetadata) -> tuple[int, int]:
    """Return how many keys the provider publishes, and how many may verify an ID token (RFC 7517).

    Raises:
        SigningKeysMissing, SigningKeysUnusable: none, or none of these.
    """
    answer = upstream.client().get_json(metadata.jwks_uri, endpoint=JWKS)
    keys = answer.body.get("keys")
    if answer.status != 200 or not isinstance(keys, list) or not keys:
        raise SigningKeysMissing(status=answer.status)
    algorithms = discovery.allowed_algorithms(provider.kind, metadata)
    usable = sum(isinstance(key, dict) and _is_usable(key, algorithms) for key in keys)
    if not usable:
        raise SigningKeysUnusable(count=len(keys), algorithms=", ".join(sorted(algorithms)))
    return len(keys), usable


def _is_usable(key: key_sets.Jwk, algorithms: frozenset[str]) -> bool:
    for algorithm in algorithms:
        try:
            if key_sets.select([key], kid=None, algorithm=algorithm) and key_sets.load(key, algorithm):
                return True
        except DirectoryError:
            continue
    return False


def _credentials(subject: Subject, metadata: ProviderMetadata | None) -> Finding[None]:
    """Try client ID and secret, or certificate, without a user (reference/entra.md, section 1.7)."""
    assert metadata is not None  # noqa: S101  (the step needs the endpoints')
    provider = subject.provider
    if not provider.is_entra:
        text = "This kind of provider cannot be asked without a person: a rehearsal tells."
        return Finding(None, text, "unknown")
    if subject.untestable:
        return Finding(None, subject.untestable, "skipped")
    if subject.secret_is_stored and subject.in_use is not None and _home(metadata) != _home(subject.in_use):
        return Finding(None, "Not tested: the stored secret is not sent to a new address. Type the secret.", "skipped")
    credentials = probe.credentials_of(provider, metadata)
    check = token_endpoint.check_client_credentials(upstream.client(), metadata, credentials)
    if not check.accepted:
        return Finding(None, check.note, "unknown")
    what = provider.get_credential_display().lower()
    return Finding(None, f"The provider accepts client ID and {what}. {check.note}".strip())


def _home(metadata: ProviderMetadata) -> tuple[str, str]:
    return metadata.issuer, metadata.token_endpoint


def _clock(provider: IdentityProvider, document: _Document | None) -> Finding[None]:
    """Compare our clock with the provider's `Date`: sign-ins refuse tokens from the future (RFC 7519, 4.1.4)."""
    assert document is not None  # noqa: S101  (the step needs the document's)
    skew = reachability.clock_skew(document.response.headers, time.time())
    if skew is None:
        return Finding(None, "The provider's answers name no time to compare with.", "unknown")
    leeway, seconds = leeway_of(provider), round(abs(skew))
    if seconds > leeway:
        raise ClockWrong(seconds=seconds, direction="ahead of" if skew > 0 else "behind", leeway=leeway)
    if seconds > _SKEW_WARNING:
        direction = "ahead of" if skew > 0 else "behind"
        text = f"This server's clock is {seconds} seconds {direction} the provider's; sign-ins allow {leeway}."
        return Finding(None, text, "warning", _NTP)
    return Finding(
        None, "The clocks agree." if not seconds else f"The clocks differ by {seconds} s; {leeway} s are allowed."
    )
