"""USER MANAGEMENT > Users, as an administrator's browser sees it: the list and the acts on many of it."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone

from idp.models import FederatedIdentity, IdentityProvider, PendingLink
from tests.browsing import Browser, error_code
from tests.factories import PASSWORD, make_administrator, make_person
from tests.users.support import as_person, audit_rows, refused
from users import bulk_acts, people_list, selection
from users.bulk_acts import BulkAct
from users.group_errors import GroupNotFound
from users.invitations import send_invitation
from users.models import AdminRole, AuditEvent, Group, State, User, UserSession
from users.schedules import schedule_state

pytestmark = pytest.mark.django_db

LIST = "/admin/user-management/users/"
BULK = f"{LIST}bulk/"


def text_of(response: HttpResponse) -> str:
    """Return a page's text without tags, with each run of blanks as one."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode().replace("<wbr>", "")).split())


def listed(response: HttpResponse) -> list[str]:
    """Return the names that the list shows, in its order."""
    rows = re.findall(r'class="table-main"[^>]*>(.*?)</a>', response.content.decode(), re.DOTALL)
    return [re.sub(r"<[^>]+>", "", row).strip() for row in rows]


def fingerprint(response: HttpResponse) -> str:
    found = re.search(r'name="fingerprint"\s+value="([^"]+)"', response.content.decode())
    assert found
    return found[1]


@pytest.fixture
def people(administrator: User) -> list[User]:
    """Ada and Grace are active, Edsger is staged."""
    return [
        make_person("ada@contoso.example", display_name="Ada Lovelace"),
        make_person("grace@contoso.example", display_name="Grace Hopper"),
        make_person("edsger@contoso.example", display_name="Edsger Dijkstra", state=State.STAGED),
    ]


# --- the list --------------------------------------------------------------------------------------------------------


def test_the_list_shows_everybody_with_numbers_by_state(people: list[User], admin_browser: Browser) -> None:
    page = admin_browser.get(LIST)
    assert listed(page)[-3:] == ["Ada Lovelace", "Edsger Dijkstra", "Grace Hopper"][-3:] or "Ada Lovelace" in listed(
        page
    )
    text = text_of(page)
    assert "4 people" in text and "All people 4" in text and "Active 3" in text and "Staged 1" in text
    assert listed(admin_browser.get(LIST, {"state": "active"})) == [
        person.label for person in User.objects.filter(state=State.ACTIVE).order_by("name_key")
    ]


def test_a_filter_narrows_the_list_and_can_be_taken_away(people: list[User], admin_browser: Browser) -> None:
    page = admin_browser.get(LIST, {"search": "lace", "state": "active"})
    assert listed(page) == ["Ada Lovelace"]
    text = text_of(page)
    assert "1 person" in text and "Search: lace" in text and "State: Active" in text
    assert f'href="{LIST}?state=active"' in page.content.decode()
    assert listed(admin_browser.get(LIST, {"search": "nobody"})) == []
    assert "Nobody fits" in text_of(admin_browser.get(LIST, {"search": "nobody"}))


@pytest.mark.parametrize("query", [{"state": "made-up"}, {"role": "x"}, {"sign_in": "x"}, {"search": "x" * 300}])
def test_a_filter_that_cannot_be_meant_finds_nobody(
    people: list[User], admin_browser: Browser, query: dict[str, str]
) -> None:
    page = admin_browser.get(LIST, query)
    assert page.status_code == 200 and listed(page) == []


def test_federated_never_signed_in_and_pending(people: list[User], provider: IdentityProvider) -> None:
    ada, grace, _ = people
    FederatedIdentity.objects.create(person=ada, provider=provider, issuer=provider.issuer, subject="1")
    User.objects.exclude(pk=grace.pk).update(last_login=timezone.now())
    PendingLink.objects.create(
        provider=provider, issuer=provider.issuer, subject="2", email="Edsger@contoso.example", reason="idp.no_match"
    )
    browser = Browser()
    browser.sign_in_as_administrator(User.objects.administrators().get())
    found = {name: listed(browser.get(LIST, {"sign_in": name})) for name in ("linked", "never", "pending")}
    assert found == {"linked": ["Ada Lovelace"], "never": ["Grace Hopper"], "pending": ["Edsger Dijkstra"]}


