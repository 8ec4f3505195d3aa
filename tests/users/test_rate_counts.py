"""Counting in the database: windows, and clocks that disagree."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache

from tests.commands.running import run
from users.models import CacheEntry, RateCount
from users.rate_counts import Hits, count_hit

pytestmark = pytest.mark.django_db

NOW = datetime(2031, 3, 3, 9, 0, 20, tzinfo=UTC)


def at(moment: datetime) -> Hits:
    with time_machine.travel(moment, tick=False):
        return count_hit("x", seconds=60)


def test_it_says_how_many_and_how_long() -> None:
    assert [at(NOW) for _ in range(2)] == [Hits(1, 40), Hits(2, 40)]
    assert at(NOW + timedelta(seconds=39)) == Hits(3, 1)
    assert at(NOW + timedelta(seconds=40)) == Hits(1, 60)


def test_keys_are_counted_apart() -> None:
    assert at(NOW).count == 1 and count_hit("y", seconds=60).count == 1
    assert RateCount.objects.count() == 2


def test_a_clock_that_is_behind_counts_in_the_window_that_others_are_in() -> None:
    assert at(NOW + timedelta(seconds=50)).count == 1
    assert [at(NOW).count, at(NOW + timedelta(seconds=50)).count] == [2, 3]


def test_a_clock_that_was_wrong_counts_against_nobody_for_years() -> None:
    at(NOW + timedelta(days=4000))
    assert [at(NOW).count, at(NOW).count] == [1, 2]


def test_the_cache_is_in_the_database_and_housekeeping_empties_it() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        cache.set("short", "gone", 10)
        cache.set("long", "there", 1000)
        assert (cache.get("short"), CacheEntry.objects.count()) == ("gone", 2)
        clock.shift(timedelta(seconds=20))
        (task,) = [task for task in run("housekeeping", "--json").json["tasks"] if task["task"] == "cache"]
        assert (task["counts"], cache.get("short"), cache.get("long")) == ({"removed": 1}, None, "there")
    assert CacheEntry.objects.count() == 1
