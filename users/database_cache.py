"""The cache in the database, which all processes share where CACHE_URL is not set."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import DatabaseError, connections, router, transaction
from django.utils import timezone

from users.cache_values import UNREADABLE, JsonSerializer
from users.models import CacheEntry

_FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
_json = JsonSerializer()


class JsonDatabaseCache(DatabaseCache):
    """Django's, with JSON in its table. The two methods that pickle are replaced; the others see no values."""

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        """Return what there is under these keys. A value that cannot be read is not there."""
        names = {self.make_and_validate_key(key, version=version): key for key in keys}
        rows = CacheEntry.objects.filter(cache_key__in=names, expires__gt=timezone.now())
        found = {names[name]: _json.loads(text) for name, text in rows.values_list("cache_key", "value")}
        return {key: value for key, value in found.items() if value is not UNREADABLE}

    def _base_set(self, mode: str, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT) -> bool:
        """Do what `set`, `add` and `touch` have in common, and return whether it was done.

        Args:
            mode: which of the three.
            key: as it stands in the table.
        """
        ends = self.get_backend_timeout(timeout)
        expires = _FOREVER if ends is None else datetime.fromtimestamp(ends, UTC)
        entry = CacheEntry(cache_key=key, value=_json.dumps(value), expires=expires)
        self._make_room()
        try:
            with transaction.atomic(using=router.db_for_write(CacheEntry)):
                return _written(mode, entry)
        except DatabaseError:  # as Django's: whoever caches goes on without
            return False

    def _make_room(self) -> None:
        database = router.db_for_write(CacheEntry)
        number = CacheEntry.objects.count()
        if number > self._max_entries:
            with connections[database].cursor() as cursor:
                now = timezone.now().replace(microsecond=0)
                self._cull(database, cursor, now, number)  # type: ignore[attr-defined]


def _written(mode: str, entry: CacheEntry) -> bool:
    """Write an entry, and return False where there is none to touch; raises IntegrityError where `add` finds one."""
    same = CacheEntry.objects.filter(cache_key=entry.cache_key)
    if mode == "touch":
        return same.update(expires=entry.expires) > 0
    if mode == "add":
        same.filter(expires__lte=timezone.now()).delete()
        entry.save(force_insert=True)
    else:
        CacheEntry.objects.bulk_create(
            [entry], update_conflicts=True, unique_fields=["cache_key"], update_fields=["value", "expires"]
        )
    return True
