"""The break-glass link as an administrator meets it: its page, the session that it opens, and what she repairs."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import LazySettings
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from portal.fresh import FRESH_FOR
from tests.browsing import Browser, assert_refused, error_code, last_event
from tests.factories import OPERATOR, PASSWORD, make_administrator
from tests.idp.conformance.support import all_at_once
from tests.portal.test_directory_words import text_of
from tests.second_factors import ACCOUNT, App, codes_on, give_app, give_passkey, seed_on
from tests.users.support import audit_rows
from users.break_glass import REPAIR_FOR, make_link
from users.factors import factors_of
from users.lockout import lockout_of
from users.models import AdminRole, Realm, User, UserSession
from users.own_sign_ins import recent_sign_ins
from users.second_factor_rule import set_second_factor_rule

pytestmark = pytest.mark.django_db

NEW = "a-different-umbrella-0815"
CHOOSE, OWN, CONFIRM, FACTOR = (
    "/admin/account/password/new/",
    "/admin/account/password/",
    "/admin/confirm/",
    ACCOUNT["admin"],
)
USED = "users.break_glass.used"


def link_for(person: User) -> str:
    """Return the path of a fresh link."""
    return make_link(actor=OPERATOR, person=person).url.removeprefix(django_settings.PUBLIC_URL)


def let_in(person: User, browser: Browser | None = None) -> Browser:
    """Return a browser that a link let in."""
    browser = browser or Browser()
    assert browser.post(link_for(person))["Location"] == CHOOSE
    return browser


def choose(browser: Browser, password: str = NEW) -> HttpResponse:
    return browser.post(CHOOSE, {"password": password, "password_again": password})


def later(minutes: float) -> time_machine.travel:
    return time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=False)


# --- the page --------------------------------------------------------------------------------------------------------


def test_looking_spends_nothing_and_lets_nobody_in(administrator: User) -> None:
    link, browser = link_for(administrator), Browser()
    for method in (browser.get, browser.head, browser.get):
        page = method(link)
        assert page.status_code == 200
        assert {"no-store", "private"} <= set(page["Cache-Control"].split(", "))
        assert page["Referrer-Policy"] == "same-origin"
    assert administrator.company_email in page.content.decode() and "15 minutes" not in page.content.decode()
    assert not browser.is_administering and not audit_rows(action=USED)
    assert browser.post(link).status_code == 302 and browser.is_administering


def test_the_button_needs_the_token_of_the_page(administrator: User) -> None:
    link, strict = link_for(administrator), Client(enforce_csrf_checks=True)
    assert error_code(strict.post(link)) == "portal.form_expired"
    token = strict.get(link).content.decode().split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    assert strict.post(link, {"csrfmiddlewaretoken": token})["Location"] == CHOOSE


def test_a_link_that_does_not_work_is_refused_like_any_other(administrator: User) -> None:
    spent, late = link_for(administrator), link_for(make_administrator(AdminRole.READ_ONLY))
    Browser().post(spent)
    with later(15.1):
        for link in (spent, late, "/admin/break-glass/made-up/"):
            for method in ("GET", "POST"):
                answer = Browser().generic(method, link)
                assert_refused(answer, "users.link_invalid", action=USED)
                assert answer.status_code == 410 and "no-store" in answer["Cache-Control"]
                assert link.split("/")[-2] not in str(last_event(action=USED).details)
    assert UserSession.objects.filter(person__isnull=False).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_press_the_button_at_once_one_gets_in(administrator: User) -> None:
    link = link_for(administrator)
    answers = all_at_once(lambda browser: browser.post(link), [Browser() for _ in range(6)])
    assert sorted(answer.status_code for answer in answers) == [302] + [410] * 5
    assert UserSession.objects.filter(person=administrator).count() == 1
    assert audit_rows(action=USED, outcome="success") == [(USED, "success", "")]


# --- the session -----------------------------------------------------------------------------------------------------


def test_lists_and_log_say_that_a_link_opened_it(administrator: User) -> None:
    browser = let_in(administrator)
    session = UserSession.objects.get(person=administrator)
    assert session.realm == Realm.ADMIN
    for path in ("/admin/account/sessions/", "/admin/insights/sessions/"):
        assert "Break-glass link Admin Portal" in text_of(browser.get(path).content)
    event = last_event(action="admin_portal.sign_in.succeeded")
    assert (event.actor_id, event.details["method"]) == (administrator.pk, "break-glass link")
    log = text_of(browser.get("/admin/insights/directory/").content)
    assert "Break-glass link made users.break_glass.made" in log and "Method break-glass link" in log
    assert [each.by_break_glass for each in recent_sign_ins(administrator)] == [True]
    browser.sign_in_with_password(administrator)
    security = text_of(browser.get("/security/").content)
    assert "Signed in with a break-glass link" in security and security.count("with a break-glass link") == 1


def test_it_takes_the_place_of_whoever_was_signed_in(administrator: User, admin_browser: Browser) -> None:
    former = admin_browser.cookies["gatehouse_admin_session"].value
    other = make_administrator(AdminRole.HELP_DESK)
    let_in(other, admin_browser)
    assert admin_browser.get("/admin/insights/directory/").status_code == 403, "she has her own role, and no more"
    assert admin_browser.cookies["gatehouse_admin_session"].value != former
    assert UserSession.objects.get(person__isnull=False).person == other


def test_it_is_fresh_for_ten_minutes(administrator: User) -> None:
    assert REPAIR_FOR == FRESH_FOR
    browser = let_in(administrator)
    with later(9.9):
        assert browser.get(f"{FACTOR}app/").status_code == 200
    with later(10.1):
        location = browser.get(f"{FACTOR}app/")["Location"]
        assert location.startswith(CONFIRM)
        assert "admins break-glass" in browser.get(location).content.decode()
    usual = Browser()
    usual.sign_in_as_administrator(administrator)
    assert "admins break-glass" not in usual.get(CONFIRM).content.decode()


def test_a_lock_out_neither_hinders_it_nor_ends_by_it(administrator: User) -> None:
    for _ in range(5):
        Browser(REMOTE_ADDR="203.0.113.7").sign_in_as_administrator(administrator, "wrong")
    assert lockout_of(administrator).until
    browser = let_in(administrator, Browser(REMOTE_ADDR="203.0.113.9"))
    assert browser.is_administering and lockout_of(administrator).failures == 5
    guess = Browser(REMOTE_ADDR="203.0.113.9").sign_in_as_administrator(administrator)
    assert guess.status_code == 429, "where a link was used is no place where the password was right"
    choose(browser)
    assert not lockout_of(administrator).failures
    assert Browser().sign_in_as_administrator(administrator, NEW).status_code == 302


# --- what she repairs ------------------------------------------------------------------------------------------------


def test_she_chooses_a_password_without_the_one_that_she_forgot(administrator: User) -> None:
    elsewhere = Browser()
    elsewhere.sign_in_as_administrator(administrator)
    browser = let_in(administrator)
    before = browser.cookies["gatehouse_admin_session"].value
    assert browser.get(OWN)["Location"] == CHOOSE
    page = browser.get(CHOOSE)
    assert "old_password" not in page.content.decode() and "no-store" in page["Cache-Control"]
    assert f"Until {timezone.now() + REPAIR_FOR:%H:%M} UTC" in page.content.decode()
    short = choose(browser, "short")
    assert short.status_code == 422 and "at least 12 characters" in short.content.decode()
    assert choose(browser)["Location"] == FACTOR
    assert "Your new password is set." in browser.get(FACTOR).content.decode()
    assert browser.is_administering and browser.cookies["gatehouse_admin_session"].value != before
    assert last_event(action="users.break_glass.password_chosen").details == {"sessions_ended": 1}
    assert not elsewhere.is_administering
    assert Browser().sign_in_as_administrator(administrator, PASSWORD).status_code == 401
    assert Browser().sign_in_as_administrator(administrator, NEW).status_code == 302


def test_after_ten_minutes_the_present_password_is_asked_for_again(administrator: User) -> None:
    browser = let_in(administrator)
    with later(10.1):
        for knock in (browser.get, lambda path: choose(browser)):
            assert_refused(knock(CHOOSE), "users.break_glass_repair_over", action="portal.request.refused")
        assert "Present password" in browser.get(OWN).content.decode()
        browser.post(CONFIRM, {"password": PASSWORD})
        assert browser.get(OWN).status_code == 200, "nor does a confirmation bring it back"
    administrator.refresh_from_db()
    assert administrator.check_password(PASSWORD)


def test_a_session_that_a_password_opened_may_not(admin_browser: Browser) -> None:
    for knock in (admin_browser.get, lambda path: choose(admin_browser)):
        assert_refused(knock(CHOOSE), "users.not_by_break_glass", action="portal.request.refused")
    assert "Present password" in admin_browser.get(OWN).content.decode()


def test_she_replaces_the_app_that_she_lost(administrator: User) -> None:
    lost = give_app(administrator)
    browser = let_in(administrator)
    page = text_of(browser.get(FACTOR).content)
    assert "Did you lose it?" in page and f"Until {timezone.now() + REPAIR_FOR:%H:%M} UTC nobody asks" in page
    app = App(seed_on(browser.get(f"{FACTOR}app/")))
    assert browser.post(f"{FACTOR}app/", {"code": app.code()})["Location"] == FACTOR
    codes = codes_on(browser.post(f"{FACTOR}recovery-codes/"))
    assert len(codes) == 10 and not set(codes) & set(lost.recovery_codes)
    step = Browser()
    step.sign_in_as_administrator(administrator)
    assert step.post("/admin/login/second-factor/", {"code": lost.code()}).status_code == 401
    assert step.post("/admin/login/second-factor/", {"code": app.code(1)}).status_code == 302


def test_she_removes_the_passkey_that_she_lost_once_there_is_another_factor(
    administrator: User, settings: LazySettings
) -> None:
    settings.PUBLIC_URL = "http://localhost:8000"
    owner = Browser()
    owner.sign_in_as_administrator(administrator)
    give_passkey(owner)
    set_second_factor_rule(actor=OPERATOR, required=True)
    browser = let_in(administrator)
    (passkey,) = factors_of(administrator).passkeys
    browser.post(f"{FACTOR}passkeys/{passkey.pk}/remove/")
    assert factors_of(administrator).passkeys, "the last one stays while the company requires one"
    app = App(seed_on(browser.get(f"{FACTOR}app/")))
    browser.post(f"{FACTOR}app/", {"code": app.code()})
    browser.post(f"{FACTOR}passkeys/{passkey.pk}/remove/")
    assert not factors_of(administrator).passkeys and factors_of(administrator).app


def test_who_must_have_a_second_factor_still_sets_one_up(administrator: User) -> None:
    set_second_factor_rule(actor=OPERATOR, required=True)
    browser = let_in(administrator)
    assert browser.get("/admin/")["Location"] == FACTOR
    assert browser.get(CHOOSE).status_code == 200 and choose(browser)["Location"] == FACTOR
    assert browser.get("/admin/")["Location"] == FACTOR
    app = App(seed_on(browser.get(f"{FACTOR}app/")))
    browser.post(f"{FACTOR}app/", {"code": app.code()})
    assert browser.is_administering


def test_where_nothing_is_lost_nothing_is_said_of_it(administrator: User, admin_browser: Browser) -> None:
    give_app(administrator)
    assert "Did you lose it?" not in admin_browser.get(FACTOR).content.decode()