def test_pages_go_forth_and_back_and_keep_filter_and_order(
    people: list[User], admin_browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        people_list.find_people, "__kwdefaults__", {**people_list.find_people.__kwdefaults__, "limit": 1}
    )
    query = "role=none&sort=-name"
    names, url = [], f"{LIST}?{query}"
    for _ in range(3):
        page = admin_browser.get(url)
        names += listed(page)
        link = re.search(r'rel="next"\s+href="([^"]+)"|href="([^"]+)"\s+rel="next"', page.content.decode())
        url = LIST + (link[1] or link[2]).replace("&amp;", "&") if link else ""
    assert names == ["Grace Hopper", "Edsger Dijkstra", "Ada Lovelace"] and url == ""
    back = re.search(r'href="([^"]+)"\s+rel="prev"|rel="prev"\s+href="([^"]+)"', page.content.decode())
    assert back and "role=none" in (back[1] or back[2]) and "sort=-name" in (back[1] or back[2])
    assert listed(admin_browser.get(LIST + (back[1] or back[2]).replace("&amp;", "&"))) == ["Edsger Dijkstra"]


@pytest.mark.parametrize(
    ("role", "buttons"),
    [(AdminRole.ADMINISTRATOR, 3), (AdminRole.HELP_DESK, 1), (AdminRole.READ_ONLY, 0)],
)
def test_the_list_offers_what_the_role_may_do(people: list[User], role: AdminRole, buttons: int) -> None:
    browser = Browser()
    browser.sign_in_as_administrator(make_administrator(role))
    page = browser.get(LIST).content.decode()
    assert page.count("formaction=") == buttons
    assert ('name="person"' in page) == bool(buttons)


# --- acts on many ----------------------------------------------------------------------------------------------------


def test_suspending_many_shows_the_impact_first(people: list[User], admin_browser: Browser) -> None:
    ada, grace, _ = people
    at_work = Browser()
    grace.set_password(PASSWORD)
    grace.save()
    at_work.sign_in_with_password(grace)
    boss = User.objects.administrators().get()
    asked = {"person": [ada.pk, grace.pk, boss.pk, "made-up"]}
    shown = admin_browser.post(f"{BULK}suspend/?state=active", asked)
    text = text_of(shown)
    assert shown.status_code == 200 and "2 people may not sign in any more" in text
    assert "1 open session ends at once" in text
    assert "1 person with an administrator's role is left out" in text.replace("&#x27;", "'")
    assert User.objects.filter(state=State.SUSPENDED).count() == 0

    confirmed = {**asked, "fingerprint": fingerprint(shown), "reason": "Left the company"}
    answer = admin_browser.post(f"{BULK}suspend/?state=active", confirmed)
    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}?state=active")
    assert "2 people were suspended." in text_of(admin_browser.get(LIST))
    for person in (ada, grace):
        person.refresh_from_db()
        assert (person.state, person.state_reason) == ("suspended", "Left the company")
    boss.refresh_from_db()
    assert boss.state == State.ACTIVE and not at_work.is_signed_in
    assert audit_rows(action="users.person.suspended") == [("users.person.suspended", "success", "")] * 2
    row = AuditEvent.objects.get(action="users.people.suspended")
    assert row.details == {"people": 2, "sessions_ended": 1, "reason": "Left the company"}


def test_activating_many(people: list[User], admin_browser: Browser) -> None:
    asked = {"person": [person.pk for person in people]}
    shown = admin_browser.post(f"{BULK}activate/", asked)
    assert "1 staged person may sign in from now on" in text_of(shown)
    assert "2 people are active already" in text_of(shown)
    admin_browser.post(f"{BULK}activate/", {**asked, "fingerprint": fingerprint(shown)})
    assert User.objects.filter(state=State.ACTIVE).count() == 4
    nothing = admin_browser.post(f"{BULK}activate/", asked)
    assert "Yes, activate" not in nothing.content.decode()


