"""What an administrator pastes as "Entra IdP URL", and the tenant behind it (reference/entra.md 1.1 and 1.2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from idp.protocol import errors, url_errors
from idp.protocol.clouds import CLOUDS, PUBLIC, Cloud, cloud_of_domain, cloud_of_host
from idp.protocol.discovery import discovery_refusal, parse_metadata
from idp.protocol.http import HttpClient, JsonResponse
from idp.protocol.observing import DISCOVERY
from idp.protocol.types import ProviderMetadata
from idp.protocol.urls import (
    MAX_LENGTH,
    WELL_KNOWN,
    has_invisible,
    is_insecure_origin,
    is_ip_literal,
    split_url,
)

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]", re.ASCII)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?!\d)", re.ASCII | re.IGNORECASE)
_CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
_MULTI_TENANT = frozenset({"common", "organizations", "consumers", _CONSUMERS})
_BLANK_GUID = re.compile(r"0{8}(-0{4}){3}-0{12}|x{8}(-x{4}){3}-x{12}")
_NOT_A_TENANT = frozenset({"oauth2", "v2.0", "discovery", ".well-known", "saml2", "federationmetadata", "kerberos"})
_PORTALS = re.compile(
    r"(.+\.)?(portal\.azure\.(com|us|cn)|entra\.microsoft\.(com|us)|(admin|myapps|myaccount|myapplications)"
    r"\.microsoft\.com|portal\.(office|microsoft)\.com|entra\.microsoftonline\.cn)"
)


@dataclass(frozen=True)
class EntraAuthority:
    """A tenant at a sign-in host. `tenant` is its GUID, or a domain that discovery resolves to the GUID."""

    cloud: str
    authority_origin: str
    tenant: str
    tenant_is_id: bool
    notices: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The canonical Entra IdP URL."""
        return f"{self.authority_origin}/{self.tenant}"

    @property
    def issuer(self) -> str:
        """The issuer of v2.0 tokens."""
        return f"{self.url}/v2.0"


def parse_idp_url(text: str, *, insecure_origins: frozenset[str] = frozenset()) -> EntraAuthority:
    """Recognises every form in which a tenant is copied, and refuses the rest with its reason."""
    text = text.strip().rstrip("/")
    if not text:
        raise url_errors.UrlEmpty
    if len(text) > MAX_LENGTH:
        raise url_errors.UrlTooLong
    lowered = text.lower()
    # Before the check for blanks: people paste "<your tenant>".
    if any(mark in unquote(lowered) for mark in "{}<>"):
        raise url_errors.UrlPlaceholder
    if has_invisible(text):
        raise url_errors.UrlControlCharacters
    if "\\" in text:
        raise url_errors.UrlBackslash
    if "://" in text:
        return _from_url(text, insecure_origins)
    if "/" in text and not _SCHEME.match(text):
        return _from_url(f"https://{text}", insecure_origins)
    return _from_bare(lowered)


def _from_bare(text: str) -> EntraAuthority:
    """A tenant without any URL around it."""
    if "@" in text:
        raise url_errors.UrlEmailAddress
    if is_ip_literal(text) or is_ip_literal(text.rpartition(":")[0]):
        raise url_errors.UrlIpAddress
    if _SCHEME.match(text):
        raise url_errors.UrlScheme
    if not text.isascii():
        raise url_errors.UrlLookAlike
    host = text.partition(":")[0]
    if ":" in text or cloud_of_host(host) or _PORTALS.fullmatch(host) or _other_product(host):
        return _from_url(f"https://{text}", frozenset())
    cloud = cloud_of_domain(text)
    notices = () if cloud is PUBLIC else (f"The domain belongs to {cloud.label}.",)
    return _authority(cloud.name, f"https://{cloud.host}", text, notices)


def _from_url(text: str, insecure_origins: frozenset[str]) -> EntraAuthority:
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").rstrip(".")
        port = parts.port
    except ValueError:
        # urlsplit refuses brackets that hold no IPv6 address, bad ports, and characters that NFKC turns into / or @.
        raise url_errors.UrlLookAlike if not text.isascii() else url_errors.UrlMalformed from None
    segment = _first_segment(parts.path)
    listed = _listed_origin(text, insecure_origins)
    if listed:
        return _authority("insecure", listed, segment, ())
    if parts.scheme not in {"http", "https"}:
        raise url_errors.UrlScheme
    if "@" in parts.netloc:
        raise url_errors.UrlUserInfo
    cloud = _cloud_of(host)
    if parts.scheme == "http":
        raise url_errors.UrlInsecure
    if port not in {None, 443}:
        raise url_errors.UrlPort
    notices = () if host == cloud.host else (f"{host} is another name of {cloud.host}, which is used instead.",)
    if segment in {"te", "tfp"}:
        raise url_errors.UrlB2c
    return _authority(cloud.name, f"https://{cloud.host}", segment, notices)


def _listed_origin(text: str, insecure_origins: frozenset[str]) -> str:
    try:
        parts = split_url(text)
    except ValueError:
        return ""
    return parts.origin if is_insecure_origin(parts, insecure_origins) else ""


