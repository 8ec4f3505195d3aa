"""The second step of a sign-in, setting factors up, and the rule: through the pages of both portals."""

from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.utils import timezone

from idp.activation import activate_provider
from idp.models import IdentityProvider
from portal.admin_portal import urls as admin_urls
from tests.browsing import Browser, assert_refused, error_code, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person, make_provider
from tests.portal.test_permission_matrix import knock
from tests.second_factors import ACCOUNT, App, codes_on, give_app, seed_on
from tests.users.support import as_person
from users.administrators import set_admin_role
from users.factors import factors_of, reset_second_factor
from users.models import AdminRole, AuditEvent, User, UserSession
from users.passwords import change_own_password
from users.people_errors import UnlocksOneself
from users.second_factor_rule import set_second_factor_rule
from users.services import set_person_password, suspend_person, unlock_person

pytestmark = pytest.mark.django_db

PORTALS = ("admin", "user")
STEP = {"admin": "/admin/login/second-factor/", "user": "/login/second-factor/"}
SIGN_IN = {"admin": "/admin/login/", "user": "/login/"}
PASSWORD_PAGE = {"admin": "/admin/login/", "user": "/login/password/"}
HOME = {"admin": "/admin/", "user": "/"}
ACTION = {"admin": "admin_portal.sign_in", "user": "portal.sign_in"}


def somebody(portal: str) -> User:
    return make_administrator() if portal == "admin" else make_person(password=PASSWORD)


def give_password(browser: Browser, person: User, portal: str, **further: str) -> HttpResponse:
    form = {"email": person.company_email, "password": PASSWORD, **further}
    return browser.post(PASSWORD_PAGE[portal], form)


def is_in(browser: Browser, portal: str) -> bool:
    return browser.is_administering if portal == "admin" else browser.is_signed_in


# --- the second step -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("portal", PORTALS)
@pytest.mark.parametrize("kind", ["totp", "recovery code"])
def test_the_code_opens_what_the_password_alone_does_not(portal: str, kind: str, browser_client: Browser) -> None:
    person = somebody(portal)
    app = give_app(person)
    wanted = "/admin/account/sessions/" if portal == "admin" else "/security/"
    assert give_password(browser_client, person, portal, next=wanted)["Location"] == STEP[portal]
    for path in (HOME[portal], ACCOUNT[portal], f"{ACCOUNT[portal]}app/"):
        assert browser_client.get(path)["Location"].startswith(SIGN_IN[portal]), "no page opens half-way"
    page = browser_client.get(STEP[portal])
    assert page.status_code == 200 and person.company_email in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    half_open = browser_client.cookies[_cookie(portal)].value
    code = app.code() if kind == "totp" else app.recovery_codes[0]
    assert browser_client.post(STEP[portal], {"code": code})["Location"] == wanted
    assert is_in(browser_client, portal) and browser_client.cookies[_cookie(portal)].value != half_open
    event = last_event(action=f"{ACTION[portal]}.succeeded")
    assert (event.actor_id, event.details["method"]) == (person.pk, f"password+{kind}")
    assert last_event(action=f"{ACTION[portal]}.password_accepted").target_id == str(person.pk)
    browser_client.cookies[_cookie(portal)] = half_open
    assert not is_in(browser_client, portal)
    person.refresh_from_db()
    assert person.last_login is not None


@pytest.mark.parametrize("portal", PORTALS)
@pytest.mark.parametrize(("kind", "words"), [("totp", "authenticator app"), ("recovery code", "recovery code")])
def test_the_list_of_sessions_says_what_opened_them(
    portal: str, kind: str, words: str, browser_client: Browser
) -> None:
    person = somebody(portal)
    app = give_app(person)
    give_password(browser_client, person, portal)
    browser_client.post(STEP[portal], {"code": app.code() if kind == "totp" else app.recovery_codes[0]})
    page = browser_client.get("/admin/account/sessions/" if portal == "admin" else "/security/").content.decode()
    assert f"Password and {words}" in page


def _cookie(portal: str) -> str:
    usual = django_settings.SESSION_COOKIE_NAME
    return django_settings.ADMIN_COOKIE_NAMES[usual] if portal == "admin" else usual


