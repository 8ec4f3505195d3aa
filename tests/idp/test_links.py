"""Links that an administrator makes, ends, and renews in bulk; and administrators who meet sign-ins doing it."""

from uuid import uuid4

import pytest
from django.http import HttpResponse

from idp import links
from idp.errors import ProviderNotFound
from idp.link_errors import LinkFileRefused, LinkNotFound
from idp.models import FederatedIdentity, IdentityProvider, PendingLink
from idp.pre_linking import PreLinked, pre_link_people
from idp.relinking import forget_links, map_links
from tests.browsing import Browser, assert_refused, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_administrator, make_person, make_provider
from tests.idp.conformance.support import all_at_once, warm_up
from tests.idp.links import ADA, GRACE, OID, moved, people, pre_link, refusal_of
from users.audit import Actor
from users.audit_filter import AuditFilter
from users.audit_log import find_events
from users.errors import DirectoryError, PermissionRefused
from users.models import AdminRole, AuditEvent, State, User

pytestmark = pytest.mark.django_db(transaction=True)


# --- one person ------------------------------------------------------------------------------------------------------


def test_a_person_is_linked_before_she_ever_signs_in(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    """Her company email is another than the account's, so that no rule would find her."""
    person = make_person("countess@lovelace.example")
    link = pre_link(provider, person, f" {tenant.person(ADA).oid.upper()} ")
    assert link.subject == f"{tenant.tenant_id}.{tenant.person(ADA).oid}"
    event = last_event(action="idp.identity.linked")
    assert (event.target_id, event.details) == (
        str(person.pk),
        {"provider": provider.name, "rule": "pre_link", "subject": link.subject},
    )
    assert browser_client.federated_sign_in(ADA).status_code == 303
    link = FederatedIdentity.objects.get()
    assert (link.person, link.rule, link.email) == (person, "pre_link", ADA)


def test_a_pending_account_is_linked_to_the_person_who_was_chosen(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    browser_client.federated_sign_in(ADA)
    person, pending = make_person(), PendingLink.objects.get()
    links.link_pending(actor=OPERATOR, provider=provider, pending=pending, person=person)
    event = last_event(action="idp.identity.linked")
    assert (event.target_id, event.details["rule"]) == (str(person.pk), "administrator")
    link = FederatedIdentity.objects.get()
    assert (link.rule, link.email, link.display_name) == ("administrator", ADA, pending.display_name)
    assert browser_client.federated_sign_in(ADA).status_code == 303
    assert refusal_of(
        lambda: links.link_pending(actor=OPERATOR, provider=provider, pending=pending, person=person)
    ) == ("idp.pending.not_found")


@pytest.mark.parametrize(
    ("object_id", "code"),
    [
        ("", "idp.link.object_id_invalid"),
        ("ada@contoso.example", "idp.link.object_id_invalid"),
        (f"{OID}\u0660", "idp.link.object_id_invalid"),
        (f"00000000-0000-0000-0000-000000000000.{OID}", "idp.link.object_id_invalid"),
    ],
)
def test_entras_object_ids_are_guids_of_its_tenant(object_id: str, code: str, provider: IdentityProvider) -> None:
    assert refusal_of(lambda: pre_link(provider, make_person(), object_id)) == code
    assert last_event(action="idp.identity.linked").outcome == "refused"


def test_a_plain_providers_subject_is_taken_as_it_is(plain_tenant: PracticeTenant, administrator: User) -> None:
    provider = make_provider(plain_tenant)
    assert pre_link(provider, make_person(), " Sub|CaseCounts ").subject == "Sub|CaseCounts"
    for subject in ("", "x" * 256, "a\nb", "\x00"):
        assert refusal_of(lambda given=subject: pre_link(provider, make_person(), given)) == "idp.link.subject_invalid"


@pytest.mark.parametrize("role", list(AdminRole))
def test_an_administrator_is_never_linked(role: AdminRole, provider: IdentityProvider) -> None:
    person = make_administrator(role)
    assert refusal_of(lambda: pre_link(provider, person)) == "idp.link.person_is_administrator"
    FederatedIdentity.objects.create(
        person=person, provider=provider, issuer=provider.issuer, subject=links.subject_of(provider, OID)
    )
    assert refusal_of(lambda: pre_link(provider, person)) == "idp.link.person_is_administrator"


@pytest.mark.parametrize("state", [State.STAGED, State.SUSPENDED])
def test_who_may_not_sign_in_yet_can_be_linked_and_stays_out(
    state: State, tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    pre_link(provider, make_person(ADA, state=state), tenant.person(ADA).oid)
    assert_refused(browser_client.federated_sign_in(ADA), f"federation.person_{state}")


def test_one_account_for_a_person_and_one_person_for_an_account(provider: IdentityProvider) -> None:
    ada, grace = people(2)
    pre_link(provider, ada)
    assert refusal_of(lambda: pre_link(provider, ada, str(uuid4()))) == "idp.link.person_linked"
    assert refusal_of(lambda: pre_link(provider, grace)) == "idp.link.account_linked"
    events = AuditEvent.objects.filter(action="idp.identity.linked")
    assert pre_link(provider, ada).person == ada  # it is so already: nothing happens
    assert (FederatedIdentity.objects.count(), events.filter(outcome="success").count()) == (1, 1)


def test_a_deleted_provider_links_nobody(provider: IdentityProvider) -> None:
    gone = IdentityProvider(pk=uuid4(), name="Gone")
    with pytest.raises(ProviderNotFound):
        pre_link(gone, make_person())


def test_unlinking_ends_the_sessions_of_this_provider_and_no_others(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    make_person(GRACE)
    browser, other = warm_up(tenant), warm_up(tenant, GRACE)
    link = links.link_of(provider, ada)
    assert links.unlink_person(actor=OPERATOR, provider=provider, link=link) == 1
    assert (browser.is_signed_in, other.is_signed_in) == (False, True)
    event = last_event(action="idp.identity.unlinked")
    assert (event.target_id, event.details["subject"], event.details["sessions_ended"]) == (
        str(ada.pk),
        link.subject,
        1,
    )
    for refused in (
        lambda: links.unlink_person(actor=OPERATOR, provider=provider, link=link),
        lambda: links.link_of(provider, ada),
        lambda: links.find_link(provider, link.pk),
    ):
        assert refusal_of(refused) == "idp.link.not_found"
    # The ladder may link her anew; her way back is through the provider's door.
    assert browser.federated_sign_in(ADA).status_code == 303
    assert FederatedIdentity.objects.get(person=ada).rule == "email"


def test_only_who_manages_providers_may_touch_links(provider: IdentityProvider) -> None:
    link = pre_link(provider, make_person())
    helper = make_administrator(AdminRole.ADMINISTRATOR)
    actor = Actor(person=helper, label=helper.label)
    confirmed = {"actor": actor, "provider": provider, "understood": True}
    for refused in (
        lambda: links.pre_link_person(actor=actor, provider=provider, person=make_person(), object_id=str(uuid4())),
        lambda: links.link_pending(actor=actor, provider=provider, pending=PendingLink(), person=make_person()),
        lambda: links.unlink_person(actor=actor, provider=provider, link=link),
        lambda: pre_link_people(actor=actor, provider=provider, lines="x"),
        lambda: forget_links(every=True, **confirmed),
        lambda: map_links(lines="x", **confirmed),
    ):
        with pytest.raises(PermissionRefused):
            refused()
    assert FederatedIdentity.objects.get() == link


# --- at the same moment ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("same_account", [True, False])
def test_an_administrator_links_while_the_person_signs_in_for_the_first_time(
    same_account: bool, tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    """Six first sign-ins of Ada's account, and an administrator who links that account, or another, to Ada."""
    object_id = tenant.person(ADA).oid if same_account else OID
    codes: list[str] = []

    def work(browser: Browser | None) -> HttpResponse:
        if browser is not None:
            return browser.federated_sign_in(ADA)
        try:
            pre_link(provider, ada, object_id)
        except DirectoryError as error:
            codes.append(error.code)
        return HttpResponse()

    responses = all_at_once(work, [*(Browser() for _ in range(6)), None])
    assert {response.status_code for response in responses} <= {200, 303, 403}
    link = FederatedIdentity.objects.get()
    assert link.person == ada
    if same_account:
        assert codes == [] and {response.status_code for response in responses} == {200, 303}
    else:
        assert codes == ([] if link.subject.endswith(OID) else ["idp.link.person_linked"])
    assert AuditEvent.objects.filter(action="idp.identity.linked", outcome="success").count() == 1


def test_two_administrators_link_one_account_to_two_people(provider: IdentityProvider) -> None:
    codes: list[str] = []

    def work(person: User) -> HttpResponse:
        try:
            pre_link(provider, person)
        except DirectoryError as error:
            codes.append(error.code)
        return HttpResponse()

    all_at_once(work, people(6))
    assert FederatedIdentity.objects.count() == 1
    assert codes == ["idp.link.account_linked"] * 5


# --- many at once ----------------------------------------------------------------------------------------------------


def test_many_are_linked_from_lines(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    ada, grace = make_person(ADA), make_person(GRACE, state=State.STAGED)
    pre_link(provider, ada, tenant.person(ADA).oid)
    lines = (
        f"\ufeffcompany_email;object_id\r\n# ours\r\n\r\n{ADA.upper()};{tenant.person(ADA).oid}\r\n{GRACE};{OID}\r\n"
    )
    assert pre_link_people(actor=OPERATOR, provider=provider, lines=lines, dry_run=True) == PreLinked(1, 1, True)
    assert FederatedIdentity.objects.count() == 1
    assert pre_link_people(actor=OPERATOR, provider=provider, lines=lines) == PreLinked(1, 1)
    link = FederatedIdentity.objects.get(person=grace)
    assert (link.subject, link.rule, link.issuer) == (f"{tenant.tenant_id}.{OID}", "pre_link", provider.issuer)
    (event,) = find_events(AuditFilter(person=GRACE, action="idp.identity.linked"))
    assert event.details == {"provider": provider.name, "rule": "pre_link", "subject": link.subject}
    assert last_event(action="idp.identities.pre_linked").details == {"linked": 1, "unchanged": 1}
    assert pre_link_people(actor=OPERATOR, provider=provider, lines=lines) == PreLinked(0, 2)


def test_one_bad_line_stops_all_and_every_problem_is_listed(provider: IdentityProvider, administrator: User) -> None:
    make_person(ADA)
    linked, other = people(2)
    pre_link(provider, linked)
    lines = [
        f"{ADA},{uuid4()}",
        f"nobody@contoso.example,{uuid4()}",
        f"not an email,{uuid4()}",
        f"{other.company_email},not-a-guid",
        f"{administrator.company_email},{uuid4()}",
        f"{linked.company_email},{uuid4()}",
        f"{other.company_email},{OID}",
        f"{ADA.upper()},{uuid4()}",
        "one value",
        f"three,values,{uuid4()}",
    ]
    with pytest.raises(LinkFileRefused) as refused:
        pre_link_people(actor=OPERATOR, provider=provider, lines="\n".join(lines))
    assert refused.value.code == "idp.link.file_refused"
    told = {problem.line: problem.text for problem in refused.value.problems}
    assert told == {
        2: "nobody has the company email nobody@contoso.example",
        3: "not an email is not a company email",
        4: "not-a-guid is not an object ID of Entra",
        5: f"{administrator.company_email} is an administrator, who never signs in through a provider",
        6: f"{linked.company_email} is linked to another account already",
        7: f"this account is linked to {linked.company_email} already",
        8: "this company email stands in line 1 already",
        9: "two values are needed, separated by a comma",
        10: "two values are needed, separated by a comma",
    } | ({7: told[7]} if 7 in told else {})
    assert FederatedIdentity.objects.get().person == linked
    assert last_event(action="idp.identities.pre_linked").error_code == "idp.link.file_refused"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("", "idp.link.file_empty"),
        ("# nothing\n\n", "idp.link.file_empty"),
        ("company_email,object_id\n", "idp.link.file_empty"),
        ('"unclosed\n' + "x" * 200_000, "idp.link.file_refused"),
        ("a\x00b,c", "idp.link.file_refused"),
        ("\ud800,x", "idp.link.file_refused"),
    ],
)
def test_lines_that_cannot_be_read(lines: str, code: str, provider: IdentityProvider) -> None:
    assert refusal_of(lambda: pre_link_people(actor=OPERATOR, provider=provider, lines=lines)) == code


def test_too_many_lines_are_refused(provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idp.link_files.MAX_LINES", 2)
    lines = "a@b.example,1\n" * 3
    assert refusal_of(lambda: pre_link_people(actor=OPERATOR, provider=provider, lines=lines)) == (
        "idp.link.file_too_long"
    )


def test_a_thousand_lines_are_done_together(provider: IdentityProvider) -> None:
    User.objects.bulk_create(
        User(user_name=f"p{n}", company_email=f"p{n}@contoso.example", state=State.ACTIVE) for n in range(2000)
    )
    lines = "\n".join(f"p{n}@contoso.example,{uuid4()}" for n in range(2000))
    assert pre_link_people(actor=OPERATOR, provider=provider, lines=lines).linked == 2000
    assert AuditEvent.objects.filter(action="idp.identity.linked").count() == 2000


def test_a_link_of_the_present_issuer_comes_before_a_former_one(provider: IdentityProvider) -> None:
    person = make_person()
    pre_link(provider, person)
    moved(provider, person)
    former = FederatedIdentity.objects.get()
    assert links.link_of(provider, person) == former
    present = pre_link(provider, person)
    assert links.link_of(provider, person) == present
    with pytest.raises(LinkNotFound):
        links.link_of(provider, make_person())
