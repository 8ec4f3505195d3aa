"""INSIGHTS > Sessions, a person's sessions, and an administrator's own."""

import re

import pytest

from tests.browsing import Browser, assert_refused, last_event
from tests.factories import PASSWORD, make_administrator, make_person
from users.models import AdminRole, User, UserSession
from users.sessions import hashed

pytestmark = pytest.mark.django_db

LIST = "/admin/insights/sessions/"
OWN = "/admin/account/sessions/"
ROLES = {role.value: role for role in AdminRole}


def at_work(person: User) -> Browser:
    browser = Browser()
    assert browser.sign_in_with_password(person).status_code == 302
    return browser


def in_office(administrator: User) -> Browser:
    browser = Browser()
    assert browser.sign_in_as_administrator(administrator).status_code == 302
    return browser


def key_of(person: User) -> str:
    return UserSession.objects.filter(person=person).latest("signed_in_at").session_key


def of(person: User) -> str:
    return f"/admin/user-management/users/{person.pk}/sessions/"


def emails(browser: Browser, query: str = "") -> list[str]:
    """Return whose sessions the list shows, from top to bottom."""
    page = browser.get(f"{LIST}{query}").content.decode().replace("<wbr>", "")
    return re.findall(r'<p class="muted small">(\S+@\S+)</p>', page)


def test_the_list_shows_everybody_newest_first_and_finds_by_email(administrator: User) -> None:
    people = [make_person(f"{name}@contoso.example", password=PASSWORD) for name in ("ada", "grace", "adele")]
    for person in people:
        at_work(person)
    office = in_office(administrator)
    names = ["adele@contoso.example", "grace@contoso.example", "ada@contoso.example"]
    assert emails(office) == [administrator.company_email, *names]
    assert emails(office, "?email=AD")[-2:] == [names[0], names[2]]
    assert emails(office, "?email=ade") == names[:1]
    assert emails(office, "?email=%25") == emails(office, "?email=_") == []
    nobody = office.get(f"{LIST}?email=nobody").content.decode()
    assert "Nobody is signed in here" in nobody and "nobody" in nobody
    assert office.get(f"{LIST}?email=%00&before=%00").status_code == 200


def test_the_navigation_leads_to_it(administrator: User) -> None:
    page = in_office(administrator).get("/admin/").content.decode()
    assert page.count("INSIGHTS") == 1
    assert all(f'href="{path}"' in page for path in (LIST, OWN, "/admin/settings/organization/"))


def test_the_list_costs_the_same_for_many_sessions(administrator: User, django_assert_max_num_queries) -> None:
    office = in_office(administrator)
    for number in range(12):
        at_work(make_person(f"many-{number}@contoso.example", password=PASSWORD))
    office.get(LIST)
    with django_assert_max_num_queries(6):
        assert len(emails(office)) == 13


def test_one_session_of_a_person_is_ended(administrator: User) -> None:
    person = make_person(display_name="Ada Lovelace", password=PASSWORD)
    first = at_work(person)
    key = key_of(person)
    second = at_work(person)
    office = in_office(administrator)
    answer = office.post(f"{LIST}{key}/end/")
    assert (answer.status_code, answer["Location"]) == (302, of(person))
    assert "That session of Ada Lovelace was ended." in office.get(of(person)).content.decode()
    assert (first.is_signed_in, second.is_signed_in) == (False, True)
    event = last_event(action="users.session.ended")
    assert (event.actor_id, event.target_id) == (administrator.pk, str(person.pk))
    assert office.post(f"{LIST}{key}/end/")["Location"] == LIST
    assert "That session has ended already." in office.get(LIST).content.decode()