@pytest.mark.parametrize("portal", PORTALS)
def test_a_wrong_code_is_refused_and_counted(portal: str, browser_client: Browser) -> None:
    person = somebody(portal)
    app = give_app(person)
    give_password(browser_client, person, portal)
    for _ in range(4):
        refused = browser_client.post(STEP[portal], {"code": "nothing"})
        page = refused.content.decode()
        assert refused.status_code == 401 and "That code did not work." in page and 'value="nothing"' not in page
    event = last_event(action=f"{ACTION[portal]}.failed")
    assert (event.error_code, event.details["step"]) == ("users.second_factor_wrong", "second factor")
    assert browser_client.post(STEP[portal], {"code": "nothing"}).status_code == 429
    assert_refused(
        browser_client.post(STEP[portal], {"code": app.code()}),
        "portal.sign_in_locked",
        action=f"{ACTION[portal]}.failed",
    )
    assert error_code(give_password(Browser(), person, portal)) == "portal.sign_in_locked"
    unlock_person(actor=OPERATOR, person=person)
    assert browser_client.post(STEP[portal], {"code": app.code()}).status_code == 302


def test_the_right_password_does_not_forget_wrong_codes(administrator: User, browser_client: Browser) -> None:
    app = give_app(administrator)
    for _ in range(5):
        give_password(browser_client, administrator, "admin")
        browser_client.post(STEP["admin"], {"code": "000000"})
    assert error_code(give_password(browser_client, administrator, "admin")) == "portal.sign_in_locked"
    with time_machine.travel(timezone.now() + timedelta(minutes=16), tick=False):
        give_password(browser_client, administrator, "admin")
        assert browser_client.post(STEP["admin"], {"code": app.code()}).status_code == 302


def test_a_new_password_does_not_forget_wrong_codes(administrator: User) -> None:
    give_app(administrator)
    password = PASSWORD
    for attempt in range(5):
        browser = Browser()
        give_password(browser, administrator, "admin", password=password)
        answer = browser.post(STEP["admin"], {"code": "000000"})
        before, password = password, f"a-different-umbrella-{attempt}"
        change_own_password(actor=as_person(administrator), old_password=before, new_password=password)
    assert error_code(answer) == "portal.sign_in_locked"


def test_nobody_unlocks_herself(administrator: User) -> None:
    with pytest.raises(UnlocksOneself) as refused:
        unlock_person(actor=as_person(administrator), person=administrator)
    assert refused.value.code == "users.unlocks_oneself"
    assert last_event(action="users.person.unlocked").error_code == "users.unlocks_oneself"


def test_a_code_is_good_for_one_sign_in(administrator: User) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        code = give_app(administrator).code()
        answers = []
        for browser in (Browser(), Browser()):
            give_password(browser, administrator, "admin")
            answers.append(browser.post(STEP["admin"], {"code": code}))
    assert [answer.status_code for answer in answers] == [302, 401]
    assert last_event(action="admin_portal.sign_in.failed").error_code == "users.second_factor_code_used"
    assert AuditEvent.objects.filter(action="admin_portal.sign_in.succeeded").count() == 1


def test_typed_codes_are_in_no_table(administrator: User, browser_client: Browser) -> None:
    app = give_app(administrator)
    give_password(browser_client, administrator, "admin")
    browser_client.post(STEP["admin"], {"code": "tell-nobody-this"})
    attempts = str(list(AccessAttempt.objects.values()))  # a sign-in forgets them
    assert administrator.company_email in attempts
    browser_client.post(STEP["admin"], {"code": app.recovery_codes[0]})
    stored = attempts + str(list(AuditEvent.objects.values()))
    assert "tell-nobody-this" not in stored and app.recovery_codes[0] not in stored


def change_role(person: User) -> None:
    make_administrator()
    set_admin_role(actor=OPERATOR, person=person, role=AdminRole.READ_ONLY)


