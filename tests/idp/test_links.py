"""Links that an administrator makes, ends, and renews in bulk; and administrators who meet sign-ins doing it."""

from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.utils import timezone

from idp import link_queries, links
from idp.errors import ChangedMeanwhile, ImpactChanged, ImpactNotConfirmed, ProviderNotFound
from idp.link_errors import LinkFileRefused, LinkNotFound
from idp.models import FederatedIdentity, IdentityProvider, PendingLink
from idp.pre_linking import PreLinked, pre_link_people
from idp.relink_impact import forget_impact
from idp.relinking import forget_links, map_links
from tests.browsing import Browser, assert_refused, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_administrator, make_person, make_provider
from tests.idp.conformance.support import all_at_once, warm_up
from users.audit import Actor
from users.audit_filter import AuditFilter
from users.audit_log import find_events
from users.errors import DirectoryError, PermissionRefused
from users.models import AdminRole, AuditEvent, State, User, UserSession

pytestmark = pytest.mark.django_db(transaction=True)

ADA, GRACE = "ada@contoso.example", "grace@contoso.example"
OID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"


def pre_link(provider: IdentityProvider, person: User, object_id: str = OID) -> FederatedIdentity:
    return links.pre_link_person(actor=OPERATOR, provider=provider, person=person, object_id=object_id)


def people(number: int) -> list[User]:
    return [make_person() for _ in range(number)]


def refusal_of(work: object) -> str:
    """Return the code that the work is refused with."""
    with pytest.raises(DirectoryError) as refused:
        work()  # type: ignore[operator]
    return refused.value.code


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