def test_all_sessions_of_a_person_are_ended(administrator: User) -> None:
    person, other = make_person(password=PASSWORD), make_person(password=PASSWORD)
    browsers = [at_work(person), at_work(person), at_work(other)]
    office = in_office(administrator)
    assert "End all sessions" in office.get(of(person)).content.decode()
    office.post(f"{of(person)}end/")
    assert [browser.is_signed_in for browser in browsers] == [False, False, True]
    assert last_event(action="users.session.ended").details == {"sessions_ended": 2, "others_only": False}
    page = office.get(of(person)).content.decode()
    assert "2 sessions of" in page and "Not signed in anywhere" in page and "End all sessions" not in page


@pytest.mark.parametrize("role", ROLES)
def test_who_may_end_whose(role: str, administrator: User) -> None:
    """People's sessions take SUPPORT_PEOPLE, those of administrators MANAGE_ADMINISTRATORS; pages offer just that."""
    actor, person = make_administrator(ROLES[role]), make_person(password=PASSWORD)
    boss, worker, office = in_office(administrator), at_work(person), in_office(actor)
    may = {
        person: role in {"administrator_with_billing", "administrator", "help_desk"},
        administrator: role == "administrator_with_billing",
    }
    for target, allowed in may.items():
        assert ("/end/" in office.get(of(target)).content.decode()) == allowed
        assert (f"{LIST}{key_of(target)}/end/" in office.get(LIST).content.decode()) == allowed
        for path in (f"{LIST}{key_of(target)}/end/", f"{of(target)}end/"):
            answer = office.post(path)
            if not allowed:
                assert "users.permission_refused" in answer.content.decode() and answer.status_code == 403
        assert UserSession.objects.filter(person=target).exists() != allowed
    assert (boss.is_administering, worker.is_signed_in) == (not may[administrator], not may[person])


def test_a_refusal_is_audited_under_its_action(administrator: User) -> None:
    office = in_office(make_administrator(AdminRole.ADMINISTRATOR))
    in_office(administrator)
    answer = office.post(f"{LIST}{key_of(administrator)}/end/")
    assert_refused(answer, "users.permission_refused", action="users.session.ended")


def test_somebody_who_is_not_there(administrator: User) -> None:
    office = in_office(administrator)
    for answer in (
        office.get("/admin/user-management/users/00000000-0000-0000-0000-000000000000/sessions/"),
        office.get(f"{LIST}x/"),
    ):
        assert answer.status_code == 404


@pytest.mark.parametrize("role", ROLES)
def test_everybody_ends_their_own(role: str, administrator: User) -> None:
    actor = make_administrator(ROLES[role])
    here, there, third = in_office(actor), in_office(actor), in_office(actor)
    boss = in_office(administrator)
    page = here.get(OWN).content.decode()
    assert page.count('value="') and page.count("/end/") == 3
    assert here.post(f"{OWN}{key_of(actor)}/end/")["Location"] == OWN
    assert (there.is_administering, third.is_administering) == (True, False)
    here.post(f"{OWN}{key_of(administrator)}/end/")
    assert "That session has ended already." in here.get(OWN).content.decode()
    here.post(f"{OWN}end-others/")
    assert "1 session ended." in here.get(OWN).content.decode()
    assert (here.is_administering, there.is_administering, boss.is_administering) == (True, False, True)
    last = in_office(actor)
    assert here.post(f"{OWN}end-all/")["Location"] == "/admin/login/"
    assert (here.is_administering, last.is_administering, boss.is_administering) == (False, False, True)


@pytest.mark.parametrize("base", [OWN, LIST])
def test_ending_this_one_is_signing_out(base: str, administrator: User) -> None:
    here, there = in_office(administrator), in_office(administrator)
    key = hashed(here.cookies["gatehouse_admin_session"].value)
    assert here.post(f"{base}{key}/end/")["Location"] == "/admin/login/"
    assert (here.is_administering, there.is_administering) == (False, True)


def test_ending_all_on_the_own_page_of_a_person_keeps_this_one(administrator: User) -> None:
    here, there = in_office(administrator), in_office(administrator)
    assert "End all but this one" in here.get(of(administrator)).content.decode()
    here.post(f"{of(administrator)}end/")
    assert (here.is_administering, there.is_administering) == (True, False)
