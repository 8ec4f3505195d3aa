"""Sign-ins day by day: counted from the audit log once, and kept."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from users.models import AuditEvent, SignInDay
from users.sign_in_days import Day, keep_days, last_days

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def sign_in(days_ago: int, *, outcome: str = "succeeded", times: int = 1) -> None:
    AuditEvent.objects.create(
        at=NOON - timedelta(days=days_ago),
        action=f"portal.sign_in.{outcome}",
        outcome="success" if outcome == "succeeded" else "refused",
        occurrences=times,
    )


@time_machine.travel(NOON, tick=False)
def test_every_day_is_there_with_both_numbers() -> None:
    for days_ago in (0, 0, 1, 29, 30):
        sign_in(days_ago)
    sign_in(1, outcome="failed", times=40)
    days = last_days()
    assert [day.day for day in days] == [(NOON - timedelta(days=back)).date() for back in range(29, -1, -1)]
    assert days[-1] == Day(NOON.date(), succeeded=2)
    assert days[-2] == Day(NOON.date() - timedelta(days=1), succeeded=1, refused=40)
    assert days[0].succeeded == 1 and sum(day.succeeded for day in days) == 4


@time_machine.travel(NOON, tick=False)
def test_days_that_are_over_are_kept_and_today_is_counted_anew() -> None:
    sign_in(1)
    sign_in(0)
    assert keep_days() == 30 and keep_days() == 0
    assert not SignInDay.objects.filter(day=NOON.date()).exists()
    sign_in(0)
    sign_in(1)  # cannot come in real life; here it shows that the day is not counted again
    days = last_days()
    assert (days[-1].succeeded, days[-2].succeeded) == (2, 1)


def test_a_day_is_not_kept_before_its_folded_rows_have_settled() -> None:
    with time_machine.travel(datetime(2026, 11, 24, 0, 30, tzinfo=UTC), tick=False):
        keep_days()
        assert SignInDay.objects.order_by("-day").values_list("day", flat=True)[0].day == 22
