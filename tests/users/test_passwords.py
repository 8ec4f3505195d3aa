"""Which passwords are accepted, and how they are kept."""

import pytest
from django.conf import LazySettings

from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.users.support import refused
from users.administrators import add_administrator, set_admin_password
from users.errors import PasswordRefused
from users.models import AdminRole, User
from users.services import add_person

pytestmark = pytest.mark.django_db

REFUSED = {
    "empty": "",
    "too short": "Tr0ub4dor&3",
    "common": "password1234",
    "only digits": "738201946573",
    "like the user name": "grace.hopper1",
    "like the email": "grace.hopper@contoso.example",
    "with a NUL": "an-umbrella\x00for-the-gate",
    "too long": "an umbrella " * 100,
}


@pytest.mark.parametrize("password", REFUSED.values(), ids=REFUSED)
def test_it_refuses_a_bad_password(password: str) -> None:
    arguments = {"company_email": "grace.hopper@contoso.example", "user_name": "grace.hopper"}
    error = refused(PasswordRefused, add_person, actor=OPERATOR, password=password, **arguments)
    assert (error.field, error.exit_status) == ("password", 2)
    assert User.objects.count() == 0


def test_a_refusal_does_not_quote_the_password() -> None:
    error = refused(
        PasswordRefused, add_person, actor=OPERATOR, company_email="a@contoso.example", password="hunter2-hunt"[:11]
    )
    assert "hunter2" not in f"{error.message}{error.hint}{error.context}"


@pytest.mark.parametrize(
    "password", [PASSWORD, "пароль от ворот 4711", "  spaces around it count  ", "🔑🚪🔑🚪🔑🚪🔑🚪🔑🚪🔑🚪"]
)
def test_it_accepts_a_long_password_of_any_characters(password: str) -> None:
    assert make_person(password=password).check_password(password)


def test_passwords_are_hashed_with_argon2_in_production() -> None:
    from_file = LazySettings()
    assert from_file.PASSWORD_HASHERS == ["django.contrib.auth.hashers.Argon2PasswordHasher"]


def test_an_administrator_must_have_a_password() -> None:
    arguments = {"actor": OPERATOR, "company_email": "new@contoso.example", "role": AdminRole.READ_ONLY}
    refused(PasswordRefused, add_administrator, **arguments, password=None)
    assert User.objects.count() == 0


def test_an_administrators_new_password_replaces_the_old_one() -> None:
    administrator = make_administrator()
    changed = set_admin_password(actor=OPERATOR, person=administrator, password="another-umbrella-0815")
    assert changed.check_password("another-umbrella-0815") and not changed.check_password(PASSWORD)


def test_a_refused_new_password_leaves_the_old_one() -> None:
    administrator = make_administrator()
    refused(PasswordRefused, set_admin_password, actor=OPERATOR, person=administrator, password="short")
    administrator.refresh_from_db()
    assert administrator.check_password(PASSWORD)
