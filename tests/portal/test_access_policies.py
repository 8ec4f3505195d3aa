"""Conditional access at every door of the User Portal, and on every page behind it."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings

from idp.access_policies import delete_policy, set_default, switch_policy
from idp.claim_rules import add_claim_group
from idp.models import AccessPolicy, FederatedIdentity, IdentityProvider, UpstreamGrant
from tests.browsing import Browser, assert_refused, error_code, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.idp.test_access_policies import add
from tests.portal.test_home_page import text_of
from tests.second_factors import ACCOUNT, App, give_app, seed_on
from users.models import AdminRole, AuditEvent, Group, User, UserSession

pytestmark = pytest.mark.django_db

STEP = "/login/second-factor/"
FACTOR_PAGE, APP_PAGE = "/security/second-factor/", "/security/second-factor/app/"


@pytest.fixture
def local(db: None) -> User:
    """A person with a password."""
    return make_person("grace@contoso.example", password=PASSWORD, display_name="Grace Hopper")


def off(policy: AccessPolicy) -> None:
    switch_policy(actor=OPERATOR, policy=policy, enabled=False, understood=True)


def test_a_denied_person_does_not_come_in_with_the_right_password(local: User, browser_client: Browser) -> None:
    policy = add("Shut for now")
    answer = browser_client.sign_in_with_password(local)
    assert_refused(answer, "access.denied")
    assert answer.status_code == 403 and "Shut for now" not in answer.content.decode()
    event = last_event(action="portal.sign_in.failed")
    assert event.details["policy"] == "Shut for now" and event.target_id == str(local.pk)
    assert not browser_client.is_signed_in and not UserSession.objects.filter(person=local).exists()
    off(policy)
    browser_client.sign_in_with_password(local)
    assert browser_client.is_signed_in
    assert "access policy does not let you" in text_of(browser_client.get("/security/"))


def test_an_outsider_learns_nothing_of_the_policies(local: User, browser_client: Browser) -> None:
    def answers() -> list[tuple[int, str]]:
        wrong = browser_client.sign_in_with_password(local, "not-the-password")
        nobody = browser_client.post("/login/password/", {"email": "nobody@contoso.example", "password": PASSWORD})
        return [(answer.status_code, text_of(answer)) for answer in (wrong, nobody)]

    before = answers()
    add("Shut")
    assert answers() == before


def test_with_a_second_factor_the_denial_comes_after_it(local: User, browser_client: Browser) -> None:
    app = give_app(local)
    add("Shut")
    assert browser_client.sign_in_with_password(local)["Location"] == STEP
    wrong = browser_client.post(STEP, {"code": "000000"})
    assert "access.denied" not in wrong.content.decode()
    assert_refused(browser_client.post(STEP, {"code": app.code()}), "access.denied")
    assert not browser_client.is_signed_in


def test_a_denied_person_does_not_come_in_through_a_provider(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    policy = add("Shut", people=[ada])
    assert_refused(browser_client.federated_sign_in(), "access.denied")
    assert last_event(action="portal.sign_in.failed").target_id == str(ada.pk)
    assert not browser_client.is_signed_in and not FederatedIdentity.objects.exists()
    off(policy)
    assert browser_client.federated_sign_in().status_code == 303
    off(policy)
    switch_policy(actor=OPERATOR, policy=policy, enabled=True, understood=True)
    assert_refused(browser_client.federated_sign_in(), "access.denied")  # by the link, too


def test_a_policy_that_comes_later_ends_the_session_at_its_next_page_and_once(
    local: User, browser_client: Browser
) -> None:
    browser_client.sign_in_with_password(local)
    add("Closing time")
    page = browser_client.get("/profile/")
    assert_refused(page, "access.denied", action="portal.access.refused")
    assert page.status_code == 403 and "Closing time" not in page.content.decode()
    assert browser_client.get("/profile/")["Location"].startswith("/login/")
    events = AuditEvent.objects.filter(action="portal.access.refused")
    assert [event.details["policy"] for event in events] == ["Closing time"]
    assert not UserSession.objects.filter(person=local).exists()


def test_the_default_denies_whom_no_policy_fits(local: User, browser_client: Browser) -> None:
    ada = make_person(password=PASSWORD)
    add("Ada", "allow", people=[ada])
    set_default(actor=OPERATOR, action="deny", understood=True)
    assert_refused(browser_client.sign_in_with_password(local), "access.denied")
    assert last_event(action="portal.sign_in.failed").details["policy"] == "Default policy"
    browser_client.sign_in_with_password(ada)
    assert browser_client.is_signed_in


def test_the_admin_portal_never_asks(administrator: User, browser_client: Browser) -> None:
    add("Shut")
    set_default(actor=OPERATOR, action="deny", understood=True)
    browser_client.sign_in_as_administrator(administrator)
    assert browser_client.is_administering
    assert_refused(browser_client.sign_in_with_password(administrator), "access.denied")
    assert browser_client.is_administering


def test_networks_are_those_of_the_client_and_proxies_are_believed_when_trusted(
    local: User, settings: LazySettings
) -> None:
    add("Office only", network_side="outside", networks=["203.0.113.0/24", "2001:db8::/32"])
    claim = {"HTTP_X_FORWARDED_FOR": "203.0.113.7"}

    def comes_in(**headers: str) -> bool:
        browser = Browser(**headers)
        browser.sign_in_with_password(local)
        return browser.is_signed_in

    assert not comes_in() and not comes_in(**claim)
    assert comes_in(REMOTE_ADDR="203.0.113.7") and comes_in(REMOTE_ADDR="::ffff:203.0.113.7")
    assert comes_in(REMOTE_ADDR="2001:db8::7") and not comes_in(REMOTE_ADDR="")
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    assert comes_in(**claim)
    assert not comes_in(HTTP_X_FORWARDED_FOR="203.0.113.7, 198.51.100.1")


def test_a_session_that_moves_out_of_its_network_is_over(local: User) -> None:
    add("Office only", network_side="outside", networks=["203.0.113.0/24"])
    browser = Browser(REMOTE_ADDR="203.0.113.7")
    browser.sign_in_with_password(local)
    assert browser.is_signed_in
    assert error_code(browser.get("/", REMOTE_ADDR="198.51.100.1")) == "access.denied"
    assert not browser.is_signed_in


def test_hours_end_while_somebody_is_signed_in(local: User, browser_client: Browser) -> None:
    hours: dict[str, Any] = {"time_from": time(8), "time_to": time(18), "time_zone": "Europe/Berlin"}
    add("Working hours", time_side="outside", weekdays=["mon", "tue", "wed", "thu", "fri"], **hours)
    with time_machine.travel(datetime(2030, 1, 7, 16, 58, tzinfo=UTC)) as clock:
        browser_client.sign_in_with_password(local)
        assert browser_client.is_signed_in
        clock.shift(timedelta(minutes=3))
        assert error_code(browser_client.get("/")) == "access.denied"
        clock.move_to(datetime(2030, 1, 12, 11, tzinfo=UTC))  # Saturday
        assert error_code(browser_client.sign_in_with_password(local)) == "access.denied"


def test_the_way_to_sign_in_is_a_condition(
    provider: IdentityProvider, ada: User, administrator: User, browser_client: Browser
) -> None:
    policy = add("No passwords", local_sign_in=True)
    assert_refused(browser_client.sign_in_with_password(administrator), "access.denied")
    assert browser_client.federated_sign_in().status_code == 303
    delete_policy(actor=OPERATOR, policy=policy, understood=True)
    add("Not through this one", providers=[provider])
    assert error_code(browser_client.get("/")) == "access.denied"


def test_what_the_token_says_of_a_second_factor_is_a_condition(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    policy = add("Second factor there", token_second_factor="absent")
    assert_refused(browser_client.federated_sign_in(), "access.denied")
    with tenant.lying(claims={"amr": ["pwd"]}):
        assert_refused(browser_client.federated_sign_in(), "access.denied")
    with tenant.lying(claims={"amr": ["pwd", "mfa"]}):
        assert browser_client.federated_sign_in().status_code == 303
    assert browser_client.is_signed_in  # each page remembers what the token said
    delete_policy(actor=OPERATOR, policy=policy, understood=True)
    add("Not with one", token_second_factor="present")
    assert error_code(browser_client.get("/")) == "access.denied"


def test_who_has_no_second_factor_sets_one_up_before_anything_else_opens(local: User, browser_client: Browser) -> None:
    add("Second factor", "require_second_factor")
    browser_client.sign_in_with_password(local)
    for page in ("/", "/profile/", "/security/"):
        assert browser_client.get(page)["Location"] == ACCOUNT["user"]
    assert browser_client.post("/security/sessions/end-others/")["Location"] == ACCOUNT["user"]
    assert "Your company asks for a second factor." in text_of(browser_client.get(ACCOUNT["user"]))
    url = f"{ACCOUNT['user']}app/"
    app = App(seed_on(browser_client.get(url)))
    assert "recovery codes" in text_of(browser_client.post(url, {"code": app.code()}))
    assert browser_client.is_signed_in
    session = UserSession.objects.get(person=local)
    assert "Password and authenticator app" in text_of(browser_client.get("/security/"))
    browser_client.post("/logout/")
    assert not UserSession.objects.filter(pk=session.pk).exists()
    assert browser_client.sign_in_with_password(local)["Location"] == STEP


def test_who_has_shown_a_second_factor_satisfies_it(local: User, browser_client: Browser) -> None:
    app = give_app(local)
    browser_client.sign_in_with_password(local)
    browser_client.post(STEP, {"code": app.code()})
    add("Second factor", "require_second_factor")
    assert browser_client.is_signed_in


def federated_with_app(ada: User) -> App:
    """Return the app of somebody who signs in through a provider: from the time before."""
    IdentityProvider.objects.update(status="draft")
    app = give_app(ada)
    IdentityProvider.objects.update(status="active")
    return app


def test_a_federated_sign_in_takes_the_second_step_as_well(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    IdentityProvider.objects.update(recheck_minutes=5)
    app = federated_with_app(ada)
    add("Second factor", "require_second_factor")
    location = browser_client.at_provider(browser_client.begin(next_path="/profile/"))
    assert browser_client.come_back(location)["Location"] == STEP
    assert not browser_client.is_signed_in and not FederatedIdentity.objects.exists()
    assert last_event(action="portal.sign_in.provider_accepted").details["provider"] == provider.name
    assert "Contoso Entra has signed in ada@contoso.example" in text_of(browser_client.get(STEP))
    assert browser_client.post(STEP, {"code": "000000"}).status_code == 401
    assert not FederatedIdentity.objects.exists()
    assert browser_client.post(STEP, {"code": app.code()})["Location"] == "/profile/"
    assert browser_client.is_signed_in
    session = UserSession.objects.get(person=ada)
    assert session.provider_id == provider.pk and session.upstream_sid
    assert FederatedIdentity.objects.get().person == ada
    assert UpstreamGrant.objects.get().session_id == session.pk
    assert last_event(action="portal.sign_in.succeeded").details["method"] == "email+totp"


def test_nothing_of_the_providers_answer_can_be_read_while_it_waits(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    IdentityProvider.objects.update(recheck_minutes=5)
    federated_with_app(ada)
    add("Second factor", "require_second_factor")
    browser_client.federated_sign_in()
    held = browser_client.session["half_open"]
    assert "refresh" not in str(held) and "ada@" not in str(held) and held["answer"].startswith("gAAAA")


@pytest.mark.parametrize(
    "change",
    ["version", "client", "inactive", "suspended", "late", "keys"],
)
def test_a_waiting_answer_is_bound_to_what_was_asked(
    change: str, provider: IdentityProvider, ada: User, browser_client: Browser, settings: LazySettings
) -> None:
    app = federated_with_app(ada)
    add("Second factor", "require_second_factor")
    browser_client.federated_sign_in()
    stored, now = IdentityProvider.objects.filter(pk=provider.pk), datetime.now(tz=UTC)
    with time_machine.travel(now + timedelta(minutes=10 if change == "late" else 0)):
        match change:
            case "version":
                stored.update(version=provider.version + 1)
            case "client":
                stored.update(client_id="another", version=provider.version + 1)
            case "inactive":
                stored.update(status="draft")
            case "suspended":
                User.objects.filter(pk=ada.pk).update(state="suspended")
            case "keys":
                settings.ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]
        answer = browser_client.post(STEP, {"code": app.code()})
        assert answer["Location"] == "/login/"
        assert last_event(action="portal.sign_in.failed").error_code == "portal.sign_in_step_over"
        assert not browser_client.is_signed_in and not FederatedIdentity.objects.exists()


def test_a_policy_that_asks_later_leads_through_the_second_step(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    app = federated_with_app(ada)
    browser_client.federated_sign_in()
    add("Second factor", "require_second_factor")
    assert browser_client.get("/profile/")["Location"] == "/login/"
    assert "asks for your second factor at Gatehouse now" in text_of(browser_client.get("/login/"))
    assert browser_client.federated_sign_in()["Location"] == STEP
    browser_client.post(STEP, {"code": app.code()})
    assert browser_client.is_signed_in


def set_app_up(browser: Browser) -> App:
    """Set an authenticator app up on the person's own page."""
    app = App(seed_on(browser.get(APP_PAGE)))
    shown = browser.post(APP_PAGE, {"code": app.code()})
    assert shown.status_code == 200 and "recovery codes" in shown.content.decode().lower()
    return app


