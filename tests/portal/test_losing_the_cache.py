"""Redis is emptied, killed, stopped or read-only: nothing that keeps people out is lost, and nobody waits for it."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import time_machine
from django.conf import LazySettings

from idp.models import IdentityProvider
from portal import limits
from tests.browsing import Browser, assert_refused, error_code
from tests.commands.running import ROOT
from tests.entra_tenant import PracticeTenant
from tests.factories import make_person
from tests.redis_server import RedisServer, forget_trouble
from users.cache import breaker
from users.models import RateCount, User

pytestmark = pytest.mark.django_db

NOW = datetime(2031, 3, 3, 9, 0, 1, tzinfo=UTC)
SET_UP = "/admin/set-up/some-token/"
MOST = limits.RATES["admin_portal:set_up"].most
TROUBLE: dict[str, Callable[[RedisServer], None]] = {
    "emptied": RedisServer.flush,
    "killed": RedisServer.stop,
    "silent": RedisServer.hang,
    "read-only": RedisServer.make_read_only,
}
trouble = pytest.mark.parametrize("happens", TROUBLE.values(), ids=TROUBLE.keys())


@pytest.fixture(autouse=True)
def usual(settings: LazySettings) -> None:
    """The limits as they are where nobody sets a factor."""
    settings.RATE_LIMIT_FACTOR = 1


def refused_after(count: int) -> list[bool]:
    """Post so many forms, and return which were one too many."""
    with time_machine.travel(NOW, tick=False):
        return [Browser().post(SET_UP).status_code == 429 for _ in range(count)]


def test_redis_counts_where_there_is_one_and_forgets_by_itself(redis_server: RedisServer) -> None:
    assert refused_after(MOST + 1) == [False] * MOST + [True]
    (key,) = redis_server.keys()
    assert "admin_portal:set_up" in key and "127.0.0.1" in key
    assert not RateCount.objects.exists()


@trouble
def test_the_limits_still_count(happens: Callable[[RedisServer], None], redis_server: RedisServer) -> None:
    refused_after(MOST)
    happens(redis_server)
    assert refused_after(MOST + 1) == [False] * MOST + [True]
    # Emptied, it counts again from nothing. Otherwise the database counts, and nobody asks Redis for a while.
    is_emptied = happens is RedisServer.flush
    assert RateCount.objects.exists() != is_emptied and breaker.may_try() == is_emptied


@pytest.mark.parametrize("happens", [RedisServer.hang, RedisServer.stop])
def test_it_is_used_again_once_it_is_back(happens: Callable[[RedisServer], None], redis_server: RedisServer) -> None:
    refused_after(1)
    happens(redis_server)
    refused_after(1)
    redis_server.resume() if happens is RedisServer.hang else redis_server.start()
    refused_after(1)
    assert RateCount.objects.get().hits == 2  # left alone for some seconds
    forget_trouble()
    refused_after(1)
    assert RateCount.objects.get().hits == 2 and len(redis_server.keys()) == 1


def test_a_restart_between_two_requests_goes_unnoticed(redis_server: RedisServer) -> None:
    refused_after(1)
    redis_server.stop()
    redis_server.start()
    refused_after(1)
    assert not RateCount.objects.exists() and len(redis_server.keys()) == 1


@trouble
def test_a_state_is_still_for_one_use(
    happens: Callable[[RedisServer], None],
    redis_server: RedisServer,
    provider: IdentityProvider,
    tenant: PracticeTenant,
    ada: User,
    browser_client: Browser,
) -> None:
    location = browser_client.at_provider(browser_client.begin())
    held = browser_client.cookies.output()
    happens(redis_server)
    assert browser_client.come_back(location).status_code == 303
    happens_again = Browser()
    happens_again.cookies.load(held.replace("Set-Cookie: ", ""))
    assert_refused(browser_client.come_back(location), "federation.state_used")
    assert browser_client.is_signed_in
    assert happens_again.come_back(location).status_code >= 400 and not happens_again.is_signed_in


@trouble
def test_a_lock_out_holds(happens: Callable[[RedisServer], None], redis_server: RedisServer) -> None:
    person = make_person(password="the right one 4711")
    for _ in range(3):
        Browser().sign_in_with_password(person, "wrong")
    happens(redis_server)
    for _ in range(2):
        Browser().sign_in_with_password(person, "wrong")
    locked = Browser().sign_in_with_password(person, "the right one 4711")
    assert (locked.status_code, error_code(locked)) == (429, "portal.sign_in_locked")


@trouble
def test_the_instance_stays_in_the_load_balancer(
    happens: Callable[[RedisServer], None], redis_server: RedisServer
) -> None:
    assert Browser().get("/readyz").json()["status"] == "ok"
    happens(redis_server)
    ready = Browser().get("/readyz")
    works = happens is RedisServer.flush
    expected = {"status": "ok" if works else "degraded", "database": True, "migrations": True, "cache": works}
    assert (ready.status_code, ready.json()) == (200, expected)


def cache_of(url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from portal import settings; print(settings.CACHES['default'])"]
    environment = {"ENV_FILE": "/dev/null", "SECRET_KEY": "x", "ENCRYPTION_KEYS": "x", "CACHE_URL": url}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)  # noqa: S603  (our own)


def test_a_redis_in_the_settings_is_an_impatient_one() -> None:
    assert "users.cache.ImpatientRedisCache" in cache_of("redis://127.0.0.1:1/0").stdout
    assert "users.database_cache.JsonDatabaseCache" in cache_of("").stdout


@pytest.mark.parametrize("url", ["filecache:///var/cache/gatehouse", "memcache://127.0.0.1:1", "dbcache://users_cache"])
def test_caches_that_keep_pickles_are_refused(url: str) -> None:
    asked = cache_of(url)
    assert asked.returncode == 1 and "CACHE_URL: Redis is the only cache server" in asked.stderr
