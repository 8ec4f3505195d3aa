"""The one HTTP client and the one key cache of this process, built from the settings."""

from contextlib import AbstractContextManager
from functools import lru_cache

from django.conf import settings

from idp.protocol.budget import BUDGET
from idp.protocol.http import HttpClient, HttpPolicy
from idp.protocol.jwks import JwksCache


def policy() -> HttpPolicy:
    """Return what the settings allow outgoing requests to do."""
    return HttpPolicy(
        insecure_origins=insecure_origins(),
        private_hosts=frozenset(host.lower() for host in settings.PRIVATE_ISSUER_HOSTS),
        ca_file=settings.UPSTREAM_CA_FILE or None,
    )


def insecure_origins() -> frozenset[str]:
    """Return the origins that may be reached over http: practice and tests only."""
    return frozenset(origin.rstrip("/") for origin in settings.INSECURE_ISSUER_ORIGINS)


@lru_cache(maxsize=4)
def _pair(policy: HttpPolicy) -> tuple[HttpClient, JwksCache]:
    client = HttpClient(policy)
    return client, JwksCache(client)


def client() -> HttpClient:
    """Return the pooled client: one TLS context and kept-alive connections for the whole process."""
    return _pair(policy())[0]


def keys() -> JwksCache:
    """Return the process's cache of signing keys."""
    return _pair(policy())[1]


def one_deadline() -> AbstractContextManager[None]:
    """Return a context whose requests, one after the other, take together no longer than a single one may.

    A sign-in asks for tokens, and sometimes for keys: a provider that is slow at each must not hold a worker twice.
    """
    return BUDGET.shared(policy().total_timeout)