def _cloud_of(host: str) -> Cloud:
    """The allow-listed cloud of a host, or why it is none."""
    if not host:
        raise url_errors.UrlMalformed
    if not host.isascii() or any(label.startswith("xn--") for label in host.split(".")):
        raise url_errors.UrlLookAlike
    if is_ip_literal(host):
        raise url_errors.UrlIpAddress
    cloud = cloud_of_host(host)
    if cloud:
        return cloud
    other_product = _other_product(host)
    if other_product:
        raise other_product
    shown = re.sub(r"[^a-z0-9.-]", "", host)[:100]
    raise (url_errors.UrlPortal if _PORTALS.fullmatch(host) else url_errors.UrlHostUnknown)(host=shown)


def _other_product(host: str) -> type[url_errors.UrlError] | None:
    if host.endswith(".b2clogin.com"):
        return url_errors.UrlB2c
    if host.endswith(".ciamlogin.com"):
        return url_errors.UrlExternalId
    return url_errors.UrlGermany if host == "login.microsoftonline.de" else None


def _first_segment(path: str) -> str:
    """The tenant's place in the path; whatever endpoint follows it does not matter."""
    segments = [unquote(segment) for segment in path.split("/") if segment]
    return segments[0].lower() if segments else ""


def _authority(cloud: str, origin: str, tenant: str, notices: tuple[str, ...]) -> EntraAuthority:
    if not tenant or tenant in _NOT_A_TENANT:
        raise url_errors.UrlTenantMissing
    if tenant in _MULTI_TENANT:
        raise url_errors.UrlMultiTenant(tenant=tenant)
    # "your-tenant-id", "Enter_the_Tenant_Info_Here" and the like, as documentation has them.
    if _BLANK_GUID.fullmatch(tenant) or ("tenant" in tenant and "." not in tenant):
        raise url_errors.UrlPlaceholder
    is_id = _GUID.fullmatch(tenant) is not None
    if not is_id and not _DOMAIN.fullmatch(tenant):
        raise url_errors.UrlTenantMalformed
    return EntraAuthority(cloud, origin, tenant, is_id, notices)


def discover(client: HttpClient, authority: EntraAuthority) -> tuple[EntraAuthority, ProviderMetadata]:
    """Fetches and checks a tenant's discovery document; a domain becomes the GUID that its issuer names."""
    return read_document(client.get_json(authority.issuer + WELL_KNOWN, endpoint=DISCOVERY), authority)


def read_document(response: JsonResponse, authority: EntraAuthority) -> tuple[EntraAuthority, ProviderMetadata]:
    """Checks the answer of a tenant's well-known address."""
    if response.status != 200:
        raise _refusal(response, authority)
    _check_cloud(response.body, authority)
    authority = _with_tenant_id(response.body, authority)
    insecure = frozenset({authority.authority_origin} if authority.cloud == "insecure" else ())
    metadata = parse_metadata(response.body, expected_issuer=authority.issuer, insecure_origins=insecure)
    for member in ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"):
        url = getattr(metadata, member)
        # userinfo is at Microsoft Graph, on another host by design.
        if url and split_url(url).origin != authority.authority_origin:
            raise errors.EndpointForeign(member=member, found=split_url(url).host, expected=authority.authority_origin)
    return authority, metadata


def _refusal(response: JsonResponse, authority: EntraAuthority) -> errors.DiscoveryError:
    codes = response.body.get("error_codes")
    description = response.body.get("error_description")
    unknown = isinstance(description, str) and "AADSTS90002" in description
    if response.body.get("error") == "invalid_tenant" or unknown or (isinstance(codes, list) and 90002 in codes):
        return errors.TenantUnknown(tenant=authority.tenant)
    return discovery_refusal(response, host=split_url(authority.authority_origin).host)


def _check_cloud(document: Mapping[str, Any], authority: EntraAuthority) -> None:
    """The global host answers for a sovereign tenant with that cloud's endpoints: name the URL that is meant."""
    if authority.cloud == "insecure":
        return
    for member in ("issuer", "token_endpoint", "authorization_endpoint", "jwks_uri", "end_session_endpoint"):
        found = _cloud_named_by(document.get(member))
        if found and found.name != authority.cloud:
            raise errors.CloudMismatch(cloud=found.label, url=f"https://{found.host}/{authority.tenant}")


def _cloud_named_by(url: object) -> Cloud | None:
    if not isinstance(url, str):
        return None
    try:
        host = split_url(url).host
    except ValueError:
        return None
    return next((cloud for cloud in CLOUDS if host in (cloud.host, *cloud.aliases)), None)


def _with_tenant_id(document: Mapping[str, Any], authority: EntraAuthority) -> EntraAuthority:
    issuer = document.get("issuer")
    if authority.tenant_is_id or not isinstance(issuer, str):
        return authority
    tenant = issuer.removeprefix(f"{authority.authority_origin}/").removesuffix("/v2.0")
    if "{" in tenant or tenant in _MULTI_TENANT:
        raise url_errors.UrlMultiTenant(tenant=authority.tenant)
    if not _GUID.fullmatch(tenant):
        return authority  # the issuer check that follows names both
    notice = f"{authority.tenant} was resolved to the tenant {tenant}."
    return replace(authority, tenant=tenant, tenant_is_id=True, notices=(*authority.notices, notice))
