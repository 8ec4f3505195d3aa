"""Redis as Gatehouse uses it: it may be slow, away, read-only or empty at any moment, and no request waits for it.

Imported only where CACHE_URL names a Redis: the library alone costs every command a tenth of a second.
"""

import logging
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

from users.breaker import Breaker
from users.cache_values import UNREADABLE, JsonSerializer

# A Redis nearby answers within a millisecond. What CACHE_URL says in its query goes before.
_IMPATIENT = {"socket_connect_timeout": 0.25, "socket_timeout": 0.25}
AWAY_FOR = 5.0  # seconds

breaker = Breaker(AWAY_FOR)
_logger = logging.getLogger("gatehouse.cache")


class _Client(RedisCacheClient):
    """Django's, to which a value that cannot be read is one that is not there."""

    def get(self, key: Any, default: Any) -> Any:
        value = super().get(key, UNREADABLE)
        return default if value is UNREADABLE else value

    def get_many(self, keys: Any) -> dict[Any, Any]:
        return {key: value for key, value in super().get_many(keys).items() if value is not UNREADABLE}


class ImpatientRedisCache(RedisCache):
    """Django's, with short time-outs, with JSON instead of pickles, and with counters that never raise."""

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        """Add what the settings do not say themselves. That values are JSON is not theirs to say."""
        options = {**_IMPATIENT, **params.get("OPTIONS", {}), "serializer": JsonSerializer}
        super().__init__(server, {**params, "OPTIONS": options})
        self._class = _Client

    def count_hit(self, key: str, *, seconds: int) -> int | None:
        """Count one more under a key that lives so long, and return how many there are.

        The two commands are one transaction, so that a key without an end is never left behind.

        Returns:
            None where Redis does not count: the caller then counts elsewhere.
        """
        if not breaker.may_try():
            return None
        name = self.make_key(key)
        try:
            with self._cache.get_client(write=True).pipeline(transaction=True) as pipeline:
                pipeline.set(name, 0, ex=seconds, nx=True)
                pipeline.incr(name)
                hits = int(pipeline.execute()[1])
        except RedisError as error:
            if breaker.failed():
                _logger.warning("Redis does not count (%s): the database does until it is back", type(error).__name__)
            return None
        if breaker.answered():
            _logger.warning("Redis counts again")
        return hits
