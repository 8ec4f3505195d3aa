"""Authenticator apps, recovery codes, the rule, and resetting: the services."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from idp.models import IdentityProvider
from tests.commands.running import run
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.second_factors import App, give_app
from tests.users.support import as_person, at_once, audit_rows, refused
from users.errors import PermissionRefused, PersonNotFound
from users.factor_errors import (
    FactorNotFound,
    SecondFactorCodeUsed,
    SecondFactorManagedExternally,
    SecondFactorMissing,
    SecondFactorNeeded,
    SecondFactorWrong,
    SeedUnreadable,
)
from users.factors import (
    administrators_without_second_factor,
    factors_of,
    must_enrol,
    remove_authenticator_app,
    reset_second_factor,
)
from users.models import AdminRole, AuthenticatorApp, RecoveryCode, User, UserSession
from users.second_factor import add_authenticator_app, app_uri, make_recovery_codes, new_seed, spend_typed_code
from users.second_factor_rule import enrolment, set_second_factor_rule

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(db: None) -> User:
    """A person with a local password."""
    return make_person(password=PASSWORD)


@pytest.fixture
def still() -> Iterator[None]:
    """Let no time pass, so that a test does not run over the end of a step."""
    with time_machine.travel(timezone.now(), tick=False):
        yield


def spend(person: User, code: str) -> str:
    return spend_typed_code(actor=as_person(person), person=person, code=code)


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_code_of_this_step_or_a_neighbour_is_right(steps: int, person: User, still: None) -> None:
    assert spend(person, give_app(person).code(steps)) == "totp"
    assert factors_of(person).last_used_at == timezone.now()


@pytest.mark.parametrize("steps", [-2, 2, 100])
def test_a_code_of_another_step_is_wrong(steps: int, person: User, still: None) -> None:
    app = give_app(person)
    error = refused(SecondFactorWrong, spend, person=person, code=app.code(steps))
    assert error.code == "users.second_factor_wrong"


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "１２３４５６", "\x00", "x" * 64, "0000-0000-0000-0000"]
)
def test_what_is_no_code_is_wrong(code: str, person: User) -> None:
    give_app(person)
    refused(SecondFactorWrong, spend, person=person, code=code)


def test_a_code_is_right_as_apps_show_it_with_a_space(person: User, still: None) -> None:
    code = give_app(person).code()
    assert spend(person, f" {code[:3]} {code[3:]} ") == "totp"


def test_each_code_is_good_once_and_none_before_it_after(person: User, still: None) -> None:
    app = give_app(person)
    assert spend(person, app.code(0)) == "totp"
    error = refused(SecondFactorCodeUsed, spend, person=person, code=app.code(0))
    assert error.code == "users.second_factor_code_used"
    refused(SecondFactorCodeUsed, spend, person=person, code=app.code(-1))
    assert spend(person, app.code(1)) == "totp"


def test_the_code_that_set_the_app_up_is_used(person: User, still: None) -> None:
    seed = new_seed()
    app = App(seed.reveal())
    add_authenticator_app(actor=as_person(person), person=person, seed=seed, code=app.code())
    refused(SecondFactorCodeUsed, spend, person=person, code=app.code())


@pytest.mark.django_db(transaction=True)
def test_of_two_with_the_same_code_one_gets_in(person: User) -> None:
    code = give_app(person).code()
    results = at_once(*[lambda: spend(person, code)] * 2)
    assert sorted(str(result) for result in results) == ["That code was used already.", "totp"]


@pytest.mark.django_db(transaction=True)
def test_of_two_with_the_same_recovery_code_one_gets_in(person: User) -> None:
    code = give_app(person).recovery_codes[0]
    results = at_once(*[lambda: spend(person, code)] * 2)
    assert sorted(str(result) for result in results) == ["That code did not work.", "recovery code"]


def test_somebody_elses_codes_are_wrong(person: User) -> None:
    give_app(person)
    other = give_app(make_person(password=PASSWORD))
    refused(SecondFactorWrong, spend, person=person, code=other.recovery_codes[0])
    refused(SecondFactorWrong, spend, person=make_person(password=PASSWORD), code=other.code())


def test_an_app_is_set_up_only_with_the_code_that_it_shows(person: User) -> None:
    arguments = {"actor": as_person(person), "person": person, "seed": new_seed(), "code": "000000"}
    refused(SecondFactorWrong, add_authenticator_app, **arguments)
    assert not factors_of(person)
    assert audit_rows(action="users.second_factor.added") == [
        ("users.second_factor.added", "refused", "users.second_factor_wrong")
    ]


def test_the_first_factor_brings_ten_codes_and_ends_other_sessions(person: User, still: None) -> None:
    UserSession.objects.create(session_key="k", person=person, expire_date=timezone.now() + timedelta(hours=1))
    app = give_app(person)
    assert len(set(app.recovery_codes)) == 10 == factors_of(person).recovery_codes
    assert not UserSession.objects.filter(person=person).exists()
    seed = new_seed()
    again = add_authenticator_app(actor=as_person(person), person=person, seed=seed, code=App(seed.reveal()).code())
    assert again.recovery_codes == () and factors_of(person).recovery_codes == 10
    refused(SecondFactorWrong, spend, person=person, code=app.code(1))


@pytest.mark.parametrize("change", [str, str.upper, lambda code: code.replace("-", ""), lambda code: f" {code} "])
def test_a_recovery_code_works_once_however_it_is_typed(change: object, person: User) -> None:
    code = change(give_app(person).recovery_codes[0])  # type: ignore[operator]
    assert spend(person, code) == "recovery code"
    refused(SecondFactorWrong, spend, person=person, code=code)
    assert factors_of(person).recovery_codes == 9
    assert audit_rows(action="users.recovery_code.used") == [("users.recovery_code.used", "success", "")]


def test_look_alikes_on_paper_are_read_right(person: User) -> None:
    codes = " ".join(give_app(person).recovery_codes)
    assert not set(codes) & set("0189")


def test_few_codes_are_noticed(person: User) -> None:
    codes = give_app(person).recovery_codes
    assert not factors_of(person).few_codes
    for code in codes[:7]:
        spend(person, code)
    assert factors_of(person).few_codes and factors_of(person).recovery_codes == 3


def test_new_codes_replace_the_old_ones(person: User) -> None:
    old = give_app(person).recovery_codes
    new = make_recovery_codes(actor=as_person(person), person=person)
    refused(SecondFactorWrong, spend, person=person, code=old[0])
    assert spend(person, new[0]) == "recovery code"


def test_without_a_factor_there_are_no_codes(person: User) -> None:
    error = refused(SecondFactorMissing, make_recovery_codes, actor=as_person(person), person=person)
    assert error.code == "users.second_factor_missing"


def test_nothing_of_it_is_stored_in_plain(person: User) -> None:
    app = give_app(person)
    with connection.cursor() as cursor:
        cursor.execute("SELECT seed FROM users_authenticatorapp")
        seed = cursor.fetchone()[0]
        cursor.execute("SELECT code_hash FROM users_recoverycode")
        hashes = str(cursor.fetchall())
    assert app.seed not in seed and seed.startswith("gAAAA")
    assert not any(code in hashes or code.replace("-", "") in hashes.lower() for code in app.recovery_codes)
    stored = AuthenticatorApp.objects.get()
    assert app.seed not in repr(stored.__dict__) and "********" in repr(stored.seed)


def test_the_qr_code_says_what_apps_expect(person: User) -> None:
    seed = new_seed()
    uri = app_uri(person, seed)
    assert (
        uri.startswith("otpauth://totp/Gatehouse:") and f"secret={seed.reveal()}" in uri and "issuer=Gatehouse" in uri
    )
    assert len(seed.reveal()) == 32


def test_only_she_herself_changes_her_factors(person: User, administrator: User) -> None:
    give_app(person)
    for act in (remove_authenticator_app, make_recovery_codes):
        refused(PermissionRefused, act, actor=as_person(administrator), person=person)
        refused(PermissionRefused, act, actor=OPERATOR, person=person)
    User.objects.filter(pk=person.pk).delete()
    refused(PersonNotFound, remove_authenticator_app, actor=as_person(person), person=person)


def test_removing_the_last_factor_forgets_the_codes(person: User) -> None:
    give_app(person)
    remove_authenticator_app(actor=as_person(person), person=person)
    assert not factors_of(person) and not RecoveryCode.objects.exists()
    error = refused(FactorNotFound, remove_authenticator_app, actor=as_person(person), person=person)
    assert error.code == "users.factor_not_found"


def test_the_last_one_stays_where_it_is_required(administrator: User, person: User) -> None:
    give_app(administrator)
    give_app(person)
    set_second_factor_rule(actor=OPERATOR, required=True)
    error = refused(SecondFactorNeeded, remove_authenticator_app, actor=as_person(administrator), person=administrator)
    assert error.code == "users.second_factor_needed" and factors_of(administrator)
    remove_authenticator_app(actor=as_person(person), person=person)


def test_a_federated_person_is_referred_to_her_provider(provider: IdentityProvider, ada: User) -> None:
    arguments = {"actor": as_person(ada), "person": ada, "seed": new_seed(), "code": "000000"}
    error = refused(SecondFactorManagedExternally, add_authenticator_app, **arguments)
    assert error.code == "users.second_factor_managed_externally" and provider.name in error.message


def test_a_rotation_of_the_keys_takes_the_seeds_along(person: User, settings: LazySettings) -> None:
    app = give_app(person)
    old = settings.ENCRYPTION_KEYS[0]
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), old]
    assert run("keys", "rotate", "--json").json["secrets"] == 1
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    assert spend(person, app.code()) == "totp"


def test_a_lost_key_is_named_and_recovery_codes_still_work(person: User, settings: LazySettings) -> None:
    app = give_app(person)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    error = refused(SeedUnreadable, spend, person=person, code=app.code())
    assert error.code == "users.seed_unreadable"
    assert spend(person, app.recovery_codes[0]) == "recovery code"


# --- the rule --------------------------------------------------------------------------------------------------------


def test_the_rule_concerns_administrators_without_a_factor(administrator: User, person: User) -> None:
    other = make_administrator()
    assert not must_enrol(administrator)
    assert set_second_factor_rule(actor=OPERATOR, required=True)
    assert not set_second_factor_rule(actor=OPERATOR, required=True), "nothing was changed"
    give_app(other)
    assert (must_enrol(administrator), must_enrol(other), must_enrol(person)) == (True, False, False)
    assert list(administrators_without_second_factor()) == [administrator]
    counted = enrolment()
    assert (counted.administrators, counted.with_count, counted.without_count, counted.more) == (2, 1, 1, 0)
    assert audit_rows(action="users.organization.second_factor_rule_set") == [
        ("users.organization.second_factor_rule_set", "success", "")
    ]


def test_only_who_manages_the_organization_sets_the_rule() -> None:
    for role in (AdminRole.ADMINISTRATOR, AdminRole.HELP_DESK, AdminRole.READ_ONLY):
        refused(PermissionRefused, set_second_factor_rule, actor=as_person(make_administrator(role)), required=True)


# --- resetting -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [AdminRole.HELP_DESK, AdminRole.ADMINISTRATOR])
def test_the_help_desk_resets_people_but_no_administrators(role: AdminRole, person: User, administrator: User) -> None:
    actor = as_person(make_administrator(role))
    give_app(person)
    give_app(administrator)
    UserSession.objects.create(session_key="k", person=person, expire_date=timezone.now() + timedelta(hours=1))
    assert reset_second_factor(actor=actor, person=person) == 1
    assert not factors_of(person) and not RecoveryCode.objects.filter(person=person).exists()
    assert not UserSession.objects.filter(person=person).exists()
    refused(PermissionRefused, reset_second_factor, actor=actor, person=administrator)
    assert factors_of(administrator)
    assert reset_second_factor(actor=as_person(administrator), person=make_administrator()) == 0


def test_a_reader_resets_nobody(person: User) -> None:
    actor = as_person(make_administrator(AdminRole.READ_ONLY))
    refused(PermissionRefused, reset_second_factor, actor=actor, person=person)
    User.objects.filter(pk=person.pk).delete()
    refused(PersonNotFound, reset_second_factor, actor=OPERATOR, person=person)


def test_the_commands_reset(administrator: User, person: User) -> None:
    give_app(administrator)
    give_app(person)
    reset = run("admins", "reset-mfa", administrator.company_email, "--json")
    assert (reset.status, reset.json["factors_removed"]) == (0, 1)
    assert run("users", "reset-mfa", person.user_name, "--json").json["factors_removed"] == 1
    assert not factors_of(administrator) and not factors_of(person)
    assert audit_rows(action="users.second_factor.reset") == [("users.second_factor.reset", "success", "")] * 2
    assert "users.not_an_administrator" in run("admins", "reset-mfa", person.company_email).err
    assert run("users", "reset-mfa", "nobody@contoso.example").status == 4


def test_the_command_sets_the_rule() -> None:
    assert run("organization", "set", "--second-factor-required", "yes", "--json").json["second_factor_required"]
    assert not run("organization", "set", "--second-factor-required", "no", "--json").json["second_factor_required"]
    assert run("organization", "set", "--second-factor-required", "perhaps").status == 2
