"""The short form of `make soak`: on PostgreSQL two instances behind nginx with Redis, else four processes on SQLite.

Its servers and its database are its own; DATABASE_URL only chooses which of the two runs.
"""

from django.conf import settings

from tests.soak.soak import Plan, soak

ON_POSTGRESQL = settings.DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql"


def test_every_sign_in_ends_well_whatever_happens_to_the_servers() -> None:
    plan = Plan(ON_POSTGRESQL, sign_ins=48, concurrency=16, processes=1 if ON_POSTGRESQL else 4, seconds=120)
    report = soak(plan)
    assert report.problems == [], report.logs
    assert [len(result.seconds) for _, result in report.phases] == [plan.sign_ins] * len(plan.phases)
