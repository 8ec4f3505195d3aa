"""Enabling on trial: what is guarded goes back by itself, with nothing running but sign-ins."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from idp import activation, guard_returns, guards, routing
from idp.activation_scope import EVERYBODY, Scope
from idp.guard_errors import GuardMinutesInvalid, GuardNotFound, GuardOver, GuardPercentInvalid
from idp.guard_queries import last_return, watched
from idp.guards import GuardTerms
from idp.housekeeping import keep_house
from idp.models import GuardedFailure, GuardOutcome, IdentityProvider, RoutingGuard, RoutingPolicy, Status
from idp.pilot import pilot_of
from idp.routing_counts import people_per_policy
from idp.routing_inputs import PolicyInput
from idp.routing_policies import add_policy, delete_policy, switch_policy
from tests.browsing import Browser, assert_refused, last_event
from tests.entra_tenant import PracticeTenant
from tests.entra_tenant.faults import Fault
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person, make_provider
from tests.idp.test_routing import make_policy, make_provider_row
from tests.idp.test_routing_policies import group_of
from tests.mailbox import newest_mail, wait_for_mail_threads, with_mail_server, without_mail_server
from users.audit import Actor
from users.errors import PermissionRefused
from users.models import AdminRole, AuditEvent, User, UserSession

pytestmark = pytest.mark.django_db

HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture
def boss() -> User:
    """The Administrator With Billing."""
    return make_administrator(email="boss@contoso.example")


@pytest.fixture
def entra(boss: User) -> IdentityProvider:
    """A draft that nobody is sent to yet."""
    return make_provider_row(1, "draft")


def enable(provider: IdentityProvider, *, scope: Scope = EVERYBODY, **terms: int) -> RoutingGuard:
    """Activate a provider on trial."""
    activation.activate_provider(
        actor=OPERATOR, provider=provider, understood=True, fingerprint=None, scope=scope, guard=GuardTerms(**terms)
    )
    return RoutingGuard.objects.filter(provider=provider).latest("started_at")


def later(minutes: float) -> "time_machine.travel":
    """Move the clock."""
    return time_machine.travel(timezone.now() + timedelta(minutes=minutes))


def test_unconfirmed_it_is_over_for_every_decision_at_that_very_moment(entra: IdentityProvider) -> None:
    ada = make_person("ada@contoso.example")
    enable(entra)
    with later(29.9):
        assert routing.provider_of(ada) == entra and routing.provider_for_email(ada.company_email) == entra
        assert routing.offered_providers() == [entra] and routing.is_for_everyone()
    with later(30.1):
        # Nothing was stored: the clock alone decides.
        assert routing.provider_of(ada) is None and routing.provider_for_email(ada.company_email) is None
        assert routing.offered_providers() == [] and not routing.is_for_everyone()
        entra.refresh_from_db()
        assert entra.status == Status.ACTIVE


def test_who_comes_first_stores_the_way_back_and_the_administrators_get_a_mail(
    entra: IdentityProvider, boss: User, browser_client: Browser, django_capture_on_commit_callbacks: Callable
) -> None:
    ada = make_person("ada@contoso.example", password=PASSWORD)
    enable(entra)
    make_administrator(AdminRole.HELP_DESK)
    with later(31):
        with django_capture_on_commit_callbacks(execute=True):
            answer = browser_client.post("/login/", {"email": ada.company_email})
        assert answer["Location"] == "/login/password/"
        assert browser_client.sign_in_with_password(ada).status_code == 302 and browser_client.is_signed_in
        entra.refresh_from_db()
        assert entra.status == Status.DRAFT
        assert not RoutingPolicy.objects.get().enabled and RoutingPolicy.objects.get().guard is None
        guard = RoutingGuard.objects.get()
        assert (guard.outcome, guard.failed, guard.succeeded) == (GuardOutcome.EXPIRED, 0, 0)
        told = newest_mail(boss.company_email)
        assert told.subject == "Provider 1: federation went back by itself"
        assert "No administrator confirmed it" in told.body and "/admin/" in told.body
        assert len(mail.outbox) == 1
        event = last_event(action="idp.guard.went_back")
        assert (event.actor_label, event.target_label) == ("Gatehouse", "Provider 1")
        assert event.details["why"] == "Went back: nobody confirmed it in time"
        # Once: whoever comes next finds nothing to do.
        assert guard_returns.settle_guards() == 0
        assert last_return(entra) is not None


def test_confirmed_it_stays(entra: IdentityProvider) -> None:
    ada = make_person()
    guard = enable(entra)
    assert [each.guard for each in watched(entra)] == [guard]
    assert guards.confirm_guards(actor=OPERATOR, provider=entra) == 1
    with later(31):
        assert guard_returns.settle_guards() == 0
        assert routing.provider_of(ada) == entra
    assert last_event(action="idp.guard.confirmed").details == {"succeeded": 0, "failed": 0}
    with pytest.raises(GuardNotFound):
        guards.confirm_guards(actor=OPERATOR, provider=entra)
    assert last_event(action="idp.guard.confirmed").error_code == "idp.guard.not_found"


def test_too_late_a_confirmation_is_refused(entra: IdentityProvider) -> None:
    ada = make_person()
    enable(entra)
    with later(31):
        with pytest.raises(GuardOver) as refused:
            guards.confirm_guards(actor=OPERATOR, provider=entra)
        assert refused.value.code == "idp.guard.over"
        guard_returns.settle_guards()
        assert routing.provider_of(ada) is None


def test_only_who_manages_providers_confirms_or_takes_back(entra: IdentityProvider) -> None:
    enable(entra)
    helper = make_administrator(AdminRole.ADMINISTRATOR)
    actor = Actor(person=helper, label=helper.label)
    for act in (guards.confirm_guards, guard_returns.call_back):
        with pytest.raises(PermissionRefused):
            act(actor=actor, provider=entra)
    assert watched(entra)


def test_it_can_be_taken_back_at_once(entra: IdentityProvider) -> None:
    ada = make_person()
    enable(entra)
    assert guard_returns.call_back(actor=OPERATOR, provider=entra) == 1
    assert routing.provider_of(ada) is None
    entra.refresh_from_db()
    assert entra.status == Status.DRAFT
    wait_for_mail_threads()
    assert mail.outbox == [], "who took it back knows it"
    assert last_return(entra) is None
    with pytest.raises(GuardNotFound):
        guard_returns.call_back(actor=OPERATOR, provider=entra)


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        ({"minutes": 4}, GuardMinutesInvalid),
        ({"minutes": 1441}, GuardMinutesInvalid),
        ({"failure_percent": 0}, GuardPercentInvalid),
        ({"failure_percent": 101}, GuardPercentInvalid),
    ],
)
def test_terms_that_guard_nothing_are_refused_and_nothing_is_enabled(
    entra: IdentityProvider, terms: dict[str, int], error: type[Exception]
) -> None:
    with pytest.raises(error) as refused:
        enable(entra, **terms)
    assert last_event(action="idp.provider.activated").error_code == refused.value.code
    assert refused.value.code in {"idp.guard.minutes_invalid", "idp.guard.percent_invalid"}
    entra.refresh_from_db()
    assert entra.status == Status.DRAFT and not RoutingPolicy.objects.exists()


def test_a_pilot_that_becomes_everybody_goes_back_to_the_pilot(entra: IdentityProvider) -> None:
    ada, alan = make_person("ada@contoso.example"), make_person("alan@contoso.example")
    pilot = Scope(group=group_of(ada))
    enable(entra, scope=pilot)
    guards.confirm_guards(actor=OPERATOR, provider=entra)
    entra.refresh_from_db()
    assert pilot_of(entra).people == 1 and pilot_of(entra).missing == 1
    guard = enable(entra, scope=EVERYBODY, minutes=60)
    assert not guard.from_draft and routing.provider_of(alan) == entra
    with later(61):
        assert [routing.provider_of(person) for person in (ada, alan)] == [entra, None]
        guard_returns.settle_guards()
        assert [routing.provider_of(person) for person in (ada, alan)] == [entra, None]
        entra.refresh_from_db()
        assert entra.status == Status.ACTIVE
        gone = last_return(entra)
        assert gone is not None and gone.guard.policy is not None
        assert gone.guard.policy.name == "Everyone to Provider 1"


def test_what_is_enabled_while_the_whole_provider_is_on_trial_goes_back_with_it(entra: IdentityProvider) -> None:
    ada, alan = make_person("ada@contoso.example"), make_person("alan@contoso.example")
    enable(entra, scope=Scope(group=group_of(ada)))
    entra.refresh_from_db()
    more = PolicyInput(name="More", domains=["contoso.example"])
    add_policy(actor=OPERATOR, provider=entra, given=more, understood=True)
    everybody = PolicyInput(name="All", everyone=True)
    add_policy(actor=OPERATOR, provider=entra, given=everybody, understood=True, guard=GuardTerms(minutes=600))
    with later(31):
        assert [routing.provider_of(person) for person in (ada, alan)] == [None, None]
        assert (people_per_policy().local, people_per_policy().by_policy) == (2, {})
        guard_returns.settle_guards()
        assert [routing.provider_of(person) for person in (ada, alan)] == [None, None]
        assert not watched(entra) and not guards.watching().exists()
        assert not RoutingPolicy.objects.get(name="All").enabled
        assert AuditEvent.objects.filter(action="idp.guard.went_back").count() == 1


def test_as_policies_say_comes_back_with_the_policies_as_they_were(entra: IdentityProvider) -> None:
    ada = make_person()
    policy = make_policy(entra, everyone=True)
    enable(entra, scope=Scope(as_policies_say=True))
    assert routing.provider_of(ada) == entra
    with later(31):
        assert routing.provider_of(ada) is None
        guard_returns.settle_guards()
        policy.refresh_from_db()
        entra.refresh_from_db()
        assert policy.enabled and entra.status == Status.DRAFT


def test_a_policy_that_is_switched_on_goes_back_to_off(entra: IdentityProvider) -> None:
    other, ada = make_provider_row(2), make_person()
    make_policy(other, position=2, everyone=True)
    policy = make_policy(other, position=1, everyone=True, enabled=False)
    guarded = {"enabled": True, "understood": True, "guard": GuardTerms()}
    switch_policy(actor=OPERATOR, policy=policy, **guarded)
    assert last_event(action="idp.routing_policy.switched").details["guard_minutes"] == 30
    assert routing.provider_of(ada) == other
    with later(31):
        guard_returns.settle_guards()
        policy.refresh_from_db()
        assert not policy.enabled and routing.provider_of(ada) == other


@pytest.mark.parametrize("how", ["deactivate", "archive", "switch off", "delete"])
def test_what_is_switched_off_by_hand_is_not_on_trial_any_more(entra: IdentityProvider, how: str) -> None:
    make_policy(make_provider_row(2), position=1, everyone=True)
    activation.activate_provider(
        actor=OPERATOR,
        provider=entra,
        understood=True,
        fingerprint=None,
        scope=Scope(as_policies_say=True),
    )
    entra.refresh_from_db()
    given = PolicyInput(name="All", everyone=True)
    policy = add_policy(actor=OPERATOR, provider=entra, given=given, position=1, understood=True, guard=GuardTerms())
    if how == "deactivate":
        activation.deactivate_provider(actor=OPERATOR, provider=entra)
    elif how == "archive":
        activation.archive_provider(actor=OPERATOR, provider=entra)
    elif how == "switch off":
        switch_policy(actor=OPERATOR, policy=policy, enabled=False, understood=True)
    else:
        delete_policy(actor=OPERATOR, policy=policy, understood=True)
    assert RoutingGuard.objects.get().outcome == GuardOutcome.ENDED
    with later(31):
        assert guard_returns.settle_guards() == 0


def test_sessions_that_it_opened_end_with_it(
    tenant: PracticeTenant, boss: User, ada: User, browser_client: Browser
) -> None:
    draft = make_provider(tenant, active=False)
    enable(draft)
    assert browser_client.federated_sign_in().status_code == 303 and browser_client.is_signed_in
    with later(31):
        assert not browser_client.is_signed_in, "each page compares with the clock"
        guard_returns.settle_guards()
        assert not UserSession.objects.filter(person=ada).exists()
        assert RoutingGuard.objects.get().succeeded == 1


def test_a_sign_in_under_way_is_refused_once_it_is_over(
    tenant: PracticeTenant, boss: User, ada: User, browser_client: Browser
) -> None:
    enable(make_provider(tenant, active=False), minutes=5)
    with later(4.9):
        location = browser_client.begin()
    with later(5.1):
        assert_refused(browser_client.come_back(browser_client.at_provider(location)), "federation.routed_elsewhere")


STRANGERS = ("grace", "alan", "katherine", "edsger")


def fail(browser: Browser, name: str) -> None:
    """Come back from the provider with a valid token of somebody whom Gatehouse does not know."""
    location = browser.get("/oauth/login/entra/", {"login_hint": f"{name}@contoso.example"})["Location"]
    assert_refused(browser.come_back(browser.at_provider(location)), "federation.no_match")


def test_it_goes_back_when_too_many_of_those_who_try_are_refused(
    tenant: PracticeTenant, boss: User, ada: User, django_capture_on_commit_callbacks: Callable
) -> None:
    draft = make_provider(tenant, active=False)
    enable(draft)
    browser = Browser()
    assert browser.federated_sign_in().status_code == 303
    fail(Browser(), STRANGERS[0])
    for _ in range(3):
        fail(Browser(), STRANGERS[1])  # one account is one person, however often she tries
    assert [(each.failed, each.succeeded) for each in watched(draft)] == [(2, 1)]
    assert routing.provider_of(ada) == draft
    with django_capture_on_commit_callbacks(execute=True):
        fail(Browser(), STRANGERS[2])
    assert routing.provider_of(ada) is None and not browser.is_signed_in
    guard = RoutingGuard.objects.get()
    assert (guard.outcome, guard.failed, guard.succeeded) == (GuardOutcome.FAILURES, 3, 1)
    event = last_event(action="idp.guard.went_back")
    assert event.details["causes"] == ["3 × federation.no_match"]
    assert "More than 50 % of sign-ins failed" in newest_mail(boss.company_email).body


def test_a_share_at_the_threshold_is_not_above_it(tenant: PracticeTenant, boss: User) -> None:
    people = [make_person(f"{name}@contoso.example") for name in STRANGERS[:3]]
    draft = make_provider(tenant, active=False)
    enable(draft)
    for person in people:
        assert Browser().federated_sign_in(person.company_email).status_code == 303
    for number in range(2):
        GuardedFailure.objects.create(guard=RoutingGuard.objects.get(), who=f"{number}", code="federation.no_match")
    fail(Browser(), STRANGERS[3])
    assert watched(draft), "three of six are half, not more"
    fail(Browser(), "mary")
    assert not watched(draft)


def test_nobody_outside_can_bring_it_down(tenant: PracticeTenant, boss: User, ada: User) -> None:
    """Errors and codes that a visitor makes up herself count for nothing, nor do those who would be refused anyway."""
    draft = make_provider(tenant, active=False)
    enable(draft, failure_percent=1)
    for number in range(4):
        browser = Browser()
        location = browser.get("/oauth/login/entra/")["Location"]
        state = location.split("state=")[1].split("&")[0]
        answers: list[dict[str, str]] = [
            {"state": state, "error": "access_denied"},
            {"state": state, "code": "made-up"},
            {"state": "made-up", "code": "made-up"},
        ]
        assert browser.get("/oauth/callback/entra", answers[number % 3]).status_code >= 400
    User.objects.filter(pk=ada.pk).update(state="suspended")
    for person in (ada, make_administrator(email="hedy@contoso.example")):
        assert Browser().federated_sign_in(person.company_email).status_code == 403
    assert [(each.failed, each.succeeded) for each in watched(draft)] == [(0, 0)]


def test_a_provider_that_cannot_be_reached_brings_it_down(tenant: PracticeTenant, boss: User, ada: User) -> None:
    draft = make_provider(tenant, active=False)
    enable(draft)
    # In trouble for a moment: when Gatehouse tries it itself, it works, and nothing is held against it.
    tenant.fault("token", Fault.STATUS, status=500, times=3)
    for _ in range(3):
        assert Browser().federated_sign_in().status_code == 502
    assert [each.failed for each in watched(draft)] == [0]
    tenant.fault("token", Fault.STATUS, status=500)
    for _ in range(3):
        assert routing.provider_of(ada) == draft
        assert Browser().federated_sign_in().status_code == 502
    assert routing.provider_of(ada) is None
    assert RoutingGuard.objects.get().outcome == GuardOutcome.FAILURES


def test_a_nonce_of_a_visitors_own_counts_for_nothing(tenant: PracticeTenant, boss: User, ada: User) -> None:
    draft = make_provider(tenant, active=False)
    enable(draft, failure_percent=1)
    for _ in range(3):
        browser = Browser()
        location = re.sub(r"nonce=[^&]+", "nonce=my-own", browser.begin())
        assert_refused(browser.come_back(browser.at_provider(location)), "idp.token.nonce")
    assert [each.failed for each in watched(draft)] == [0]


def test_where_everybody_may_have_an_account_only_the_companys_people_count(
    plain_tenant: PracticeTenant, boss: User, ada: User
) -> None:
    draft = make_provider(plain_tenant, active=False)
    enable(draft)
    browser = Browser()
    for name, email, counted in (("grace", "grace@private.example", 0), ("alan", "alan@contoso.example", 1)):
        location = browser.get("/oauth/login/oidc/", {"login_hint": f"{name}@contoso.example"})["Location"]
        with plain_tenant.lying(claims={"email": email, "email_verified": True}):
            assert_refused(browser.come_back(browser.at_provider(location)), "federation.no_match")
        assert [each.failed for each in watched(draft)] == [counted]


def test_what_ran_out_is_settled_before_a_shell_acts(entra: IdentityProvider) -> None:
    ada = make_person()
    enable(entra)
    with later(31):
        guard = enable(entra)
        assert guard.is_watching and routing.provider_of(ada) == entra
        guard_returns.settle_guards()
        assert routing.provider_of(ada) == entra


def test_a_mail_that_could_not_be_sent_is_sent_by_housekeeping(
    entra: IdentityProvider, boss: User, settings: object, django_capture_on_commit_callbacks: Callable
) -> None:
    enable(entra)
    with later(31):
        without_mail_server(settings)  # type: ignore[arg-type]
        with django_capture_on_commit_callbacks(execute=True):
            guard_returns.settle_guards()
        wait_for_mail_threads()
        RoutingGuard.objects.update(mailed_at=None)  # what the thread's own connection does outside of a test
        with_mail_server(settings)  # type: ignore[arg-type]
        (done,) = [done for done in keep_house() if done.task == "guards"]
        assert done.counts == {"gone back": 0, "mails sent again": 1}
        assert "went back by itself" in newest_mail(boss.company_email).subject
        assert guard_returns.tell_again() == 0


def test_the_database_keeps_an_end_where_it_ended(entra: IdentityProvider) -> None:
    guard = enable(entra)
    for changes in (
        {"outcome": "confirmed"},
        {"ended_at": timezone.now()},
        {"until": guard.started_at},
        {"failure_percent": 0},
        {"outcome": "whatever", "ended_at": timezone.now()},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            RoutingGuard.objects.filter(pk=guard.pk).update(**changes)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_come_first_one_stores_the_way_back(boss: User) -> None:
    entra = make_provider_row(1, "draft")
    enable(entra)
    gate = Barrier(6)

    def come(_: int) -> int:
        try:
            gate.wait()
            return guard_returns.settle_guards()
        finally:
            connection.close()

    with later(31), ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(come, range(6)))[-1] == 1
    assert AuditEvent.objects.filter(action="idp.guard.went_back").count() == 1
    wait_for_mail_threads()
    assert len(mail.outbox) == 1
