"""For load balancers and supervisors: does the process answer, and can it work?"""

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache, caches
from django.core.cache.backends.db import BaseDatabaseCache
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal import draining


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 while the process serves."""
    return JsonResponse({"status": "ok"})


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 while database and migrations are as they must be, else 503 with what is not.

    Without the cache Gatehouse works all the same, so that a Redis that is down must not take every instance out of
    the load balancer: it is "degraded" then. A server that was told to end answers 503: nothing new should be sent
    to it.
    """
    if draining.has_begun():
        return JsonResponse({"status": "draining"}, status=503)
    database = _database()
    migrated = database and _migrated()
    cached = _cache(database)
    status = "unavailable" if not migrated else "ok" if cached else "degraded"
    checks = {"database": database, "migrations": migrated, "cache": cached}
    return JsonResponse({"status": status, **checks}, status=200 if migrated else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def _migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _cache(database: bool) -> bool:
    """Return whether the cache keeps something. Of one in the database it is enough that its table can be read."""
    in_database = isinstance(caches["default"], BaseDatabaseCache)
    if in_database and not database:
        return False
    try:
        if in_database:
            cache.has_key("readyz")
            return True
        cache.set("readyz", "ok", 5)
        return bool(cache.get("readyz") == "ok")
    except Exception:  # noqa: BLE001  (each cache backend has exceptions of its own; any of them means no cache)
        return False
