"""`manage.py organization`: the limits, from a shell."""

import pytest

from tests.browsing import last_event
from tests.commands.running import run
from users.organization import current

pytestmark = pytest.mark.django_db

LIMITS = {"session_idle_minutes": 60, "session_absolute_hours": 8, "audit_retention_days": 365}
DEFAULTS = {**LIMITS, "second_factor_required": False}


def test_it_shows_and_sets_what_is_given() -> None:
    assert run("organization", "show", "--json").json == DEFAULTS
    changed = run("organization", "set", "--session-idle-minutes", "15", "--audit-retention-days=30", "--json")
    assert (changed.status, changed.json) == (0, {**DEFAULTS, "session_idle_minutes": 15, "audit_retention_days": 30})
    assert "session_idle_minutes    15" in run("organization", "show").out
    assert last_event(action="users.organization.limits_set").actor_label.startswith("operator")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--session-idle-minutes", "4"), "users.limit_out_of_range"),
        (("--session-absolute-hours", "1000"), "users.limit_out_of_range"),
        (("--audit-retention-days", "-1"), "users.limit_out_of_range"),
        (("--audit-retention-days", "many"), "usage"),
        ((), "usage"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], code: str) -> None:
    refused = run("organization", "set", *arguments)
    assert refused.status == 2 and code in refused.err
    assert current().session_idle_minutes == 60
