"""A provider's key set, fetched rarely and kept when the provider is down (OIDC Core 10.1.1, entra.md 1.3)."""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from idp.protocol import errors, token_errors
from idp.protocol.budget import BUDGET
from idp.protocol.http import HttpClient
from idp.protocol.key_sets import Jwk, SigningKey, load, select
from idp.protocol.observing import JWKS
from idp.protocol.urls import split_url
from users.errors import DirectoryError

# Keys rotate unannounced: look hourly whatever Cache-Control says, but not at every sign-in.
_SOFT_TTL = 3600.0
_MIN_SOFT_TTL = 300.0
# For so long the last good set serves while the provider does not hand out a new one.
_HARD_TTL = 86400.0
# An unknown key ID refetches at once, but a storm of invented IDs must not become a storm of requests.
_FORCED_WINDOW = 30.0
# One that failed has not shown whether the key is known there: one bad answer must not keep everybody out for so long.
_FORCED_AGAIN_AFTER = 2.0
# After a failed refresh, sign-ins go on with the last good set instead of waiting for the provider one by one.
_RETRY_AFTER = 60.0
_MAX_SETS = 256

_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=(\d{1,9})(?:$|[,\s])", re.ASCII | re.IGNORECASE)


@dataclass
class _KeySet:
    """One fetched document; replaced as a whole, so that readers need no lock."""

    keys: tuple[Jwk, ...]
    fetched_at: float
    refresh_at: float
    loaded: dict[tuple[str | None, str], SigningKey] = field(default_factory=dict)

    def find(self, kid: str | None, algorithm: str) -> SigningKey | None:
        known = self.loaded.get((kid, algorithm))
        if known is None:
            jwk = select(self.keys, kid=kid, algorithm=algorithm)
            if jwk is None:
                return None
            known = self.loaded[kid, algorithm] = load(jwk, algorithm)
        return known


@dataclass
class _Entry:
    """What is known about one URI. `lock` is held while fetching, and only then."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    key_set: _KeySet | None = None
    attempts: int = 0
    forced_at: float = float("-inf")
    forced_in_vain: bool = False
    failure: DirectoryError | None = None


class JwksCache:
    """Key sets by URI, for all threads of a process."""

    def __init__(
        self,
        client: HttpClient,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_refetch: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._clock = clock
        self._on_refetch = on_refetch
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def signing_key(self, jwks_uri: str, *, kid: str | None, algorithm: str, refetch: bool = False) -> SigningKey:
        """The key that a token's header names.

        An unknown `kid` fetches the set again, at most once per window; `refetch` asks for the same where a token
        without `kid` does not verify, which is how rotation shows at a provider with a single key.

        Raises:
            DirectoryError: no such key, no single one, one that is not usable, or no key set at all.
        """
        entry = self._entry(jwks_uri)
        cached = entry.key_set
        key_set = self._current(jwks_uri, entry)
        found = None if refetch else key_set.find(kid, algorithm)
        # A set that this very call has brought in cannot be out of date.
        if found is None and key_set is cached:
            key_set = self._forced(jwks_uri, entry, seen=key_set)
        found = found or key_set.find(kid, algorithm)
        if found is None:
            raise token_errors.TokenKeyUnknown
        return found

    def clear(self) -> None:
        """Forgets everything, for tests."""
        with self._lock:
            self._entries.clear()

    def _entry(self, uri: str) -> _Entry:
        with self._lock:
            entry = self._entries.setdefault(uri, _Entry())
            self._entries.move_to_end(uri)
            if len(self._entries) > _MAX_SETS:
                self._entries.popitem(last=False)
            return entry

    def _current(self, uri: str, entry: _Entry) -> _KeySet:
        """The cached set, refreshed when it is due."""
        key_set, now = entry.key_set, self._clock()
        if key_set is None or now >= key_set.fetched_at + _HARD_TTL:
            return self._cold(uri, entry)
        # One thread refreshes a set that is due; the others go on with what there is.
        if now >= key_set.refresh_at and entry.lock.acquire(blocking=False):
            try:
                if entry.key_set is key_set:
                    self._refresh(uri, entry, key_set)
            finally:
                entry.lock.release()
        return entry.key_set or key_set

    def _cold(self, uri: str, entry: _Entry) -> _KeySet:
        """The first fetch: one thread asks, the others wait and share its answer, good or bad."""
        attempts = entry.attempts
        with _turn_of(entry, uri):
            key_set = entry.key_set
            if key_set is not None and self._clock() < key_set.fetched_at + _HARD_TTL:
                return key_set
            if entry.attempts != attempts and entry.failure is not None:
                # An error of its own for each thread: raising one twice would mix up their tracebacks.
                raise type(entry.failure)(**entry.failure.context)
            return self._fetch(uri, entry)

    def _forced(self, uri: str, entry: _Entry, *, seen: _KeySet) -> _KeySet:
        """Fetches again because of an unknown key, unless another thread just has, or the window is closed."""
        with _turn_of(entry, uri):
            if entry.key_set is not None and entry.key_set is not seen:
                return entry.key_set
            window = _FORCED_AGAIN_AFTER if entry.forced_in_vain else _FORCED_WINDOW
            if self._clock() >= entry.forced_at + window:
                entry.forced_at = self._clock()
                self._on_refetch()
                self._refresh(uri, entry, seen)
                entry.forced_in_vain = entry.failure is not None
            return entry.key_set or seen

    def _refresh(self, uri: str, entry: _Entry, last_good: _KeySet) -> None:
        try:
            self._fetch(uri, entry)
        except DirectoryError:
            last_good.refresh_at = self._clock() + _RETRY_AFTER

    def _fetch(self, uri: str, entry: _Entry) -> _KeySet:
        try:
            entry.key_set = self._download(uri)
            entry.failure = None
        except DirectoryError as exc:
            entry.failure = exc
            raise
        finally:
            entry.attempts += 1
        return entry.key_set

    def _download(self, uri: str) -> _KeySet:
        response = self._client.get_json(uri, endpoint=JWKS)
        if response.status != 200:
            raise errors.JwksUnavailable(status=response.status)
        keys = response.body.get("keys")
        if not isinstance(keys, list):
            raise errors.JwksMalformed
        # A member that is no object is left out; a key that cannot be loaded fails when it is named, not before.
        usable = tuple(key for key in keys if isinstance(key, dict))
        if not usable:
            raise errors.JwksEmpty
        now = self._clock()
        return _KeySet(usable, fetched_at=now, refresh_at=now + _soft_ttl(response.headers))


@contextmanager
def _turn_of(entry: _Entry, uri: str) -> Iterator[None]:
    """Waits for another thread's fetch, but not past the deadline of the sign-in."""
    if not entry.lock.acquire(timeout=BUDGET.patience()):
        raise errors.HttpTimeout(host=split_url(uri).host)
    try:
        yield
    finally:
        entry.lock.release()


def _soft_ttl(headers: Mapping[str, str]) -> float:
    """Cache-Control's max-age (RFC 9111 section 5.2.2.1) between our limits."""
    match = _MAX_AGE.search(headers.get("cache-control", ""))
    return min(max(float(match[1]), _MIN_SOFT_TTL), _SOFT_TTL) if match else _SOFT_TTL
