"""The one HTTP client and the one key cache of this process, built from the settings."""

import logging
from contextlib import AbstractContextManager
from functools import lru_cache

from django.conf import settings
from django.dispatch import Signal

from idp.protocol.budget import BUDGET
from idp.protocol.http import HttpClient, HttpPolicy
from idp.protocol.jwks import JwksCache
from idp.protocol.observing import Exchange
from users.log_context import current

# Sent with `exchange` after each request to a provider, and with `provider`, the slug or "", as is the other one:
# sent when keys are fetched again because a token named one that is not known.
exchanged, keys_refetched = Signal(), Signal()

_logger = logging.getLogger("gatehouse.upstream")


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
    client = HttpClient(policy, observer=_tell_of)
    return client, JwksCache(client, on_refetch=_tell_of_refetch)


def _tell_of(exchange: Exchange) -> None:
    # A refusal (4xx) is an answer. Without one, and with a 5xx, the provider or the way to it is in trouble; a sign-in
    # may go on with the keys that are known, so that nothing else would tell of it.
    if exchange.outcome not in {"2xx", "4xx"}:
        fields = {"endpoint": exchange.endpoint, "outcome": exchange.outcome, "duration": round(exchange.seconds, 4)}
        _logger.warning("the provider's %s endpoint gave no good answer", exchange.endpoint, extra={"fields": fields})
    exchanged.send_robust(HttpClient, exchange=exchange, provider=current().provider)


def _tell_of_refetch() -> None:
    _logger.info("the provider's keys are fetched again: a token named one that is not known")
    keys_refetched.send_robust(JwksCache, provider=current().provider)


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
