"""A Gatehouse password in the place of a provider that is down: for whom, how long, and what is written of it."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from idp.models import IdentityProvider, RoutingPolicy
from idp.routing_inputs import PolicyInput
from idp.routing_policies import add_policy
from tests.browsing import Browser, last_event
from tests.entra_tenant import Fault, PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_person, make_provider
from tests.portal.test_home_page import text_of
from tests.portal.test_password_sign_in import anonymised, give_email, give_password
from tests.portal.test_provider_down import keep_house
from tests.second_factors import give_app
from users.errors import PasswordManagedExternally
from users.models import AuditEvent, User, UserSession
from users.passwords import change_own_password, send_password_reset
from users.services import set_person_password, suspend_person

pytestmark = pytest.mark.django_db

PROVIDERS = "/admin/directory-integrations/identity-providers/"
WAY = "password while Contoso Entra was down"


@pytest.fixture
def ada(db: None) -> User:
    """Somebody who had a password here before her company connected its provider."""
    return make_person("ada@contoso.example", display_name="Ada Lovelace", password=PASSWORD)


@pytest.fixture
def entra(tenant: PracticeTenant, administrator: User, ada: User) -> IdentityProvider:
    """A provider that everybody is sent to; its policy lets passwords in while it is down. It is well."""
    provider = make_provider(tenant)
    RoutingPolicy.objects.update(password_while_down=True)
    keep_house()
    return provider


@pytest.fixture
def down(tenant: PracticeTenant, entra: IdentityProvider) -> IdentityProvider:
    """The same, and health checks say that it is down."""
    break_down(tenant)
    entra.refresh_from_db()
    return entra


def break_down(tenant: PracticeTenant) -> None:
    tenant.fault("discovery", Fault.STATUS, status=503)
    keep_house()


def repair(tenant: PracticeTenant) -> None:
    tenant.clear_faults()
    keep_house()


def by_password(browser: Browser, email: str = "ada@contoso.example", password: str = PASSWORD) -> HttpResponse:
    return give_password(browser, email, password)


def test_while_the_provider_is_down_the_password_opens_the_user_portal(down: IdentityProvider, ada: User) -> None:
    browser = Browser()
    offered = give_email(browser, ada.company_email, next="/security/")
    said = text_of(offered)
    assert "Contoso Entra is down" in said and "Try Contoso Entra anyway" in said
    assert 'href="/login/password/?next=%2Fsecurity%2F"' in offered.content.decode()
    step = browser.get("/login/password/")
    assert f'value="{ada.company_email}"' in step.content.decode()
    assert "Only administrators have a password here now" not in text_of(step)
    assert "people whose administrators allow it may sign in with a Gatehouse password" in text_of(step)
    assert by_password(browser)["Location"] == "/"
    assert "because Contoso Entra was down. Once it works again you are signed out" in text_of(browser.get("/"))
    details = last_event(action="portal.sign_in.succeeded").details
    since = f"{down.down_since:%-d %B %Y, %H:%M} UTC"
    assert (details["method"], details["provider_down"], details["down_since"]) == (WAY, "Contoso Entra", since)
    assert "provider_id" not in details and details["account"] == ada.company_email
    security = text_of(browser.get("/security/"))
    assert "lets you in only while Contoso Entra is down" in security and "no password of yours" not in security
    assert "Password while Contoso Entra was down" in security
    assert "With a password, while Contoso Entra was down" in security


@pytest.mark.parametrize("why", ["it is well", "the policy does not let them", "nobody has checked for long"])
def test_otherwise_it_opens_nothing(why: str, tenant: PracticeTenant, entra: IdentityProvider, ada: User) -> None:
    later = timedelta()
    if why != "it is well":
        break_down(tenant)
    if why == "the policy does not let them":
        RoutingPolicy.objects.update(password_while_down=False)
        assert "Gatehouse password" not in text_of(give_email(Browser(), ada.company_email))
    if why == "nobody has checked for long":
        later = timedelta(minutes=31)
    with time_machine.travel(timezone.now() + later):
        refused = by_password(Browser())
        assert refused.status_code == 401
        assert last_event(action="portal.sign_in.failed").error_code == "users.password_managed_externally"
        assert "Only administrators have a password here" in text_of(refused)


def test_a_wrong_password_a_stranger_and_who_may_not_are_answered_alike(
    down: IdentityProvider, ada: User, administrator: User
) -> None:
    shut_out = make_person("linus@contoso.example")
    suspended = make_person("eve@contoso.example")
    User.objects.filter(pk=suspended.pk).update(password=ada.password)
    suspend_person(actor=OPERATOR, person=suspended)
    policy = add_policy(
        actor=OPERATOR, provider=down, given=PolicyInput("Shut", domains=["fabrikam.example"]), position=1
    )
    assert policy.password_while_down is False
    managed = make_person("grace@fabrikam.example")
    User.objects.filter(pk=managed.pk).update(password=ada.password)
    answers = {
        anonymised(by_password(Browser(), email, password), email)
        for email, password in [
            (ada.company_email, "wrong"),
            ("nobody@contoso.example", PASSWORD),
            (shut_out.company_email, PASSWORD),
            (suspended.company_email, PASSWORD),
            (managed.company_email, PASSWORD),
        ]
    }
    assert len(answers) == 1
    pages = {anonymised(give_email(Browser(), email), email) for email in (ada.company_email, "nobody@contoso.example")}
    assert len(pages) == 1


def test_the_second_factor_is_asked_and_noted(tenant: PracticeTenant, entra: IdentityProvider, ada: User) -> None:
    RoutingPolicy.objects.update(enabled=False)
    app = give_app(ada)
    RoutingPolicy.objects.update(enabled=True)
    break_down(tenant)
    browser = Browser()
    assert by_password(browser)["Location"] == "/login/second-factor/"
    assert not browser.is_signed_in
    assert browser.post("/login/second-factor/", {"code": app.code()})["Location"] == "/"
    assert last_event(action="portal.sign_in.succeeded").details["method"] == f"password+totp {WAY[9:]}"
    assert "Password and authenticator app while Contoso Entra was down" in text_of(browser.get("/security/"))
    # Back between the two steps, the provider takes over.
    late = Browser()
    by_password(late)
    repair(tenant)
    assert late.post("/login/second-factor/", {"code": app.code(1)})["Location"] == "/login/"
    assert not late.is_signed_in
    assert last_event(action="portal.sign_in.failed").error_code == "portal.sign_in_step_over"


def test_when_it_works_again_she_is_signed_out_at_her_next_page(
    tenant: PracticeTenant, down: IdentityProvider, ada: User
) -> None:
    browser = Browser()
    by_password(browser)
    assert browser.is_signed_in and browser.is_signed_in
    repair(tenant)
    assert browser.get("/security/")["Location"] == "/login/"
    assert last_event(action="portal.session.ended").details == {"reason": "the way to sign in changed"}
    assert "You were signed out because Contoso Entra works again. Sign in with it." in text_of(browser.get("/login/"))
    assert browser.federated_sign_in().status_code == 303
    assert browser.is_signed_in


@pytest.mark.parametrize("why", ["the policy does not let them any more", "nobody has checked for long"])
def test_it_ends_as_well_when_passwords_are_shut(why: str, down: IdentityProvider) -> None:
    browser = Browser()
    by_password(browser)
    later = timedelta(minutes=31 if why == "nobody has checked for long" else 0)
    if not later:
        RoutingPolicy.objects.update(password_while_down=False)
    with time_machine.travel(timezone.now() + later):
        assert not browser.is_signed_in
        assert "your Gatehouse password is not taken any more" in text_of(browser.get("/login/"))


def test_a_session_that_was_opened_otherwise_does_not_live_on_by_it(
    tenant: PracticeTenant, entra: IdentityProvider, ada: User
) -> None:
    RoutingPolicy.objects.update(enabled=False)
    local = Browser()
    by_password(local)
    RoutingPolicy.objects.update(enabled=True)
    break_down(tenant)
    assert not local.is_signed_in
    assert "You were signed out because" not in text_of(local.get("/login/"))


def test_other_policies_may_change_meanwhile(down: IdentityProvider, ada: User) -> None:
    browser = Browser()
    by_password(browser)
    add_policy(actor=OPERATOR, provider=down, given=PolicyInput("New", domains=["fabrikam.example"]))
    assert browser.is_signed_in
    # One that takes her, and does not let passwords in, ends it at once.
    shut = PolicyInput("Shut", domains=["contoso.example"])
    add_policy(actor=OPERATOR, provider=down, given=shut, position=1)
    assert not UserSession.objects.filter(person=ada).exists()


def test_the_password_stays_managed_by_the_provider(down: IdentityProvider, ada: User) -> None:
    browser = Browser()
    by_password(browser)
    for act in (
        lambda: send_password_reset(actor=OPERATOR, person=ada),
        lambda: set_person_password(actor=OPERATOR, person=ada, password="another-umbrella-4712"),
        lambda: change_own_password(
            actor=OPERATOR.as_person(ada), old_password=PASSWORD, new_password="another-umbrella-4712"
        ),
    ):
        with pytest.raises(PasswordManagedExternally):
            act()
    assert "Your password is kept by Contoso Entra" in text_of(browser.get("/security/password/"))
    assert browser.get("/security/second-factor/app/").status_code == 302


def test_signing_out_ends_it_here(down: IdentityProvider) -> None:
    browser = Browser()
    by_password(browser)
    assert browser.post("/logout/")["Location"] == "/signed-out/"
    assert not browser.is_signed_in


def test_the_provider_anyway_opens_a_session_of_its_own(down: IdentityProvider, ada: User) -> None:
    browser = Browser()
    by_password(browser)
    sent = give_email(browser, ada.company_email, anyway="yes")["Location"]
    assert browser.come_back(browser.at_provider(sent)).status_code == 303
    assert "You signed in with Contoso Entra" in text_of(browser.get("/"))


def test_a_refused_password_that_came_while_it_was_well_is_as_ever(entra: IdentityProvider, ada: User) -> None:
    refused = Browser().post("/login/password/", {"email": ada.company_email, "password": PASSWORD})
    assert refused.status_code == 401
    assert last_event(action="portal.sign_in.failed").error_code == "users.password_managed_externally"
    assert not AuditEvent.objects.filter(action="portal.sign_in.succeeded").exists()


def test_a_page_costs_no_statement_more(tenant: PracticeTenant, entra: IdentityProvider, ada: User) -> None:
    """Neither of somebody whom the provider vouched for, nor of somebody whose password stands in for it."""
    federated, by_hand = Browser(), Browser()
    federated.federated_sign_in()
    ordinary = statements(federated)
    break_down(tenant)
    by_password(by_hand)
    assert statements(federated) == statements(by_hand) == ordinary


def statements(browser: Browser) -> int:
    """Return how many statements the first page takes."""
    browser.get("/")
    with CaptureQueriesContext(connection) as captured:
        assert browser.get("/").status_code == 200
    return len(captured)


def test_the_admin_portal_says_whether_passwords_are_open(
    tenant: PracticeTenant, entra: IdentityProvider, administrator: User
) -> None:
    policy = RoutingPolicy.objects.get()
    browser = Browser()
    browser.sign_in_as_administrator(administrator)
    pages = {
        "home": "/admin/",
        "provider": f"{PROVIDERS}{entra.pk}/",
        "policy": f"{PROVIDERS}routing-policies/{policy.pk}/",
        "list": f"{PROVIDERS}who-goes-where/?email=ada@contoso.example",
    }
    said = {name: text_of(browser.get(url)) for name, url in pages.items()}
    assert "While it is down, people of these policies may use their Gatehouse passwords" in said["provider"]
    assert "They may use a Gatehouse password that they already have." in said["policy"]
    assert "On Gatehouse passwords while down" in said["list"] and "has been down" not in said["list"]
    break_down(tenant)
    said = {name: text_of(browser.get(url)) for name, url in pages.items()}
    now = "may use their Gatehouse passwords now"
    assert f"People of the routing policy {policy.name} {now}." in said["home"]
    assert f"People of these policies {now}, until it works again: 1. {policy.name}" in said["provider"]
    assert "Gatehouse passwords Open now" in said["provider"]
    assert "Passwords are open now" in said["policy"] and f"People of this policy {now}." in said["policy"]
    assert "On Gatehouse passwords are open now" in said["list"]
    assert "so they may use a Gatehouse password now." in said["list"]
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        said = {name: text_of(browser.get(url)) for name, url in pages.items()}
        assert "passwords are shut: see that housekeeping runs" in said["provider"]
        assert not any(now in text or "Open now" in text for text in said.values())
    RoutingPolicy.objects.update(password_while_down=False)
    assert "They cannot sign in; their Gatehouse passwords open nothing." in text_of(browser.get(pages["policy"]))
    assert now not in text_of(browser.get("/admin/"))


def test_an_administrator_opens_and_shuts_them(admin_browser: Browser, entra: IdentityProvider) -> None:
    policy = RoutingPolicy.objects.get()
    edit = f"{PROVIDERS}routing-policies/{policy.pk}/edit/"
    form = admin_browser.get(edit).content.decode()
    assert "checked" in form.split('name="password_while_down"')[1].split(">")[0]
    given = {"name": policy.name, "who": "everyone", "enabled": "on"}
    for revision, opened in ((1, False), (2, True)):
        boxes = {"password_while_down": "on"} if opened else {}
        answer = admin_browser.post(edit, {**given, **boxes, "revision": str(revision)})
        assert answer.status_code == 302  # it moves nobody, so there is nothing to confirm
        assert RoutingPolicy.objects.get().password_while_down is opened
        assert last_event(action="idp.routing_policy.edited").details["password_while_down"] is opened
    assert "the provider has disabled the account" in " ".join(form.split())


def test_the_audit_row_of_its_health_names_the_policies(tenant: PracticeTenant, entra: IdentityProvider) -> None:
    name = RoutingPolicy.objects.get().name
    break_down(tenant)
    assert last_event(action="idp.provider.health_changed").details["passwords_open"] == [name]
    repair(tenant)
    assert last_event(action="idp.provider.health_changed").details["passwords_closed"] == [name]
    RoutingPolicy.objects.update(password_while_down=False)
    break_down(tenant)
    assert "passwords_open" not in last_event(action="idp.provider.health_changed").details
