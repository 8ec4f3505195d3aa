"""Name, logo, support contact and the states of new people: the services, their constraints and their memory."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, OperationalError, connection, transaction

from tests.browsing import last_event
from tests.factories import OPERATOR, make_administrator
from tests.pictures import picture
from tests.users.support import as_person, at_once, refused
from users import branding, mails
from users.errors import DirectoryError, PermissionRefused
from users.models import AdminRole, AuditEvent, Organization, OrganizationLogo, Source, State, User
from users.organization import current, default_state
from users.organization_errors import (
    DefaultStateInvalid,
    OrganizationNameInvalid,
    SupportEmailInvalid,
    SupportNoteInvalid,
    SupportUrlInvalid,
)
from users.organization_profile import remove_logo, set_default_states, set_logo, set_name, set_support
from users.people_errors import PhoneNumberInvalid
from users.services import add_person

pytestmark = pytest.mark.django_db

ACTS: list[tuple[Callable[..., object], dict[str, Any]]] = [
    (set_name, {"name": "Contoso"}),
    (set_support, {"note": "Ask the IT desk."}),
    (set_default_states, {"states": {Source.MANUAL: State.ACTIVE}}),
    (set_logo, {"data": picture()}),
    (remove_logo, {}),
]


def test_each_change_is_written_down_with_what_it_was(administrator: User) -> None:
    actor = as_person(administrator)
    assert set_name(actor=actor, name="  Contoso   Ltd ").name == "Contoso Ltd"
    set_name(actor=actor, name="Contoso")
    event = last_event(action="users.organization.name_set")
    assert event.details == {"name": {"from": "Contoso Ltd", "to": "Contoso"}} and event.actor_id == administrator.pk
    set_support(actor=actor, email="Desk@Contoso.example", url="HTTPS://help.contoso.example/", note="Ask.")
    set_support(actor=actor, email="desk@contoso.example", url="https://help.contoso.example/", phone="+44 20 79460958")
    assert last_event(action="users.organization.support_set").details == {
        "support_phone": {"from": "", "to": "+44 20 79460958"},
        "support_note": {"from": "Ask.", "to": ""},
    }
    set_default_states(actor=actor, states={Source.MANUAL: State.ACTIVE, Source.IMPORT: State.STAGED})
    details = {"default_state_manual": {"from": "staged", "to": "active"}}
    assert last_event(action="users.organization.default_states_set").details == details


def test_what_stays_as_it_is_leaves_no_row(administrator: User) -> None:
    for act, arguments in ACTS[:-1]:
        act(actor=OPERATOR, **arguments)
        before = AuditEvent.objects.count()
        act(actor=OPERATOR, **arguments)
        assert AuditEvent.objects.count() == before
    remove_logo(actor=OPERATOR)
    before = AuditEvent.objects.count()
    remove_logo(actor=OPERATOR)
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize("role", [AdminRole.ADMINISTRATOR, AdminRole.HELP_DESK, AdminRole.READ_ONLY])
def test_only_who_manages_the_organization_changes_it(role: AdminRole) -> None:
    actor = as_person(make_administrator(role))
    for act, arguments in ACTS:
        refused(PermissionRefused, act, actor=actor, **arguments)
        assert last_event(actor_id=actor.person.pk).error_code == "users.permission_refused"  # type: ignore[union-attr]
    assert not Organization.objects.exists() and not OrganizationLogo.objects.exists()


@pytest.mark.parametrize("name", ["x" * 101, "two\nlines", "a\x00b", "Contoso\u202eosotnoC", "\ud800"])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    error = refused(OrganizationNameInvalid, set_name, actor=OPERATOR, name=name)
    assert error.code == "users.organization_name_invalid"
    assert last_event(action="users.organization.name_set").outcome == "refused"


@pytest.mark.parametrize("name", ["x" * 100, "Škoda & Söhne", "株式会社コントソ", "O’Neill <b>", ""])
def test_names_of_companies(name: str) -> None:
    assert set_name(actor=OPERATOR, name=name).name == name


@pytest.mark.parametrize(
    ("error", "given"),
    [
        (SupportEmailInvalid, {"email": "desk"}),
        (SupportEmailInvalid, {"email": "desk@contoso.example?cc=everybody@contoso.example"}),
        (SupportUrlInvalid, {"url": "http://help.contoso.example/"}),
        (SupportUrlInvalid, {"url": "javascript:alert(1)"}),
        (SupportUrlInvalid, {"url": "https://"}),
        (SupportUrlInvalid, {"url": "https://user:word@contoso.example/"}),
        (SupportUrlInvalid, {"url": "https://contoso.example/a b"}),
        (SupportUrlInvalid, {"url": "https://[half/"}),
        (SupportUrlInvalid, {"url": "https://.../"}),
        (SupportUrlInvalid, {"url": "https://-/"}),
        (SupportUrlInvalid, {"url": "https://contoso..example/"}),
        (SupportUrlInvalid, {"url": "https://1.2.3/"}),
        (SupportUrlInvalid, {"url": f"https://{'x' * 64}.example/"}),
        (SupportUrlInvalid, {"url": "https://contoso.example:99999/"}),
        (SupportUrlInvalid, {"url": f"https://contoso.example/{'x' * 500}"}),
        (PhoneNumberInvalid, {"phone": "call us"}),
        (SupportNoteInvalid, {"note": "x" * 201}),
        (SupportNoteInvalid, {"note": "two\nlines"}),
    ],
)
def test_a_contact_that_leads_nowhere_is_refused(error: type[DirectoryError], given: dict[str, str]) -> None:
    found = refused(error, set_support, actor=OPERATOR, **given)
    codes = {
        "users.support_email_invalid",
        "users.support_url_invalid",
        "users.phone_number_invalid",
        "users.support_note_invalid",
    }
    assert found.code in codes and found.field == f"support_{next(iter(given))}"
    assert not Organization.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        "https://helpdesk/",
        "https://help.contoso.example:8443/a?b=c",
        "https://xn--bcher-kva.example",
        "https://contoso.example./",
        "https://192.0.2.7/",
        "https://[2001:db8::7]/",
    ],
)
def test_a_contact_may_be_any_host_that_there_can_be(url: str) -> None:
    assert set_support(actor=OPERATOR, url=url).support_url == url


def test_new_people_begin_as_the_organization_says(administrator: User) -> None:
    def state_of(email: str, **given: Any) -> str:
        return add_person(actor=OPERATOR, company_email=email, **given).state

    assert {source: default_state(source) for source in Source} == dict.fromkeys(Source, State.STAGED)
    assert state_of("a@contoso.example") == State.STAGED
    set_default_states(actor=OPERATOR, states={Source.MANUAL: State.ACTIVE})
    assert (default_state(Source.MANUAL), default_state(Source.IMPORT)) == (State.ACTIVE, State.STAGED)
    assert state_of("b@contoso.example") == State.ACTIVE
    assert state_of("c@contoso.example", state=State.STAGED) == State.STAGED
    set_default_states(actor=OPERATOR, states={Source.MANUAL: State.STAGED, Source.IMPORT: State.ACTIVE})
    assert (default_state(Source.MANUAL), default_state(Source.IMPORT)) == (State.STAGED, State.ACTIVE)
    # No provider adds people, so there is nothing to set for it.
    assert default_state(Source.FEDERATION) == State.STAGED


@pytest.mark.parametrize("states", [{Source.MANUAL: State.SUSPENDED}, {Source.FEDERATION: State.ACTIVE}])
def test_nobody_begins_suspended_or_comes_from_nowhere(states: dict[Source, State]) -> None:
    error = refused(DefaultStateInvalid, set_default_states, actor=OPERATOR, states=states)
    assert error.code == "users.default_state_invalid" and not Organization.objects.exists()


@pytest.mark.parametrize(
    "values",
    [
        {"default_state_manual": "suspended"},
        {"default_state_import": "unheard-of"},
        {"support_url": "http://help.contoso.example/"},
        {"pk": 2},
    ],
)
def test_the_database_holds_to_it_as_well(values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Organization.objects.create(**values)
    with pytest.raises(IntegrityError), transaction.atomic():
        OrganizationLogo.objects.create(pk=2, data=b"", sha256="", width=1, height=1)


def test_a_logo_takes_the_place_of_the_one_before(administrator: User) -> None:
    actor = as_person(administrator)
    first = set_logo(actor=actor, data=picture())
    second = set_logo(actor=actor, data=picture(size=(90, 90)))
    stored = OrganizationLogo.objects.get()
    assert bytes(stored.data) == second.data and stored.sha256 == second.sha256 != first.sha256
    facts = [{"sha256": logo.sha256, "width": logo.width, "height": logo.height} for logo in (first, second)]
    assert last_event(action="users.organization.logo_set").details == {"logo": {"from": facts[0], "to": facts[1]}}
    remove_logo(actor=actor)
    assert last_event(action="users.organization.logo_removed").details == {"logo": {"from": facts[1], "to": None}}
    assert not OrganizationLogo.objects.exists()


# --- what a process remembers ---------------------------------------------------------------------------------------


def test_a_process_asks_once_in_a_while_and_sees_its_own_changes_at_once(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Callable[[int], Any]
) -> None:
    with django_assert_num_queries(2):
        assert branding.current() == branding.Branding()
    with django_assert_num_queries(0):
        branding.current()
    set_name(actor=OPERATOR, name="Contoso")
    set_logo(actor=OPERATOR, data=picture())
    seen = branding.current()
    logo = OrganizationLogo.objects.get()
    assert (seen.name, seen.logo_address) == ("Contoso", logo.sha256[:16])
    assert (seen.logo_width, seen.logo_height) == (logo.width, logo.height)
    # What another process changes is seen when the time is over.
    Organization.objects.update(name="Fabrikam")
    assert branding.current().name == "Contoso" and branding.fresh().name == "Fabrikam"
    Organization.objects.update(name="Northwind")
    assert branding.current().name == "Fabrikam"
    later = branding.time.monotonic() + branding.CACHED_FOR + 1
    monkeypatch.setattr(branding.time, "monotonic", lambda: later)
    assert branding.current().name == "Northwind"


def test_where_the_database_fails_what_was_known_last_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object, **kwargs: object) -> None:
        raise OperationalError("the database is away")

    set_name(actor=OPERATOR, name="Contoso")
    assert branding.current().name == "Contoso"
    monkeypatch.setattr(connection, "cursor", fails)
    assert branding.fresh().name == "Contoso" and branding.known().name == "Contoso"
    branding.forget_all()
    assert branding.current() == branding.known() == branding.Branding()


@pytest.mark.django_db(transaction=True)
def test_two_who_change_it_at_once_come_one_after_the_other() -> None:
    results = at_once(
        lambda: set_name(actor=OPERATOR, name="Contoso"),
        lambda: set_support(actor=OPERATOR, note="Ask the IT desk."),
        lambda: set_logo(actor=OPERATOR, data=picture()),
        lambda: set_logo(actor=OPERATOR, data=picture(size=(50, 50))),
    )
    assert not [result for result in results if isinstance(result, Exception)]
    assert (current().name, current().support_note) == ("Contoso", "Ask the IT desk.")
    assert OrganizationLogo.objects.count() == 1


# --- mails ----------------------------------------------------------------------------------------------------------


def test_mails_come_from_the_company_unless_the_operator_chose_a_name(settings: Any) -> None:
    def sent() -> mail.EmailMultiAlternatives:
        context = {"expiry": {}, "provider": {}, "people": 1, "url": ""}
        return mails.compose("credential_expiry", "Subject", context, ["grace@contoso.example"])

    settings.DEFAULT_FROM_EMAIL = "Gatehouse <gatehouse@portal.example>"
    assert sent().from_email == "Gatehouse <gatehouse@portal.example>"
    set_name(actor=OPERATOR, name="Contoso, Ltd")
    message = sent()
    assert message.from_email == '"Contoso, Ltd (Gatehouse)" <gatehouse@portal.example>'
    assert "Contoso, Ltd · Gatehouse" in str(message.alternatives[0][0])
    set_name(actor=OPERATOR, name="株式会社")
    assert message.message()["From"] and "gatehouse@portal.example" in sent().message()["From"]
    settings.DEFAULT_FROM_EMAIL = "Contoso sign-in <noreply@contoso.example>"
    assert sent().from_email == "Contoso sign-in <noreply@contoso.example>"