def test_what_is_planned_goes_on_or_not_as_for_one_person(people: list[User], administrator: User) -> None:
    ada, grace, edsger = people
    actor, soon = as_person(administrator), timezone.now() + timedelta(days=1)
    schedule_state(actor=actor, person=edsger, state=State.SUSPENDED, at=soon)
    schedule_state(actor=actor, person=grace, state=State.SUSPENDED, at=soon)
    chosen = selection.Selection(ids=[person.pk for person in people])
    shown = bulk_acts.impact_of(BulkAct.ACTIVATE, chosen)
    assert bulk_acts.activate_people(actor=actor, selection=chosen, fingerprint=shown.fingerprint) == 1
    edsger.refresh_from_db()
    assert (edsger.state, edsger.scheduled_state) == ("active", "suspended")
    shown = bulk_acts.impact_of(BulkAct.SUSPEND, chosen)
    assert bulk_acts.suspend_people(actor=actor, selection=chosen, fingerprint=shown.fingerprint) == 3
    assert not User.objects.filter(scheduled_state__isnull=False).exists()
    rows = AuditEvent.objects.filter(action="users.person.suspended", target_id=str(edsger.pk))
    assert [row.details["schedule_cancelled"] for row in rows] == [f"suspended at {soon:%Y-%m-%d %H:%M} UTC"]


def test_an_invitation_outlives_an_activation_of_many(people: list[User], administrator: User) -> None:
    actor, edsger = as_person(administrator), people[2]
    mailing = send_invitation(actor=actor, person=edsger)
    chosen = selection.Selection(ids=[edsger.pk])
    shown = bulk_acts.impact_of(BulkAct.ACTIVATE, chosen)
    bulk_acts.activate_people(actor=actor, selection=chosen, fingerprint=shown.fingerprint)
    assert Browser().get(mailing.url.removeprefix(settings.PUBLIC_URL)).status_code == 200


def test_everybody_whom_the_filter_finds(people: list[User], admin_browser: Browser) -> None:
    shown = admin_browser.post(f"{BULK}suspend/?search=contoso", {"everybody": "on"})
    assert error_code(shown) == "users.selection_empty"
    shown = admin_browser.post(f"{BULK}suspend/?state=active&role=none", {"everybody": "on"})
    assert "2 people may not sign in any more" in text_of(shown)
    confirmed = {"everybody": "on", "fingerprint": fingerprint(shown)}
    admin_browser.post(f"{BULK}suspend/?state=active&role=none", confirmed)
    assert set(User.objects.filter(state=State.SUSPENDED)) == set(people[:2])


def test_what_changed_since_the_numbers_were_shown_is_shown_again(people: list[User], admin_browser: Browser) -> None:
    asked = {"person": [person.pk for person in people]}
    shown = admin_browser.post(f"{BULK}suspend/", asked)
    User.objects.filter(pk=people[0].pk).update(state=State.STAGED)
    again = admin_browser.post(f"{BULK}suspend/", {**asked, "fingerprint": fingerprint(shown), "reason": "Gone"})
    assert again.status_code == 409 and "Look at the new numbers and confirm again." in text_of(again)
    assert 'value="Gone"' in again.content.decode()
    assert User.objects.filter(state=State.SUSPENDED).count() == 0
    assert audit_rows(outcome="refused") == [("users.people.suspended", "refused", "users.selection_changed")]
    admin_browser.post(f"{BULK}suspend/", {**asked, "fingerprint": fingerprint(again)})
    assert User.objects.filter(state=State.SUSPENDED).count() == 3