def test_links_are_forgotten_while_people_sign_in(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    """Nobody meets a defect, and no session is left that rests on no link."""
    browsers = [*(warm_up(tenant) for _ in range(3)), Browser(), Browser()]
    answers = {id(browser): browser.at_provider(browser.begin()) for browser in browsers}

    def work(browser: Browser | None) -> HttpResponse:
        if browser is not None:
            return browser.come_back(answers[id(browser)])
        forget_links(actor=OPERATOR, provider=provider, every=True, understood=True)
        return HttpResponse()

    responses = all_at_once(work, [*browsers, None])
    assert {response.status_code for response in responses} <= {200, 303, 400, 403, 404}
    if not FederatedIdentity.objects.exists():
        assert not UserSession.objects.filter(person=ada).exists()


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


# --- after a registration, a tenant or the subjects were replaced ----------------------------------------------------


def moved(provider: IdentityProvider, *former: User) -> None:
    """Let the links of these people be of a former issuer, as if the provider had moved to another tenant."""
    for person in former:
        FederatedIdentity.objects.filter(person=person).update(
            issuer="https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/v2.0",
            subject=f"11111111-2222-4333-8444-555555555555.{uuid4()}",
        )


def test_forgetting_shows_whom_the_ladder_finds_again(tenant: PracticeTenant, administrator: User) -> None:
    provider = make_provider(tenant, email_domains=["contoso.example"])
    found, outside = make_person(ADA), make_person("out@fabrikam.example", display_name="Out Sider")
    staged = make_person(state=State.STAGED)
    known, present = make_person("known@fabrikam.example", external_id=OID), make_person()
    promoted = make_administrator()
    for person in (found, outside, staged, known, present):
        pre_link(provider, person, str(uuid4()))
    FederatedIdentity.objects.create(person=promoted, provider=provider, issuer="https://former.example", subject="1")
    moved(provider, found, outside, staged, known, present)
    pre_link(provider, present, str(uuid4()))
    impact = forget_impact(provider, every=False)
    assert impact.numbers() == {
        "links_forgotten": 6,
        "linked_now": 1,
        "by_external_id": 1,
        "by_email": 1,
        "not_found": 1,
        "not_active": 1,
        "administrators": 1,
        "sessions_ended": 0,
    }
    (not_found,) = [line for line in impact.lines if line.key == "not_found"]
    assert (not_found.examples, not_found.tone) == (("Out Sider",), "danger")
    assert forget_impact(provider, every=True).numbers()["links_forgotten"] == 7


def test_without_domains_everybody_can_be_found_by_email(provider: IdentityProvider) -> None:
    pre_link(provider, make_person("x@anywhere.example"))
    numbers = forget_impact(provider, every=True).numbers()
    assert (numbers["by_email"], numbers["not_found"]) == (1, 0)


def test_a_scheduled_state_whose_moment_has_come_counts_when_links_are_forgotten(provider: IdentityProvider) -> None:
    leaver = make_person("x@anywhere.example")
    pre_link(provider, leaver)
    User.objects.filter(pk=leaver.pk).update(scheduled_state=State.SUSPENDED, scheduled_at=timezone.now())
    numbers = forget_impact(provider, every=True).numbers()
    assert (numbers["by_email"], numbers["not_active"]) == (0, 1)


def test_forgotten_links_are_made_anew_at_the_next_sign_in(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    """A plain client was replaced: the same issuer, another subject for everybody."""
    browser = warm_up(tenant)
    FederatedIdentity.objects.update(subject=f"{tenant.tenant_id}.{uuid4()}")
    assert_refused(Browser().federated_sign_in(ADA), "federation.person_linked_elsewhere")
    with pytest.raises(ImpactNotConfirmed):
        forget_links(actor=OPERATOR, provider=provider, every=True, understood=False)
    stale = forget_impact(provider, every=True).fingerprint
    pre_link(provider, make_person())
    with pytest.raises(ImpactChanged):
        forget_links(actor=OPERATOR, provider=provider, every=True, understood=True, fingerprint=stale)
    impact = forget_links(actor=OPERATOR, provider=provider, every=True, understood=True)
    assert impact.numbers()["links_forgotten"] == 2
    assert not browser.is_signed_in
    assert browser.federated_sign_in(ADA).status_code == 303
    event = last_event(action="idp.identities.forgotten", outcome="success")
    assert (event.details["links_forgotten"], event.details["sessions_ended"]) == (2, 1)
    assert last_event(action="idp.identity.unlinked", target_id=str(ada.pk)).details["rule"] == "relink"


def test_links_to_the_present_issuer_and_their_sessions_stay(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    browser = warm_up(tenant)
    other = make_person()
    pre_link(provider, other, str(uuid4()))
    moved(provider, other)
    assert (
        forget_links(actor=OPERATOR, provider=provider, every=False, understood=True).numbers()["links_forgotten"] == 1
    )
    assert (FederatedIdentity.objects.get().person, browser.is_signed_in) == (ada, True)


def test_links_are_mapped_by_old_object_id_also_where_two_people_swap(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    browser, grace = warm_up(tenant), make_person(GRACE)
    oids = tenant.person(ADA).oid, tenant.person(GRACE).oid
    pre_link(provider, grace, oids[1])
    before = {link.person_id: link.pk for link in FederatedIdentity.objects.all()}
    lines = f"{oids[0]},{oids[1]}\n{oids[1]},{oids[0]}"
    impact = map_links(actor=OPERATOR, provider=provider, lines=lines, dry_run=True)
    assert impact.numbers() == {"links_moved": 2, "unchanged": 0, "sessions_ended": 1}
    assert FederatedIdentity.objects.get(person=ada).subject.endswith(oids[0])
    with pytest.raises(ImpactNotConfirmed):
        map_links(actor=OPERATOR, provider=provider, lines=lines)
    with pytest.raises(ImpactChanged):
        map_links(actor=OPERATOR, provider=provider, lines=lines, understood=True, fingerprint="x")
    map_links(actor=OPERATOR, provider=provider, lines=lines, understood=True, fingerprint=impact.fingerprint)
    link = FederatedIdentity.objects.get(person=ada)
    assert (link.subject, link.rule, link.email) == (f"{tenant.tenant_id}.{oids[1]}", "relink", ADA)
    assert {link.person_id: link.pk for link in FederatedIdentity.objects.all()} == before
    assert not browser.is_signed_in
    event = last_event(action="idp.identity.linked", target_id=str(ada.pk))
    assert (event.details["rule"], event.details["former_subject"]) == ("relink", f"{tenant.tenant_id}.{oids[0]}")
    assert last_event(action="idp.identities.mapped", outcome="success").details["links_moved"] == 2
    with tenant.lying(claims={"email": "other@contoso.example", "upn": "other@contoso.example"}):
        assert Browser().federated_sign_in(GRACE).status_code == 303


@pytest.mark.parametrize("header", ["", "company_email,new_object_id\n", "Old_Object_ID,New_Object_ID\n"])
def test_links_of_a_former_tenant_are_mapped_to_the_present_issuer(
    header: str, tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    person = make_person("countess@lovelace.example")
    pre_link(provider, person)
    moved(provider, person)
    old = FederatedIdentity.objects.get().subject.partition(".")[2]
    first = old if header.startswith("Old") else person.company_email.upper()
    lines = f"{header}{first},{tenant.person(ADA).oid}"
    map_links(actor=OPERATOR, provider=provider, lines=lines, understood=True)
    assert browser_client.federated_sign_in(ADA).status_code == 303
    assert FederatedIdentity.objects.get().issuer == provider.issuer


def test_mapping_twice_changes_nothing_the_second_time(provider: IdentityProvider) -> None:
    person = make_person()
    pre_link(provider, person)
    lines = f"{person.company_email},{OID}"
    impact = map_links(actor=OPERATOR, provider=provider, lines=lines, understood=True)
    assert impact.numbers() == {"links_moved": 0, "unchanged": 1, "sessions_ended": 0}
    assert not AuditEvent.objects.filter(action="idp.identities.mapped").exists()


def test_one_line_that_cannot_be_mapped_stops_all(provider: IdentityProvider, administrator: User) -> None:
    ada, grace, both, unlinked = people(4)
    for person in (ada, grace, both):
        pre_link(provider, person, str(uuid4()))
    moved(provider, both)
    former = FederatedIdentity.objects.get(person=both).subject
    pre_link(provider, both, OID)
    graces = FederatedIdentity.objects.get(person=grace).subject.partition(".")[2]
    old = FederatedIdentity.objects.get(person=ada).subject
    with pytest.raises(LinkFileRefused) as refused:
        lines = f"{old},{graces}\n{uuid4()},{uuid4()}\n{former},{uuid4()}\n{old},{uuid4()}\n"
        map_links(actor=OPERATOR, provider=provider, lines=lines, understood=True)
    assert [str(problem) for problem in refused.value.problems][0] == (
        f"line 1: the new account is linked to {grace.company_email} already"
    )
    told = " ".join(map(str, refused.value.problems))
    assert "line 2: no link has the old account" in told
    assert f"line 3: {both.company_email} is linked to another account of the present issuer already" in told
    assert "line 4: the old account stands in line 1 already" in told
    FederatedIdentity.objects.create(person=administrator, provider=provider, issuer="x", subject="y")
    with pytest.raises(LinkFileRefused) as refused:
        lines = f"{unlinked.company_email},{uuid4()}\n{administrator.company_email},{uuid4()}\n{ada.company_email},nope"
        map_links(actor=OPERATOR, provider=provider, lines=lines, understood=True)
    told = " ".join(map(str, refused.value.problems))
    assert "has no link that could be moved" in told and "is an administrator" in told and "nope is not" in told
    assert FederatedIdentity.objects.get(person=ada).subject == old


def test_another_provider_with_the_same_issuer_may_be_faster(
    tenant: PracticeTenant, provider: IdentityProvider
) -> None:
    """Its links are made under its own lock, so that here only the constraint decides."""
    twin = make_provider(tenant, active=False, name="Twin")
    ada, grace = people(2)
    pre_link(twin, ada)
    assert refusal_of(lambda: pre_link(provider, grace)) == "idp.link.account_linked"
    with pytest.raises((LinkFileRefused, ChangedMeanwhile)):
        pre_link_people(actor=OPERATOR, provider=provider, lines=f"{grace.company_email},{OID}")


# --- lists -----------------------------------------------------------------------------------------------------------


def listed(provider: IdentityProvider, **given: object) -> list[str]:
    """Return the company emails of all pages, two to a page."""
    emails, after = [], ""
    while True:
        page = link_queries.links_of(provider, limit=2, after=after, **given)  # type: ignore[arg-type]
        emails += [link.person.company_email for link in page.rows]
        after = page.next
        if not after:
            return emails


@pytest.fixture
def seven(provider: IdentityProvider) -> list[User]:
    """Seven linked people; the first four signed in, two of them in the same moment."""
    now, made = timezone.now(), [make_person(f"p{number}@contoso.example") for number in range(7)]
    for number, person in enumerate(made):
        link = pre_link(provider, person, f"0000000{number}-2fa1-11d2-883f-0016d3cca427")
        at = now - timezone.timedelta(minutes=number // 2) if number < 4 else None
        FederatedIdentity.objects.filter(pk=link.pk).update(last_sign_in_at=at)
    return made


@pytest.mark.parametrize("sort", list(link_queries.SORTS))
def test_every_link_is_on_exactly_one_page(sort: str, provider: IdentityProvider, seven: list[User]) -> None:
    emails = listed(provider, sort=sort)
    assert sorted(emails) == [person.company_email for person in seven]
    expected = {
        "email": [p.company_email for p in seven],
        "since": [p.company_email for p in reversed(seven)],
    }
    if sort in expected:
        assert emails == expected[sort]
    else:
        assert [set(emails[:2]), set(emails[2:4])] == [{"p0@contoso.example", "p1@contoso.example"}] + [
            {"p2@contoso.example", "p3@contoso.example"}
        ]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("p3@", 1),
        ("P3", 1),
        ("p", 7),
        ("00000003-2f", 1),
        ("0000000", 7),
        ("nobody", 0),
        ("%", 0),
        ("_3", 0),
        ("  ", 0),
        ("\x00", 0),
        ("\U0010ffff", 0),
        ("contoso", 0),
    ],
)
def test_a_search_finds_by_the_beginning(
    search: str, expected: int, provider: IdentityProvider, seven: list[User]
) -> None:
    for sort in link_queries.SORTS:
        assert len(listed(provider, search=search, sort=sort)) == expected


def test_a_search_finds_a_whole_subject(provider: IdentityProvider, seven: list[User]) -> None:
    subject = FederatedIdentity.objects.get(person=seven[2]).subject
    assert listed(provider, search=subject.upper()) == [seven[2].company_email]


@pytest.mark.parametrize("after", ["x", "~", "never~x", "\x00~" + OID, f"9999-99-99~{OID}", f"0001-01-01~{OID}", "٣~٣"])
@pytest.mark.parametrize("sort", list(link_queries.SORTS))
def test_a_forged_page_is_harmless(after: str, sort: str, provider: IdentityProvider, seven: list[User]) -> None:
    assert len(link_queries.links_of(provider, sort=sort, after=after).rows) in {0, 3, 7}


def test_the_summary_counts_active_people_by_domain(tenant: PracticeTenant, administrator: User) -> None:
    provider = make_provider(tenant, email_domains=["contoso.example", "fabrikam.example", "empty.example"])
    for email in ("a@contoso.example", "b@contoso.example", "c@fabrikam.example", "d@sub.contoso.example"):
        make_person(email)
    make_person("e@contoso.example", state=State.STAGED)
    summary = link_queries.summary_of(provider)
    assert summary.domains == (("contoso.example", 2), ("empty.example", 0), ("fabrikam.example", 1))
    assert (summary.outside, summary.links, summary.pending, summary.former) == (1, 0, 0, 0)
    IdentityProvider.objects.update(email_domains=[])
    assert link_queries.summary_of(IdentityProvider.objects.get()).outside is None


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
