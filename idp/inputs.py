"""What an administrator pastes, brought into normal form or refused with the cure."""

import re
from datetime import date, timedelta

from django.utils import timezone

from idp.errors import (
    ClientIdInvalid,
    ClientIdIsTenant,
    ClientSecretInvalid,
    ClientSecretIsId,
    ClientSecretMissing,
    EmailDomainInvalid,
    EntraClientIdInvalid,
    ProviderNameInvalid,
    SecretExpiryInvalid,
)
from idp.models import Kind

_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_DOMAIN = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_SECRET = re.compile(r"[^\s\x00-\x1f\x7f]{1,1000}")
_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,255}")


def clean_provider_name(text: str) -> str:
    """Return the name with single spaces, or raise ProviderNameInvalid."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise ProviderNameInvalid()
    return name


def clean_client_id(text: str, *, kind: str, tenant_id: str = "") -> str:
    """Return the client ID; for Entra a lower-case GUID that is not the tenant's."""
    client_id = text.strip()
    if kind == Kind.ENTRA:
        if not _GUID.fullmatch(client_id):
            raise EntraClientIdInvalid()
        client_id = client_id.lower()
        if client_id == tenant_id:
            raise ClientIdIsTenant()
    elif not _CLIENT_ID.fullmatch(client_id):
        raise ClientIdInvalid()
    return client_id


def clean_client_secret(text: str, *, kind: str) -> str:
    """Return the secret without the white space around it; a GUID in its place is an Entra Secret ID."""
    secret = text.strip()
    if not secret:
        raise ClientSecretMissing()
    if kind == Kind.ENTRA and _GUID.fullmatch(secret):
        raise ClientSecretIsId()
    if not _SECRET.fullmatch(secret):
        raise ClientSecretInvalid()
    return secret


def clean_expiry(day: date | None) -> date | None:
    """Return the day if it lies within the next ten years."""
    today = timezone.localdate()
    if day is not None and not today <= day <= today + timedelta(days=3660):
        raise SecretExpiryInvalid()
    return day


def clean_email_domains(domains: list[str]) -> list[str]:
    """Return the domains lower-cased, sorted and once each. Empty means any domain."""
    cleaned = set()
    for domain in domains:
        text = domain.strip().lstrip("@").rstrip(".").lower()
        if not _DOMAIN.fullmatch(text):
            raise EmailDomainInvalid(domain=domain[:100])
        cleaned.add(text)
    return sorted(cleaned)
