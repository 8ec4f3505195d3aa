"""`manage.py organization`: the limits, from a shell."""

from pathlib import Path

import pytest

from tests.browsing import last_event
from tests.commands.running import run
from tests.pictures import picture
from users.organization import current

pytestmark = pytest.mark.django_db

DEFAULTS = {
    "name": "",
    "support_email": "",
    "support_url": "",
    "support_phone": "",
    "support_note": "",
    "default_state_manual": "staged",
    "default_state_import": "staged",
    "session_idle_minutes": 60,
    "session_absolute_hours": 8,
    "audit_retention_days": 365,
    "second_factor_required": False,
    "logo": None,
}


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
        (("--default-state-manual", "suspended"), "usage"),
        (("--session-idle-minutes=15", "--support-url", "http://help.contoso.example/"), "users.support_url_invalid"),
        (("--session-idle-minutes=4", "--name", "Contoso"), "users.limit_out_of_range"),
        (("--session-idle-minutes=15", "--name", "two\nlines"), "users.organization_name_invalid"),
        ((), "usage"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], code: str) -> None:
    refused = run("organization", "set", *arguments)
    assert refused.status == 2 and code in refused.err
    # Nothing of what was given is stored, whichever part was wrong.
    assert current().session_idle_minutes == 60 and current().name == ""


def test_it_sets_what_people_see_and_how_they_begin() -> None:
    texts = ("--name", "Contoso", "--support-email", "desk@contoso.example", "--support-note", "Ask the IT desk.")
    run("organization", "set", *texts, "--default-state-manual", "active")
    kept = run("organization", "set", "--support-phone", "+44 20 7946 0958", "--support-note", "", "--json").json
    assert kept == {
        **DEFAULTS,
        "name": "Contoso",
        "support_email": "desk@contoso.example",
        "support_phone": "+44 20 7946 0958",
        "default_state_manual": "active",
    }
    assert run("users", "add", "ada@contoso.example", "--json").json["state"] == "active"
    assert run("users", "add", "grace@contoso.example", "--state", "staged", "--json").json["state"] == "staged"


def test_it_sets_and_removes_the_logo(tmp_path: Path) -> None:
    file = tmp_path / "logo.png"
    file.write_bytes(picture(size=(320, 96)))
    stored = run("organization", "set-logo", str(file), "--json").json["logo"]
    assert stored.startswith("320x96 ") and len(stored) == 7 + 64
    assert last_event(action="users.organization.logo_set").actor_label.startswith("operator")
    assert run("organization", "remove-logo", "--json").json["logo"] is None
    file.write_text("<svg></svg>")
    refused = run("organization", "set-logo", str(file))
    assert refused.status == 2 and "users.logo_is_svg" in refused.err
    file.write_bytes(bytes(3 * 1024 * 1024))
    assert "users.logo_too_large" in run("organization", "set-logo", str(file)).err


@pytest.mark.parametrize("name", ["nothing.png", ".", "a\x00b"])
def test_a_file_that_cannot_be_read(name: str, tmp_path: Path) -> None:
    refused = run("organization", "set-logo", str(tmp_path / name))
    assert refused.status == 4 and "users.file_unreadable" in refused.err
