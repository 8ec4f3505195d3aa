"""New encryption keys while people sign in: processes with different lists of keys, and a rotation among them.

The order is the one of docs/security.md: the new key last everywhere, then first everywhere, then `keys rotate`, then
the old one goes.
"""

from threading import Event, Thread

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from idp import keys
from idp.fields import Secret
from idp.models import IdentityProvider, UpstreamGrant
from tests.browsing import Browser
from tests.commands.running import run
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_person
from tests.idp.conformance.support import all_at_once, warm_up
from tests.idp.test_access_policies import add
from tests.portal.test_access_policies import STEP, federated_with_app
from tests.second_factors import give_app, seed_on
from users.models import User, UserSession

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
# What the processes of an installation have, step by step. Neighbours in this list run at the same time.
STEPS = [[OLD], [OLD, NEW], [NEW, OLD], [NEW]]
NEIGHBOURS = [(STEPS[0], STEPS[1]), (STEPS[1], STEPS[2]), (STEPS[1], STEPS[0]), (STEPS[2], STEPS[1])]


@pytest.fixture(autouse=True)
def old_key(settings: LazySettings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]


def grants(provider: IdentityProvider, person: User, count: int) -> None:
    """Store sessions with a refresh token each."""
    for number in range(count):
        session = UserSession.objects.create(session_key=f"{number:040}", expire_date=timezone.now(), person=person)
        UpstreamGrant.objects.create(
            session=session,
            provider=provider,
            original={},
            refresh_token=Secret.of(f"refresh-{number}"),
            next_check_at=timezone.now(),
        )


@pytest.mark.django_db
@pytest.mark.parametrize(("here", "there"), NEIGHBOURS)
def test_what_one_process_stored_another_reads(
    here: list[str], there: list[str], provider: IdentityProvider, tenant: PracticeTenant, settings: LazySettings
) -> None:
    settings.ENCRYPTION_KEYS = here
    IdentityProvider.objects.update(client_secret=Secret.of(tenant.client_secret))
    settings.ENCRYPTION_KEYS = there
    assert IdentityProvider.objects.get().client_secret.reveal() == tenant.client_secret


@pytest.mark.django_db
@pytest.mark.parametrize(("here", "there"), NEIGHBOURS)
def test_an_administrators_sign_in_begins_here_and_ends_there(
    here: list[str], there: list[str], administrator: User, settings: LazySettings
) -> None:
    app, browser = give_app(administrator), Browser()
    settings.ENCRYPTION_KEYS = here
    browser.sign_in_as_administrator(administrator)
    settings.ENCRYPTION_KEYS = there
    assert browser.post("/admin/login/second-factor/", {"code": app.code()}).status_code == 302
    assert browser.is_administering


@pytest.mark.django_db
@pytest.mark.parametrize(("here", "there"), NEIGHBOURS)
def test_a_federated_sign_in_begins_here_and_ends_there(
    here: list[str], there: list[str], provider: IdentityProvider, ada: User, settings: LazySettings
) -> None:
    settings.ENCRYPTION_KEYS = here
    browser = Browser()
    location = browser.at_provider(browser.begin())
    settings.ENCRYPTION_KEYS = there
    browser.come_back(location)
    assert browser.is_signed_in


@pytest.mark.django_db
@pytest.mark.parametrize(("here", "there"), NEIGHBOURS)
def test_a_seed_that_is_shown_here_is_confirmed_there(
    here: list[str], there: list[str], administrator: User, settings: LazySettings
) -> None:
    from_page, browser = "/admin/account/second-factor/app/", Browser()
    browser.sign_in_as_administrator(administrator)
    settings.ENCRYPTION_KEYS = here
    seed = seed_on(browser.get(from_page))
    settings.ENCRYPTION_KEYS = there
    assert seed_on(browser.get(from_page)) == seed


@pytest.mark.django_db
@pytest.mark.parametrize(("here", "there"), NEIGHBOURS)
def test_a_providers_answer_that_waits_here_for_the_second_step_is_taken_there(
    here: list[str], there: list[str], provider: IdentityProvider, ada: User, settings: LazySettings
) -> None:
    app, browser = federated_with_app(ada), Browser()
    add("Second factor", "require_second_factor")
    settings.ENCRYPTION_KEYS = here
    assert browser.federated_sign_in()["Location"] == STEP
    settings.ENCRYPTION_KEYS = there
    browser.post(STEP, {"code": app.code()})
    assert browser.is_signed_in


