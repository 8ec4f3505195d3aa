"""The first page of the Admin Portal: what needs attention, how many people, how sign-ins went."""

import re
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.utils import timezone

from idp.models import FederatedIdentity, IdentityProvider
from tests.browsing import Browser
from tests.factories import make_administrator, make_person
from users.models import AdminRole, AuditEvent, Passkey, State, User

pytestmark = pytest.mark.django_db

HOME = "/admin/"


def text_of(response: HttpResponse) -> str:
    """Return a page's text without tags, with each run of blanks as one."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode().replace("<wbr>", "")).split())


def happened(action: str, *, days_ago: int = 0, times: int = 1, code: str = "") -> None:
    at = timezone.now() - timedelta(days=days_ago)
    outcome = "refused" if code else "success"
    AuditEvent.objects.create(at=at, last_at=at, action=action, outcome=outcome, error_code=code, occurrences=times)


def test_people_by_state_and_the_federated_share(provider: IdentityProvider, admin_browser: Browser) -> None:
    for number in range(3):
        person = make_person()
        if not number:
            FederatedIdentity.objects.create(person=person, provider=provider, issuer=provider.issuer, subject="1")
    make_person(state=State.STAGED)
    text = text_of(admin_browser.get(HOME))
    assert "Active people 3 may sign in" in text and "Staged people 1" in text and "Suspended people 0" in text
    assert "Federated 33 % 1 of 3 active people is linked" in text
    assert "Administrators 1" in text
    assert 'href="/admin/settings/administrators/"' in admin_browser.get(HOME).content.decode()
    User.objects.filter(linked=False, admin_role=None).delete()
    assert "Federated 100 % 1 of 1 active people is linked" in text_of(admin_browser.get(HOME))


def test_without_people_nothing_is_said_of_a_share(admin_browser: Browser) -> None:
    text = text_of(admin_browser.get(HOME))
    assert "Federated" not in text and "Nobody has signed in yet." in text and "No sign-in has failed." in text


def test_sign_ins_are_drawn_day_by_day_and_told_in_a_table(admin_browser: Browser) -> None:
    happened("portal.sign_in.succeeded")
    happened("portal.sign_in.succeeded", days_ago=3)
    happened("portal.sign_in.failed", days_ago=3, times=7, code="portal.sign_in_failed")
    page = admin_browser.get(HOME)
    text = text_of(page)
    assert page.content.decode().count('<path class="chart-') == 2
    assert "2 sign-ins" in text and "7 refused" in text and "1 sign-ins" not in text
    day = timezone.now() - timedelta(days=3)
    assert f"{day:%-d %b} 1 7" in text


def test_failures_are_listed_by_cause_with_the_way_to_the_log(admin_browser: Browser) -> None:
    for times in (2, 3):
        happened("portal.sign_in.failed", times=times, code="portal.sign_in_failed")
    page = admin_browser.get(HOME)
    assert "That email and password did not work here." in text_of(page)
    assert "portal.sign_in_failed User Portal 5" in text_of(page)
    link = "?last=24h&amp;action=portal.sign_in.failed&amp;code=portal.sign_in_failed"
    assert link in page.content.decode()


def test_failures_of_both_portals_need_attention_without_any_provider(admin_browser: Browser) -> None:
    happened("portal.sign_in.failed", times=3, code="portal.sign_in_failed")
    happened("admin_portal.sign_in.failed", times=1002, code="portal.sign_in_failed")
    happened("portal.sign_in.failed", days_ago=1, times=50, code="portal.sign_in_failed")
    page = admin_browser.get(HOME)
    text = text_of(page)
    assert "1,005 sign-ins failed in the last day" in text
    assert "1,002 × “That email and password did not work here.” (Admin Portal); 3 ×" in text
    assert text.index("sign-ins failed in the last day") < text.index("Signing in to the User Portal")
    assert "Admin Portal 1002" in text and "User Portal 3" in text
    link = "?last=24h&amp;action=admin_portal.sign_in.failed&amp;code=portal.sign_in_failed"
    assert link in page.content.decode() and 'href="/admin/#failures"' in page.content.decode()


def test_the_numbers_of_failures_agree(provider: IdentityProvider, admin_browser: Browser) -> None:
    for number in range(12):
        happened("portal.sign_in.failed", times=20 - number, code=f"federation.cause_{number}")
    text = text_of(admin_browser.get(HOME))
    assert f"{sum(range(9, 21))} sign-ins failed in the last day" in text
    assert "federation.cause_9 User Portal 11" in text and "federation.cause_10" not in text
    assert "19 more for 2 other causes." in text


def test_causes_with_one_code_lead_to_all_with_it_and_say_so(admin_browser: Browser) -> None:
    for number in (50105, 7000222):
        AuditEvent.objects.create(
            action="portal.sign_in.failed",
            outcome="refused",
            error_code="idp.token_endpoint.refused",
            details={"aadsts": number},
        )
    happened("portal.sign_in.failed", code="federation.no_match")
    page = admin_browser.get(HOME).content.decode()
    text = text_of(admin_browser.get(HOME))
    assert text.count("All with the code idp.token_endpoint.refused") == 2
    assert "All with the code federation.no_match" not in text
    (words,) = {line.strip() for line in page.splitlines() if "AADSTS50105)" in line and "table-main" in line}
    assert words.startswith("<span")


@pytest.mark.parametrize(("times", "words"), [(0, "0 sign-ins"), (1, "1 sign-in"), (2, "2 sign-ins")])
def test_one_sign_in_is_one(times: int, words: str, admin_browser: Browser) -> None:
    happened("portal.sign_in.failed", code="portal.sign_in_failed")
    for _ in range(times):
        happened("portal.sign_in.succeeded")
    text = text_of(admin_browser.get(HOME))
    assert f"{words} 1 refused" in text and "1 sign-in failed in the last day" in text


def test_administrators_without_a_second_factor_are_named(admin_browser: Browser, administrator: User) -> None:
    text = text_of(admin_browser.get(HOME))
    assert "1 administrator has no second factor" in text and administrator.label in text
    for _ in range(4):
        make_administrator()
    text = text_of(admin_browser.get(HOME))
    assert "5 administrators have no second factor" in text and "and 2 more" in text
    for person in User.objects.administrators():
        Passkey.objects.create(person=person, name="Key", credential_id=str(person.pk), public_key=b"x")
    assert "no second factor" not in text_of(admin_browser.get(HOME))


def test_who_may_not_read_the_audit_log_sees_no_sign_ins(provider: IdentityProvider) -> None:
    happened("portal.sign_in.succeeded")
    helper = Browser()
    helper.sign_in_as_administrator(make_administrator(AdminRole.HELP_DESK))
    page = helper.get(HOME).content.decode()
    assert 'class="chart"' not in page and "Why sign-ins failed" not in page and provider.name not in page
