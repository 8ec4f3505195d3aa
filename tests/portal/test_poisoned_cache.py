"""Somebody else can write to the cache: nothing that is put there is run, and what cannot be read is not there."""

import base64
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.cache import caches
from django.utils import timezone
from redis import Redis
from redis.exceptions import ResponseError

from portal.doctor import services
from tests.browsing import Browser
from tests.redis_server import RedisServer
from users.models import CacheEntry

pytestmark = pytest.mark.django_db

Put = Callable[[str, bytes], None]
UNREADABLE = [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"9" * 5000]


class Bomb:
    """Makes a directory where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self.trace,)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "was-run"


@pytest.fixture(params=["database", "redis", "redis that is told to pickle"])
def put(request: pytest.FixtureRequest) -> Put:
    """Write bytes into the cache, past Gatehouse."""
    if request.param == "database":
        return put_into_the_database
    server: RedisServer = request.getfixturevalue("redis_server")
    if request.param != "redis":
        settings: LazySettings = request.getfixturevalue("settings")
        options = {"serializer": "django.core.cache.backends.redis.RedisSerializer"}
        settings.CACHES = {"default": {**settings.CACHES["default"], "OPTIONS": options}}

    def put_into_redis(key: str, value: bytes) -> None:
        with Redis(port=server.port) as client:
            client.set(caches["default"].make_key(key), value)

    return put_into_redis


def put_into_the_database(key: str, value: bytes) -> None:
    """As Django's own cache writes pickles, and anything else as it is."""
    text = (
        base64.b64encode(value).decode() if value.startswith(b"\x80") else value.replace(b"\x00", b"").decode("latin1")
    )
    tomorrow = timezone.now() + timedelta(days=1)
    CacheEntry.objects.update_or_create(
        cache_key=caches["default"].make_key(key), defaults={"value": text, "expires": tomorrow}
    )


def test_a_pickle_is_not_run(put: Put, trace: Path) -> None:
    for key in ("readyz", "other"):
        put(key, pickle.dumps(Bomb(trace)))
    cache = caches["default"]
    assert Browser().get("/readyz").json()["cache"] is True
    assert cache.get("other", "nothing") == "nothing" and cache.get_many(["other", "readyz"]).get("other") is None
    with pytest.raises((ValueError, ResponseError)):
        cache.incr("other")
    assert not trace.exists()


def test_the_bomb_would_go_off_in_djangos_own(trace: Path, settings: LazySettings) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "users_cache"},
    }
    put_into_the_database("other", pickle.dumps(Bomb(trace)))
    caches["default"].get("other")
    assert trace.exists()


@pytest.mark.parametrize("value", UNREADABLE)
def test_what_cannot_be_read_is_not_there(value: bytes, put: Put) -> None:
    put("other", value)
    assert caches["default"].get("other", "nothing") == "nothing" and caches["default"].get_many(["other"]) == {}
    caches["default"].set("other", {"a": [1, None, "b"]}, 60)
    assert caches["default"].get("other") == {"a": [1, None, "b"]}


def test_counting_goes_on_where_a_count_was_poisoned(put: Put, trace: Path) -> None:
    put("hits:x", pickle.dumps(Bomb(trace)))
    assert Browser().post("/login/").status_code != 500 and not trace.exists()


def test_the_doctor_reads_what_it_wrote_and_runs_nothing(
    put: Put, trace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert services._cache().outcome == "passed"
    monkeypatch.setattr(services.secrets, "token_hex", lambda size: "known")
    monkeypatch.setattr(caches["default"], "set", lambda *given: put("doctor-known", pickle.dumps(Bomb(trace))))
    assert services._cache().outcome == "failed" and not trace.exists()


def test_the_cache_works_as_others_do(put: Put) -> None:
    cache = caches["default"]
    cache.set("n", 1, 60)
    assert cache.incr("n") == 2 and cache.get("n") == 2
    assert not cache.add("n", 5, 60) and cache.add("m", None, 60)
    assert cache.get("m", "nothing") is None and cache.get_many(["n", "m"]) == {"n": 2, "m": None}
    assert cache.touch("n", 60) and not cache.touch("absent", 60) and cache.has_key("n")
    cache.set("n", "gone", 0)
    assert cache.get("n") is None
    cache.set("for-ever", "x", None)
    assert cache.get("for-ever") == "x" and cache.delete("for-ever") and not cache.delete("for-ever")
    with pytest.raises(TypeError):
        cache.set("n", datetime(2031, 3, 3, tzinfo=UTC), 60)


def test_the_table_stays_within_its_bounds(settings: LazySettings) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "OPTIONS": {"MAX_ENTRIES": 10}}}
    for number in range(40):
        caches["default"].set(f"k{number}", number, 60)
    assert 1 <= CacheEntry.objects.count() <= 12
    put_into_the_database("old", b"1")
    CacheEntry.objects.update(expires=timezone.now() - timedelta(minutes=1))
    assert caches["default"].get("old") is None and caches["default"].add("old", 2, 60)
    assert caches["default"].get("old") == 2