CHANGES = {
    "suspended": lambda person: suspend_person(actor=OPERATOR, person=person),
    "another role": change_role,
    "another password": lambda person: set_person_password(actor=OPERATOR, person=person, password=PASSWORD + "x"),
    "no factor any more": lambda person: reset_second_factor(actor=OPERATOR, person=person),
    "gone": lambda person: User.objects.filter(pk=person.pk).delete(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_who_changed_between_the_steps_begins_again(change: str, browser_client: Browser) -> None:
    make_administrator()
    person = make_administrator()
    app = give_app(person)
    give_password(browser_client, person, "admin")
    CHANGES[change](person)
    answer = browser_client.post(STEP["admin"], {"code": app.code()})
    assert answer["Location"] == SIGN_IN["admin"] and not browser_client.is_administering
    assert last_event(action="admin_portal.sign_in.failed").error_code == "portal.sign_in_step_over"
    assert "has to begin again" in browser_client.get(SIGN_IN["admin"]).content.decode()


def test_a_person_who_came_under_federation_begins_again(
    tenant: PracticeTenant, administrator: User, browser_client: Browser
) -> None:
    person = make_person(password=PASSWORD)
    app = give_app(person)
    give_password(browser_client, person, "user")
    make_provider(tenant)
    assert browser_client.post(STEP["user"], {"code": app.code()})["Location"] == SIGN_IN["user"]
    assert not browser_client.is_signed_in


def test_between_the_steps_there_are_ten_minutes(administrator: User, browser_client: Browser) -> None:
    app = give_app(administrator)
    give_password(browser_client, administrator, "admin")
    with time_machine.travel(timezone.now() + timedelta(minutes=10.1), tick=False):
        assert browser_client.post(STEP["admin"], {"code": app.code()})["Location"] == SIGN_IN["admin"]
        assert browser_client.get(STEP["admin"])["Location"] == SIGN_IN["admin"]


def test_a_half_open_sign_in_of_one_portal_opens_nothing_of_the_other(
    administrator: User, browser_client: Browser
) -> None:
    app = give_app(administrator)
    give_password(browser_client, administrator, "user")
    browser_client.cookies[_cookie("admin")] = browser_client.cookies[_cookie("user")].value
    assert browser_client.post(STEP["admin"], {"code": app.code()})["Location"] == SIGN_IN["admin"]
    assert not browser_client.is_administering
    assert browser_client.post(STEP["user"], {"code": app.code()})["Location"] == "/"


def test_the_step_without_a_first_one_leads_to_the_sign_in(browser_client: Browser) -> None:
    for portal in PORTALS:
        assert browser_client.get(STEP[portal])["Location"] == SIGN_IN[portal]
        assert browser_client.post(STEP[portal], {"code": "1"})["Location"] == SIGN_IN[portal]


def test_an_empty_code_is_asked_for_again(administrator: User, browser_client: Browser) -> None:
    give_app(administrator)
    give_password(browser_client, administrator, "admin")
    assert browser_client.post(STEP["admin"], {"code": ""}).status_code == 422


def test_a_federated_sign_in_is_not_asked(provider: IdentityProvider, ada: User, browser_client: Browser) -> None:
    IdentityProvider.objects.update(status="draft")
    give_app(ada)
    activate_provider(actor=OPERATOR, provider=IdentityProvider.objects.get(), understood=True, fingerprint=None)
    assert browser_client.federated_sign_in().status_code == 303 and browser_client.is_signed_in


# --- setting up and removing -----------------------------------------------------------------------------------------


@pytest.fixture(params=PORTALS)
def signed_in(request: pytest.FixtureRequest, db: None) -> tuple[Browser, User, str]:
    """Somebody who is signed in to one of the portals, and may set up a second factor there."""
    person, browser = somebody(request.param), Browser()
    give_password(browser, person, request.param)
    return browser, person, ACCOUNT[request.param]


def test_an_app_is_set_up_from_the_page(signed_in: tuple[Browser, User, str]) -> None:
    browser, person, account = signed_in
    assert "You have no second factor" in browser.get(account).content.decode()
    page = browser.get(f"{account}app/")
    app = App(seed_on(page))
    assert "<svg" in page.content.decode() and "otpauth://totp/Gatehouse" in page.content.decode()
    assert seed_on(browser.get(f"{account}app/")) == app.seed, "the page may be loaded again"
    wrong = browser.post(f"{account}app/", {"code": "000000"})
    assert wrong.status_code == 422 and seed_on(wrong) == app.seed
    shown = browser.post(f"{account}app/", {"code": app.code()})
    codes = codes_on(shown)
    assert shown.status_code == 200 and len(codes) == 10 and "no-store" in shown["Cache-Control"]
    assert "gatehouse-recovery-codes.txt" in shown.content.decode()
    page = browser.get(account).content.decode()
    assert "10 of 10 are left" in page and not any(code in page for code in codes)
    assert seed_on(browser.get(f"{account}app/")) != app.seed
    assert factors_of(person).app is not None


def test_a_second_app_replaces_the_first_and_shows_no_codes(signed_in: tuple[Browser, User, str]) -> None:
    browser, person, account = signed_in
    first = App(seed_on(browser.get(f"{account}app/")))
    browser.post(f"{account}app/", {"code": first.code()})
    page = browser.get(f"{account}app/")
    assert "takes the place of your present app" in page.content.decode()
    second = App(seed_on(page))
    assert browser.post(f"{account}app/", {"code": second.code()})["Location"] == account
    assert factors_of(person).recovery_codes == 10
    assert last_event(action="users.second_factor.added").details["replaced"] is True


def test_the_qr_code_counts_for_ten_minutes(admin_browser: Browser, administrator: User) -> None:
    url = f"{ACCOUNT['admin']}app/"
    app = App(seed_on(admin_browser.get(url)))
    with time_machine.travel(timezone.now() + timedelta(minutes=10.1), tick=False):
        admin_browser.post("/admin/confirm/", {"password": PASSWORD})
        late = admin_browser.post(url, {"code": app.code()})
        assert late.status_code == 422 and seed_on(late) != app.seed
        assert last_event(action="users.second_factor.added").error_code == "users.enrolment_over"
    assert not factors_of(administrator)


def test_the_seed_is_encrypted_while_it_waits_in_the_session(admin_browser: Browser) -> None:
    seed = seed_on(admin_browser.get(f"{ACCOUNT['admin']}app/"))
    assert all(seed not in str(session.get_decoded()) for session in UserSession.objects.all())


def test_setting_up_ends_the_other_sessions_and_keeps_this_one(signed_in: tuple[Browser, User, str]) -> None:
    browser, person, account = signed_in
    portal = "admin" if account.startswith("/admin") else "user"
    other = Browser()
    give_password(other, person, portal)
    assert is_in(other, portal)
    app = App(seed_on(browser.get(f"{account}app/")))
    said = browser.post(f"{account}app/", {"code": app.code()}).content.decode()
    assert "1 other session of yours ended" in said
    assert (is_in(browser, portal), is_in(other, portal)) == (True, False)


def test_an_app_is_removed_and_codes_are_made_anew(signed_in: tuple[Browser, User, str]) -> None:
    browser, person, account = signed_in
    app = App(seed_on(browser.get(f"{account}app/")))
    old = codes_on(browser.post(f"{account}app/", {"code": app.code()}))
    assert "The 10 that are left" in browser.get(f"{account}recovery-codes/").content.decode()
    new = codes_on(browser.post(f"{account}recovery-codes/"))
    assert len(new) == 10 and not set(new) & set(old)
    assert last_event(action="users.recovery_codes.made").details == {"unused": 10}
    browser.post(f"{account}app/remove/")
    assert not factors_of(person) and "The authenticator app was removed" in browser.get(account).content.decode()
    browser.post(f"{account}app/remove/")
    assert "gone already" in browser.get(account).content.decode()
    assert "nothing to recover yet" in browser.get(f"{account}recovery-codes/").content.decode()


def test_a_federated_person_reads_why_it_is_not_hers(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    page = browser_client.get(ACCOUNT["user"]).content.decode()
    assert "Your provider asks for it" in page and provider.name in page and "Set up an authenticator" not in page
    for path in ("app/", "passkeys/add/", "recovery-codes/"):
        assert browser_client.get(ACCOUNT["user"] + path)["Location"] == ACCOUNT["user"]
    for path in ("app/", "app/remove/", "passkeys/add/", "recovery-codes/"):
        assert browser_client.post(ACCOUNT["user"] + path, {"code": "1"})["Location"] == ACCOUNT["user"]
    assert "Why it is not here" in browser_client.get("/security/").content.decode()


def test_the_user_portal_asks_too_before_factors_change(browser_client: Browser) -> None:
    person = make_person(password=PASSWORD)
    browser_client.sign_in_with_password(person)
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        asked = {
            "app/": "GET",
            "passkeys/add/": "GET",
            "recovery-codes/": "GET",
            "app/remove/": "POST",
            "passkeys/00000000-0000-0000-0000-000000000001/remove/": "POST",
        }
        for path, method in asked.items():
            answer = browser_client.generic(method, ACCOUNT["user"] + path)
            assert answer["Location"].startswith("/confirm/?next=%2Fsecurity%2Fsecond-factor%2F"), path
        assert browser_client.get("/confirm/").status_code == 200
        confirmed = browser_client.post("/confirm/", {"password": PASSWORD, "next": f"{ACCOUNT['user']}app/"})
        assert confirmed["Location"] == f"{ACCOUNT['user']}app/"
        assert browser_client.get(f"{ACCOUNT['user']}app/").status_code == 200


# --- confirming with a second factor ----------------------------------------------------------------------------------


def test_confirming_takes_the_code_as_well(administrator: User, browser_client: Browser) -> None:
    app = give_app(administrator)
    give_password(browser_client, administrator, "admin")
    browser_client.post(STEP["admin"], {"code": app.recovery_codes[0]})
    confirm = "/admin/confirm/"
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        assert browser_client.post(confirm, {"password": PASSWORD}).status_code == 422
        assert browser_client.post(confirm, {"password": PASSWORD, "code": "000000"}).status_code == 401
        wrong = browser_client.post(confirm, {"password": "wrong", "code": app.recovery_codes[1]})
        assert wrong.status_code == 401 and factors_of(administrator).recovery_codes == 9, "the code is not used up"
        assert browser_client.get(f"{ACCOUNT['admin']}app/").status_code == 302
        assert browser_client.post(confirm, {"password": PASSWORD, "code": app.code()}).status_code == 302
        assert browser_client.get(f"{ACCOUNT['admin']}app/").status_code == 200
    assert last_event(action="portal.confirmation.succeeded").details == {"method": "password+totp"}


# --- the rule --------------------------------------------------------------------------------------------------------

RULE = "/admin/settings/organization/second-factor/"


def test_the_page_shows_real_numbers_before(admin_browser: Browser, administrator: User) -> None:
    other = make_administrator()
    give_app(other)
    page = admin_browser.get("/admin/settings/organization/").content.decode()
    text = " ".join(page.split())
    assert "1 of 2 active administrators has a second factor" in text and administrator.company_email in text
    assert f"({other.company_email})" not in text


def test_who_turns_it_on_without_having_one_enrols(admin_browser: Browser, administrator: User) -> None:
    assert admin_browser.post(RULE, {"required": "yes"})["Location"] == ACCOUNT["admin"]
    page = admin_browser.get(ACCOUNT["admin"]).content.decode()
    assert "of you as well" in page and "you have none yet. Set one up below" in page
    for path in ("/admin/", "/admin/settings/organization/", "/admin/account/sessions/"):
        assert admin_browser.get(path)["Location"] == ACCOUNT["admin"]
    assert admin_browser.post(RULE, {"required": "no"})["Location"] == ACCOUNT["admin"], "nor is anything done"
    app = App(seed_on(admin_browser.get(f"{ACCOUNT['admin']}app/")))
    admin_browser.post(f"{ACCOUNT['admin']}app/", {"code": app.code()})
    assert admin_browser.is_administering
    refused = admin_browser.post(f"{ACCOUNT['admin']}app/remove/")
    assert refused.status_code == 302 and factors_of(administrator)
    assert "this is your last one" in admin_browser.get(ACCOUNT["admin"]).content.decode()
    assert admin_browser.post(RULE, {"required": "no"})["Location"] == "/admin/settings/organization/"
    assert "not required any more" in admin_browser.get("/admin/settings/organization/").content.decode()


def test_nobody_is_locked_out_by_the_rule(administrator: User, browser_client: Browser) -> None:
    set_second_factor_rule(actor=OPERATOR, required=True)
    assert give_password(browser_client, administrator, "admin")["Location"] == "/admin/"
    assert browser_client.get("/admin/")["Location"] == ACCOUNT["admin"]
    assert browser_client.post("/admin/logout/")["Location"] == SIGN_IN["admin"]
    give_password(browser_client, administrator, "admin")
    app = App(seed_on(browser_client.get(f"{ACCOUNT['admin']}app/")))
    browser_client.post(f"{ACCOUNT['admin']}app/", {"code": app.code()})
    assert browser_client.is_administering


def test_before_enrolment_no_other_page_opens(admin_browser: Browser) -> None:
    """Each page of the Admin Portal leads to the enrolment, but for those of the enrolment itself."""
    set_second_factor_rule(actor=OPERATOR, required=True)
    open_pages = set()
    for pattern in admin_urls.urlpatterns:
        is_public = not getattr(pattern.callback, "login_required", True)
        if {"pk"} & set(pattern.pattern.converters) or is_public:
            continue
        for method in ("GET", "POST"):
            answer = knock(admin_browser, method, pattern.name, None)
            if answer.status_code != 405 and answer.get("Location") != ACCOUNT["admin"]:
                open_pages.add(pattern.name)
    expected = {"second_factor", "authenticator_app", "add_passkey", "recovery_codes", "confirm_it_is_you"}
    # This one opens to a session of a break-glass link, and refuses all others.
    assert open_pages == {*expected, "new_own_password"}


def test_people_of_the_user_portal_are_not_concerned(browser_client: Browser) -> None:
    set_second_factor_rule(actor=OPERATOR, required=True)
    browser_client.sign_in_with_password(make_person(password=PASSWORD))
    assert browser_client.is_signed_in


def test_a_form_that_says_nothing_changes_nothing(admin_browser: Browser) -> None:
    admin_browser.post(RULE, {"required": "perhaps"})
    assert "nothing was changed" in admin_browser.get("/admin/settings/organization/").content.decode()