def test_who_is_federated_and_has_none_sets_one_up_before_anything_else_opens(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    policy = add("Second factor", "require_second_factor", enabled=False)
    assert browser_client.federated_sign_in().status_code == 303
    assert browser_client.get(APP_PAGE)["Location"] == FACTOR_PAGE, "nobody wants one at Gatehouse"
    assert "decides whether it asks for a second factor" in text_of(browser_client.get(FACTOR_PAGE))
    switch_policy(actor=OPERATOR, policy=policy, enabled=True, understood=True)
    assert browser_client.get("/")["Location"] == FACTOR_PAGE
    # The sign-in from before the policy is no proof of who sets a factor up: the provider says it once more.
    asked = browser_client.get(APP_PAGE)["Location"]
    assert asked.startswith("/confirm/")
    confirm = browser_client.get(asked)
    assert "Sign in with Contoso Entra again" in text_of(confirm) and 'type="password"' not in confirm.content.decode()
    assert browser_client.post("/confirm/", {"next": APP_PAGE}).status_code == 401
    again = confirm.content.decode().split('href="/oauth/login/entra/')[1].split('"')[0].replace("&amp;", "&")
    location = browser_client.get(f"/oauth/login/entra/{again}")["Location"]
    assert browser_client.come_back(browser_client.at_provider(location))["Location"] == APP_PAGE
    assert browser_client.get("/profile/")["Location"] == FACTOR_PAGE
    app = set_app_up(browser_client)
    assert browser_client.is_signed_in
    assert "Gatehouse asks for it where your company wants one" in text_of(browser_client.get("/security/"))
    helper = make_administrator(AdminRole.HELP_DESK)
    desk = Browser()
    desk.sign_in_as_administrator(helper)
    seen = text_of(desk.get(f"/admin/user-management/users/{ada.pk}/sign-in/"))
    assert "Beside the password or the provider this person shows a code" in seen
    other = Browser()
    assert other.federated_sign_in()["Location"] == STEP and not other.is_signed_in
    other.post(STEP, {"code": app.code(1)})
    assert other.is_signed_in


def test_whom_no_policy_names_a_factor_stays_the_providers(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    add("Others", "require_second_factor", people=[make_person("other@contoso.example")])
    add("Never her", "require_second_factor", except_people=[ada])
    browser_client.federated_sign_in()
    assert browser_client.is_signed_in
    assert browser_client.get(APP_PAGE)["Location"] == FACTOR_PAGE


def test_a_federated_person_confirms_with_her_code_alone(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    add("Second factor", "require_second_factor")
    browser_client.federated_sign_in()
    app = set_app_up(browser_client)
    with time_machine.travel(datetime.now(tz=UTC) + timedelta(minutes=11)):
        asked = browser_client.get(APP_PAGE)["Location"]
        assert browser_client.post("/confirm/", {"next": APP_PAGE, "code": "000000"}).status_code == 401
        confirmed = browser_client.post("/confirm/", {"next": APP_PAGE, "code": app.code()})
        assert asked.startswith("/confirm/") and confirmed["Location"] == APP_PAGE
        assert browser_client.get(APP_PAGE).status_code == 200


def test_a_denial_after_the_second_step_of_a_federated_sign_in(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    app = federated_with_app(ada)
    add("Second factor", "require_second_factor")
    browser_client.federated_sign_in()
    add("Shut", position=1)
    assert_refused(browser_client.post(STEP, {"code": app.code()}), "access.denied")
    assert not browser_client.is_signed_in and not FederatedIdentity.objects.exists()


def test_the_policies_go_by_the_groups_that_claims_give_and_take_at_this_sign_in(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    staff, contractors = Group.objects.create(name="Staff"), Group.objects.create(name="Contractors")
    for value, group in (("staff", staff), ("contractor", contractors)):
        add_claim_group(actor=OPERATOR, provider=provider, claim="roles", value=value, group=group)
    add("Contractors stay out", groups=[contractors])
    add("Staff comes in", "allow", groups=[staff])
    set_default(actor=OPERATOR, action="deny", understood=True)
    for roles, code in ((["contractor"], "access.denied"), (["staff"], ""), (["contractor"], "access.denied")):
        with tenant.lying(claims={"roles": roles}):
            answer = Browser().federated_sign_in()
        if code:
            assert_refused(answer, code)
        else:
            assert answer.status_code == 303


def test_a_strangers_wrong_passwords_keep_no_federated_person_from_her_second_step(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    app = federated_with_app(ada)
    add("Second factor", "require_second_factor")
    browser_client.federated_sign_in()
    assert browser_client.post(STEP, {"code": app.code()}).status_code == 302
    stranger = Browser(REMOTE_ADDR="198.51.100.7")
    for _ in range(6):
        stranger.sign_in_with_password(ada, "not-the-password")
    with time_machine.travel(datetime.now(tz=UTC) + timedelta(minutes=2)):
        again = Browser()
        assert again.federated_sign_in()["Location"] == STEP
        assert again.post(STEP, {"code": app.code()}).status_code == 302


def test_inside_the_office_a_factor_can_be_set_up_that_is_asked_for_outside(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    add("Away", "require_second_factor", network_side="outside", networks=["127.0.0.0/8"])
    browser_client.federated_sign_in()
    assert browser_client.is_signed_in
    asked = browser_client.get(APP_PAGE)["Location"]
    page = browser_client.get(asked).content.decode()
    again = page.split('href="/oauth/login/entra/')[1].split('"')[0].replace("&amp;", "&")
    location = browser_client.get(f"/oauth/login/entra/{again}")["Location"]
    assert "prompt=login" in location
    browser_client.come_back(browser_client.at_provider(location))
    set_app_up(browser_client)