def test_adding_many_to_a_group(people: list[User], admin_browser: Browser) -> None:
    group = Group.objects.create(name="Mathematicians {x}")
    group.people.add(people[0])
    asked = {"person": [person.pk for person in people]}
    shown = admin_browser.post(f"{BULK}add-to-group/", asked)
    assert "3 people are chosen" in text_of(shown) and "Mathematicians {x}" in shown.content.decode()
    assert 'name="fingerprint"' not in shown.content.decode()
    unknown = admin_browser.post(f"{BULK}add-to-group/", {**asked, "group": "Poets"})
    assert unknown.status_code == 422 and "There is no group of this name." in text_of(unknown)
    asked["group"] = "mathematicians {X}"  # type: ignore[assignment]
    shown = admin_browser.post(f"{BULK}add-to-group/", asked)
    text = text_of(shown)
    assert "Add these people to this group? Mathematicians {x}" in text
    assert "2 people will be in the group" in text and "1 person is in it already" in text
    admin_browser.post(f"{BULK}add-to-group/", {**asked, "fingerprint": fingerprint(shown)})
    assert set(group.people.all()) == set(people)
    assert "2 people were added to Mathematicians {x}." in text_of(admin_browser.get(LIST))
    row = AuditEvent.objects.get(action="users.group.members_added")
    assert (row.target_label, row.details) == ("Mathematicians {x}", {"added": 2})
    nothing = admin_browser.post(f"{BULK}add-to-group/", asked)
    assert "3 people are in it already" in text_of(nothing) and "Add to the group<" not in nothing.content.decode()


def test_what_was_confirmed_of_one_group_is_not_done_to_another(people: list[User], admin_browser: Browser) -> None:
    group, other = (Group.objects.create(name=name) for name in ("Mathematicians", "Poets"))
    asked = {"person": [person.pk for person in people], "group": group.name}
    mark = fingerprint(admin_browser.post(f"{BULK}add-to-group/", asked))
    elsewhere = admin_browser.post(f"{BULK}add-to-group/", {**asked, "group": other.name, "fingerprint": mark})
    assert elsewhere.status_code == 409 and not other.people.exists()
    group.people.add(people[0])
    again = admin_browser.post(f"{BULK}add-to-group/", {**asked, "fingerprint": mark})
    assert again.status_code == 409 and "1 person is in it already" in text_of(again)
    admin_browser.post(f"{BULK}add-to-group/", {**asked, "fingerprint": fingerprint(again)})
    assert group.people.count() == 3


def test_a_group_that_was_deleted_meanwhile_is_refused(people: list[User], administrator: User) -> None:
    chosen = selection.Selection(ids=[person.pk for person in people])
    given = {"selection": chosen, "fingerprint": "", "group_id": people[0].pk}
    error = refused(GroupNotFound, bulk_acts.add_people_to_group, actor=as_person(administrator), **given)
    assert (error.code, error.http_status) == ("users.group_not_found", 404)


def test_too_many_at_once_are_refused(
    people: list[User], admin_browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "MOST", 2)
    answer = admin_browser.post(f"{BULK}suspend/?role=none", {"everybody": "on"})
    assert (answer.status_code, error_code(answer)) == (422, "users.selection_too_large")


@pytest.mark.parametrize("act", ["activate", "suspend", "add-to-group"])
def test_nobody_chosen_is_said(people: list[User], admin_browser: Browser, act: str) -> None:
    answer = admin_browser.post(f"{BULK}{act}/", {})
    assert (answer.status_code, error_code(answer)) == (422, "users.selection_empty")


def test_the_services_ask_for_the_permission_themselves(people: list[User]) -> None:
    helper = Browser()
    helper.sign_in_as_administrator(make_administrator(AdminRole.HELP_DESK))
    assert helper.post(f"{BULK}activate/", {"person": [people[0].pk]}).status_code == 403
    assert helper.post(f"{BULK}suspend/", {"person": [people[0].pk]}).status_code == 200
    assert UserSession.objects.filter(person=people[0]).count() == 0
