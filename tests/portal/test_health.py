"""/healthz says that the process answers, /readyz that it can work."""

import pytest
from django.conf import LazySettings
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from tests.commands.running import in_python

ASK = """
import django
django.setup()
from django.test import Client
print([Client().get(path).status_code for path in ("/healthz", "/readyz")])
"""


@pytest.mark.django_db
def test_it_is_well(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()) == (
        200,
        {"status": "ok", "database": True, "migrations": True, "cache": True},
    )


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_it_is_public_uncached_and_read_only(path: str, client: Client) -> None:
    response = client.get(path)
    assert "no-store" in response["Cache-Control"] and not response.cookies
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405


@pytest.mark.django_db
def test_it_is_not_ready_before_the_migrations(client: Client) -> None:
    MigrationRecorder.Migration.objects.filter(app="users").order_by("-id")[0].delete()
    response = client.get("/readyz")
    assert (response.status_code, response.json()["status"], response.json()["migrations"]) == (
        503,
        "unavailable",
        False,
    )
    assert client.get("/healthz").status_code == 200


@pytest.mark.django_db
def test_it_works_without_the_cache_and_says_so(client: Client, settings: LazySettings) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }
    response = client.get("/readyz")
    expected = {"status": "degraded", "database": True, "migrations": True, "cache": False}
    assert (response.status_code, response.json()) == (200, expected)


@pytest.mark.parametrize("url", ["sqlite:////nonexistent/gatehouse.sqlite3", "postgres://x:x@127.0.0.1:1/x"])
def test_it_is_not_ready_without_the_database_but_alive(url: str) -> None:
    assert in_python(ASK, url) == "[200, 503]"
