"""A person's pages: what they say, who may act, and what becomes of forms."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from idp.models import FederatedIdentity, IdentityProvider, PendingLink
from tests.browsing import Browser, assert_refused, error_code, last_event
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.mailbox import link_in, newest_mail
from users.groups import add_group, add_members
from users.models import AdminRole, AuditEvent, Passkey, Source, State, User
from users.organization_profile import set_default_states
from users.people import edit_person
from users.schedules import schedule_state
from users.services import suspend_person

pytestmark = pytest.mark.django_db

LIST = "/admin/user-management/users/"
ROLES = {role.value: role for role in AdminRole}


def at(person: User, page: str = "") -> str:
    return f"{LIST}{person.pk}/{page}"


def shown(browser: Browser, person: User, page: str = "") -> str:
    response = browser.get(at(person, page))
    assert response.status_code == 200
    main = response.content.decode().replace("<wbr>", "").partition("<main")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def office(role: AdminRole) -> Browser:
    browser = Browser()
    browser.sign_in_as_administrator(make_administrator(role))
    return browser


def later(days: float = 30) -> datetime:
    return timezone.now() + timedelta(days=days)


# --- what the pages say ----------------------------------------------------------------------------------------------


def test_details_say_all_that_is_known(admin_browser: Browser) -> None:
    person = make_person("ada@contoso.example", display_name="Ada Lovelace", title="Countess", external_id="object-1")
    add_members(actor=OPERATOR, group=add_group(actor=OPERATOR, name="Engineers"), people=[person.pk])
    page = shown(admin_browser, person)
    for fact in (
        "Ada Lovelace",
        "ada@contoso.example",
        "Countess",
        "object-1",
        "Engineers",
        "Added by an administrator",
    ):
        assert fact in page
    assert admin_browser.get(f"{LIST}00000000-0000-0000-0000-000000000000/").status_code == 404


def test_the_state_comes_with_reason_and_schedule(admin_browser: Browser) -> None:
    person = make_person()
    schedule_state(actor=OPERATOR, person=person, state=State.SUSPENDED, at=later(), reason="Contract ends")
    page = shown(admin_browser, person)
    assert "Active" in page and "Suspended from" in page and "Contract ends" in page and "Cancel this" in page
    admin_browser.post(at(person, "unschedule/"))
    assert "Suspended from" not in shown(admin_browser, person)
    suspend_person(actor=OPERATOR, person=person, reason="Lost laptop")
    assert "Reason: Lost laptop" in shown(admin_browser, person)


def test_a_state_counts_on_the_page_from_its_moment(admin_browser: Browser) -> None:
    person = make_person()
    User.objects.filter(pk=person.pk).update(
        scheduled_state="suspended", scheduled_at=timezone.now() - timedelta(minutes=1), scheduled_reason="Gone"
    )
    page = shown(admin_browser, person)
    assert "Suspended since" in page and "as scheduled" in page and "Cancel this" not in page and "Activate" in page
    assert_refused(
        admin_browser.post(at(person, "unschedule/")),
        "users.nothing_scheduled",
        action="users.person.schedule_cancelled",
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {},
            "There is no way in. No routing policy sends this person to an identity provider. There is no password",
        ),
        (
            {"password": PASSWORD},
            "With a Gatehouse password. No routing policy sends this person to an identity provider.",
        ),
        (
            {"password": PASSWORD, "state": State.STAGED},
            "Not at all while staged. Once active: With a Gatehouse password.",
        ),
    ],
)
def test_the_way_in_without_a_provider(admin_browser: Browser, fields: dict[str, object], words: str) -> None:
    assert words in shown(admin_browser, make_person(**fields), "sign-in/")  # type: ignore[arg-type]


def test_the_way_in_through_a_provider(admin_browser: Browser, provider: IdentityProvider, ada: User) -> None:
    page = shown(admin_browser, ada, "sign-in/")
    assert "Through Contoso Entra. Not linked yet" in page and "same company email" in page
    Browser().federated_sign_in()
    page = shown(admin_browser, ada, "sign-in/")
    assert "Through Contoso Entra. Linked to the account ada@contoso.example." in page
    link = FederatedIdentity.objects.get()
    assert link.subject.rpartition(".")[2] in page and "Company email" in page
    administrator = make_administrator()
    assert "Administrators are never sent to an identity provider" in shown(admin_browser, administrator, "sign-in/")


def test_accounts_that_wait_and_name_the_person(admin_browser: Browser, provider: IdentityProvider, ada: User) -> None:
    waiting = {"provider": provider, "issuer": provider.issuer, "reason": "federation.no_match"}
    PendingLink.objects.create(**waiting, subject="a", email="ADA@contoso.example")
    PendingLink.objects.create(
        **waiting, subject="b", email="other@contoso.example", facts={"person": "ada@contoso.example"}
    )
    PendingLink.objects.create(**waiting, subject="c", email="grace@contoso.example")
    page = shown(admin_browser, ada, "sign-in/")
    assert "ADA@contoso.example" in page and "other@contoso.example" in page and "grace@contoso" not in page
    assert page.count("Decide who it is") == 2


def test_a_lock_out_is_shown_and_taken_away(admin_browser: Browser) -> None:
    person = make_person(password=PASSWORD)
    assert "None that count now" in shown(admin_browser, person, "sign-in/")
    for _ in range(5):
        Browser().sign_in_with_password(person, "wrong")
    page = shown(admin_browser, person, "sign-in/")
    assert "5: locked until" in page and "Unlock" in page
    assert admin_browser.post(at(person, "unlock/"))["Location"] == at(person, "sign-in/")
    assert Browser().sign_in_with_password(person).status_code == 302


def test_activity_shows_what_was_done_by_and_to_the_person(admin_browser: Browser) -> None:
    person = make_person("ada@contoso.example", password=PASSWORD)
    Browser().sign_in_with_password(person)
    edit_person(actor=OPERATOR, person=make_person(), title="Somebody else")
    page = admin_browser.get(at(person, "activity/")).content.decode()
    assert "Signed in to the User Portal" in page and "Person added" in page
    assert "portal.<wbr>sign_<wbr>in.<wbr>succeeded" in page and "users.<wbr>person.<wbr>added" in page
    assert "Somebody else" not in page
    assert "/admin/insights/directory/?person=ada%40contoso.example" in page


@pytest.mark.parametrize("role", AdminRole)
def test_acts_appear_for_those_who_may(role: AdminRole) -> None:
    make_administrator()
    browser, person, colleague = office(role), make_person(), make_administrator(AdminRole.READ_ONLY)
    rights = {
        AdminRole.ADMINISTRATOR_WITH_BILLING: ({"edit/", "suspend/", "delete/"}, {"edit/", "suspend/", "delete/"}),
        AdminRole.ADMINISTRATOR: ({"edit/", "suspend/", "delete/"}, set()),
        AdminRole.HELP_DESK: ({"suspend/"}, set()),
        AdminRole.READ_ONLY: (set(), set()),
    }[role]
    for whom, expected in zip((person, colleague), rights, strict=True):
        page = browser.get(at(whom)).content.decode()
        assert {
            act for act in ("edit/", "suspend/", "activate/", "delete/") if f'href="{at(whom, act)}"' in page
        } == expected
    assert ("activity/" in browser.get(at(person)).content.decode()) == (role != AdminRole.HELP_DESK)


@pytest.mark.parametrize("act", ["edit/", "suspend/", "activate/", "delete/", "unlock/", "sessions/end/"])
def test_nobody_reaches_an_administrator_with_less_than_the_right(act: str) -> None:
    colleague = make_administrator()
    browser = office(AdminRole.ADMINISTRATOR)
    response = browser.post(at(colleague, act), {"confirmation": colleague.company_email})
    assert (response.status_code, error_code(response)) == (403, "users.permission_refused")
    colleague.refresh_from_db()
    assert colleague.is_active


# --- acts ------------------------------------------------------------------------------------------------------------


def test_suspending_now_and_later(admin_browser: Browser) -> None:
    person = make_person()
    with time_machine.travel(datetime(2030, 1, 1, 12, tzinfo=UTC), tick=False):
        admin_browser.sign_in_as_administrator(User.objects.administrators().get())
        admin_browser.post(at(person, "suspend/"), {"reason": "Contract ends", "at": "2030-01-31T18:00"})
        assert "will be suspended on 31 January 2030, 18:00 UTC." in shown(admin_browser, person)
        person.refresh_from_db()
        assert (person.scheduled_at, person.state) == (datetime(2030, 1, 31, 18, tzinfo=UTC), "active")
        for when, code in (
            ("2029-12-31T18:00", "has passed"),
            ("2039-01-01T00:00", "more than 5 years"),
            ("soon", "Give a date"),
        ):
            answer = admin_browser.post(at(person, "suspend/"), {"reason": "kept as typed", "at": when})
            assert answer.status_code == 422
            assert code in answer.content.decode() and "kept as typed" in answer.content.decode()
        admin_browser.post(at(person, "suspend/"), {"reason": "Now"})
        person.refresh_from_db()
        assert (person.state, person.state_reason, person.scheduled_state) == ("suspended", "Now", None)
        admin_browser.post(at(person, "activate/"), {"at": "2030-02-01T08:00"})
        person.refresh_from_db()
        assert (person.state, person.scheduled_state) == ("suspended", "active")


def test_an_administrator_is_suspended_now_or_not_at_all(admin_browser: Browser) -> None:
    colleague = make_administrator(AdminRole.READ_ONLY)
    assert 'name="at"' not in admin_browser.get(at(colleague, "suspend/")).content.decode()
    admin_browser.post(at(colleague, "suspend/"), {"at": "2090-01-01T00:00"})
    colleague.refresh_from_db()
    assert (colleague.state, colleague.scheduled_state) == ("suspended", None)
    last = User.objects.get(admin_role=AdminRole.ADMINISTRATOR_WITH_BILLING)
    answer = admin_browser.post(at(last, "suspend/"))
    assert answer.status_code == 409 and "is the last Administrator With Billing" in answer.content.decode()


def test_groups_are_added_by_name_and_removed(admin_browser: Browser) -> None:
    person, group = make_person(), add_group(actor=OPERATOR, name="Engineers")
    answer = admin_browser.post(at(person, "groups/add/"), {"group": "Unknown"})
    assert answer.status_code == 422 and "There is no group of this name." in answer.content.decode()
    admin_browser.post(at(person, "groups/add/"), {"group": "engineers"})
    assert f"{person.label} is in Engineers" in shown(admin_browser, person)
    assert person.groups.get() == group
    admin_browser.post(at(person, f"groups/{group.pk}/remove/"))
    assert not person.groups.exists()
    assert last_event(action="users.group.member_removed").target_id == str(person.pk)


def test_deleting_shows_what_is_lost_and_asks_for_the_email(
    admin_browser: Browser, provider: IdentityProvider, ada: User
) -> None:
    Browser().federated_sign_in()
    add_members(actor=OPERATOR, group=add_group(actor=OPERATOR, name="Engineers"), people=[ada.pk])
    page = shown(admin_browser, ada, "delete/")
    for line in ("1 open session ends at once", "1 link to an account at Contoso Entra", "1 membership of a group"):
        assert line in page
    answer = admin_browser.post(at(ada, "delete/"), {"confirmation": "ada"})
    assert answer.status_code == 400 and "that is not the company email of Ada Lovelace" in answer.content.decode()
    assert admin_browser.post(at(ada, "delete/"), {"confirmation": "Ada@contoso.example"})["Location"] == LIST
    assert not User.objects.filter(pk=ada.pk).exists()
    assert "Ada Lovelace was deleted." in admin_browser.get(LIST).content.decode()


def test_one_does_not_delete_oneself(admin_browser: Browser, administrator: User) -> None:
    page = admin_browser.get(at(administrator)).content.decode()
    assert "Delete this person" not in page and at(administrator, "suspend/") not in page
    answer = admin_browser.post(at(administrator, "delete/"), {"confirmation": administrator.company_email})
    assert answer.status_code == 409 and "You cannot delete yourself." in answer.content.decode()


# --- forms -----------------------------------------------------------------------------------------------------------

ADA = {"company_email": "ada@contoso.example", "given_name": "Ada", "family_name": "Lovelace", "state": "staged"}


def test_a_person_is_added(admin_browser: Browser) -> None:
    assert "Nobody is sent to an identity provider now" in admin_browser.get(f"{LIST}add/").content.decode()
    answer = admin_browser.post(
        f"{LIST}add/", {**ADA, "title": "Countess", "department": "Engines", "phone_number": "12"}
    )
    person = User.objects.get(company_email="ada@contoso.example")
    assert answer["Location"] == at(person)
    assert (person.label, person.user_name, person.state, person.title) == ("Ada Lovelace", "ada", "staged", "Countess")
    assert f'href="{LIST}add/"' in admin_browser.get(LIST).content.decode()


@pytest.mark.parametrize("state", ["staged", "active"])
def test_the_state_that_the_organization_says_is_chosen_beforehand(state: str, admin_browser: Browser) -> None:
    other = {"staged": State.ACTIVE, "active": State.STAGED}[state]
    set_default_states(actor=OPERATOR, states={Source.MANUAL: State(state), Source.IMPORT: other})
    page = admin_browser.get(f"{LIST}add/").content.decode()
    assert re.findall(r'<option value="(\w+)"\s+selected', page) == [state]
    admin_browser.post(f"{LIST}add/", {**ADA, "state": other.value})
    assert User.objects.get(company_email="ada@contoso.example").state == other


def test_the_form_says_what_a_provider_does_next(admin_browser: Browser, provider: IdentityProvider) -> None:
    assert "signs in through Contoso Entra" in admin_browser.get(f"{LIST}add/").content.decode()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"company_email": ""}, "Give the company email."),
        ({"company_email": "no email"}, "This is not a company email address."),
        ({"company_email": "grace@contoso.example"}, "Somebody already has the company email"),
        ({"user_name": "grace"}, "Somebody already has the user name"),
        ({"phone_number": "call me"}, "This is not a phone number."),
        ({"title": "a\x1bb"}, "This name cannot be kept."),
        ({"display_name": "Ada \N{RIGHT-TO-LEFT OVERRIDE}ecalevoL"}, "This name cannot be kept."),
        ({"state": "dreaming"}, "Select a valid choice"),
    ],
)
def test_an_error_stands_beside_its_field_and_nothing_is_lost(
    admin_browser: Browser, changes: dict[str, str], says: str
) -> None:
    make_person("grace@contoso.example")
    answer = admin_browser.post(f"{LIST}add/", {**ADA, "department": "Analytical Engines", **changes})
    page = answer.content.decode()
    assert answer.status_code == 422 and says in page and "Analytical Engines" in page
    assert f'id="id_{next(iter(changes))}_error"' in page
    assert not User.objects.filter(department="Analytical Engines").exists()


def test_an_edit_that_meets_another_loses_nothing(admin_browser: Browser) -> None:
    person = make_person("ada@contoso.example", display_name="Ada")
    form = {"company_email": "ada@contoso.example", "user_name": "ada", "display_name": "Ada"}
    stale = {**form, "title": "Countess", "seen": person.updated_at.isoformat()}
    edit_person(actor=OPERATOR, person=person, department="Engines")
    answer = admin_browser.post(at(person, "edit/"), stale)
    page = answer.content.decode()
    assert answer.status_code == 409 and "was changed by somebody else" in page
    assert 'value="Countess"' in page and "Department is now: Engines" in page
    person.refresh_from_db()
    assert person.title == ""
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen is not None
    answer = admin_browser.post(at(person, "edit/"), {**stale, "department": "Engines", "seen": seen[1]})
    assert answer["Location"] == at(person)
    person.refresh_from_db()
    assert (person.title, person.department) == ("Countess", "Engines")
    assert AuditEvent.objects.filter(action="users.person.edited", error_code="users.changed_meanwhile").count() == 1


def test_an_edit_form_is_its_own_answer(admin_browser: Browser) -> None:
    person = make_person("ada@contoso.example", display_name="Ada", external_id="object-1", title="Countess")
    page = admin_browser.get(at(person, "edit/")).content.decode()
    values = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
    del values["csrfmiddlewaretoken"]
    assert admin_browser.post(at(person, "edit/"), values).status_code == 302
    assert not AuditEvent.objects.filter(action="users.person.edited").exists()


# --- the password and the second factor ------------------------------------------------------------------------------


def test_a_link_for_a_new_password_is_mailed(admin_browser: Browser) -> None:
    person = make_person(password=PASSWORD)
    page = f"{LIST}{person.pk}/sign-in/"
    assert "Send a link for a new password" in admin_browser.get(page).content.decode()
    answer = admin_browser.post(f"{LIST}{person.pk}/send-reset/")
    assert (answer.status_code, answer["Location"]) == (302, page)
    assert f"was mailed to {person.company_email}" in admin_browser.get(page).content.decode()
    assert link_in(newest_mail(person.company_email)).startswith("/password/reset/")


def test_somebody_without_a_password_is_invited_and_may_be_activated_by_it(admin_browser: Browser) -> None:
    person = make_person(state=State.STAGED)
    page = f"{LIST}{person.pk}/sign-in/"
    text = admin_browser.get(page).content.decode()
    assert "Send an invitation" in text and "as soon as the password is chosen" in text
    admin_browser.post(f"{LIST}{person.pk}/invite/", {"activate": "yes"})
    assert "The invitation was mailed" in admin_browser.get(page).content.decode()
    link = link_in(newest_mail(person.company_email))
    Browser().post(link, {"password": PASSWORD, "password_again": PASSWORD})
    person.refresh_from_db()
    assert person.is_active and person.check_password(PASSWORD)
    admin_browser.post(f"{LIST}{person.pk}/invite/")
    assert "has a password" in admin_browser.get(page).content.decode()


def test_lost_second_factors_are_taken_away(admin_browser: Browser) -> None:
    person = make_person(password=PASSWORD)
    page = f"{LIST}{person.pk}/sign-in/"
    assert "None is set up." in admin_browser.get(page).content.decode()
    Passkey.objects.create(person=person, name="Key", credential_id="x", public_key=b"x")
    assert "because they are lost" in admin_browser.get(page).content.decode()
    admin_browser.post(f"{LIST}{person.pk}/reset-factor/")
    assert f"1 second factor of {person.label} taken away" in admin_browser.get(page).content.decode()
    assert not Passkey.objects.exists()


def test_under_federation_there_is_no_password_to_manage(provider: IdentityProvider, ada: User) -> None:
    browser = Browser()
    browser.sign_in_as_administrator(User.objects.administrators().get())
    text = browser.get(f"{LIST}{ada.pk}/sign-in/").content.decode()
    assert "Gatehouse password" not in text and "Second factor" not in text.partition("<main")[2]
    browser.post(f"{LIST}{ada.pk}/send-reset/")
    assert provider.name in browser.get(f"{LIST}{ada.pk}/sign-in/").content.decode()