@pytest.mark.django_db
def test_the_whole_order_loses_nothing(
    provider: IdentityProvider, tenant: PracticeTenant, ada: User, settings: LazySettings
) -> None:
    IdentityProvider.objects.update(client_secret=Secret.of(tenant.client_secret))
    for step in STEPS[1:3]:
        settings.ENCRYPTION_KEYS = step
        assert Browser().federated_sign_in().status_code == 303
    assert run("keys", "rotate").status == 0
    settings.ENCRYPTION_KEYS = STEPS[3]
    assert Browser().federated_sign_in().status_code == 303
    assert run("keys", "check").status == 0


@pytest.mark.django_db
def test_more_secrets_than_a_batch_are_rotated_and_a_second_time_none(
    provider: IdentityProvider, ada: User, settings: LazySettings
) -> None:
    grants(provider, ada, keys.BATCH * 2 + 1)
    IdentityProvider.objects.update(client_secret=Secret.of("x"))
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert run("keys", "rotate", "--json").json["secrets"] == keys.BATCH * 2 + 2
    rotated = set(UpstreamGrant.objects.values_list("refresh_token", flat=True))
    assert all(secret.is_current for secret in rotated)
    former = IdentityProvider.objects.get()
    run("keys", "rotate")
    assert IdentityProvider.objects.get().client_secret.token == former.client_secret.token
    assert IdentityProvider.objects.get().revision == former.revision


@pytest.mark.django_db
def test_what_can_be_read_is_rotated_past_what_cannot(
    provider: IdentityProvider, ada: User, settings: LazySettings
) -> None:
    grants(provider, ada, 2)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    IdentityProvider.objects.update(client_secret=Secret.of("of a lost key"))
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    refused = run("keys", "rotate", "--json")
    assert (refused.status, refused.error["code"]) == (5, "idp.secret_unreadable")
    assert "1 of 3 stored secrets" in refused.error["message"] and "--leave-unreadable" in refused.error["hint"]
    assert not any(secret.is_current for secret in UpstreamGrant.objects.values_list("refresh_token", flat=True))
    assert run("keys", "rotate", "--leave-unreadable", "--json").json["secrets"] == 2
    assert all(secret.is_current for secret in UpstreamGrant.objects.values_list("refresh_token", flat=True))


@pytest.mark.django_db(transaction=True)
def test_twenty_people_sign_in_while_the_secrets_are_rotated(
    provider: IdentityProvider, tenant: PracticeTenant, ada: User, settings: LazySettings
) -> None:
    """Over and over, with a fresh key each time; nobody waits for all of it, and nobody fails."""
    warm_up(tenant)
    grants(provider, make_person(), keys.BATCH + 1)
    IdentityProvider.objects.update(client_secret=Secret.of(tenant.client_secret))
    done, errors = Event(), []

    def rotate() -> None:
        try:
            while not done.is_set():
                settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
                keys.rotate_secrets(actor=OPERATOR)
        except Exception as error:  # noqa: BLE001  (whatever it is, the test fails with it)
            errors.append(error)
        finally:
            connection.close()

    rotation = Thread(target=rotate)
    rotation.start()
    try:
        responses = all_at_once(lambda browser: browser.federated_sign_in(), [Browser() for _ in range(20)])
    finally:
        done.set()
        rotation.join(timeout=60)
    assert errors == []
    assert [response.status_code for response in responses] == [303] * 20
    keys.rotate_secrets(actor=OPERATOR)
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    assert {kind.unreadable for kind in keys.count_secrets()} == {0}
    assert UpstreamGrant.objects.count() == keys.BATCH + 1


@pytest.mark.django_db(transaction=True)
def test_a_secret_that_changes_during_a_rotation_is_not_put_back(
    provider: IdentityProvider, ada: User, settings: LazySettings
) -> None:
    """A provider that rotates refresh tokens has forgotten the former one: bringing it back would end a session."""
    grants(provider, ada, keys.BATCH)
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    done = Event()

    def refresh() -> None:
        try:
            for number in range(keys.BATCH):
                fresh = Secret.of(f"fresh-{number}")
                UpstreamGrant.objects.filter(session_id=f"{number:040}").update(refresh_token=fresh)
        finally:
            done.set()
            connection.close()

    refreshing = Thread(target=refresh)
    refreshing.start()
    while not done.is_set():
        keys.rotate_secrets(actor=OPERATOR, leave_unreadable=True)
    refreshing.join(timeout=60)
    stored = UpstreamGrant.objects.order_by("session_id").values_list("refresh_token", flat=True)
    assert [secret.reveal() for secret in stored] == [f"fresh-{number}" for number in range(keys.BATCH)]
