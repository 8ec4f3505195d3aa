"""Accounts that came with a valid token and matched nobody: noted, counted, bounded, dismissed, gone when linked."""

from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.utils import timezone

from idp import links, pending_links, services
from idp.federation_errors import NoMatch
from idp.link_errors import PendingLinkNotFound
from idp.models import FederatedIdentity, IdentityProvider, PendingLink
from idp.pending_links import dismiss_pending, find_pending, pending_of, restore_pending
from idp.pending_reasons import explain, suggested
from idp.protocol.types import IdTokenClaims
from tests.browsing import Browser, assert_refused, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_administrator, make_person, make_provider, provider_input
from tests.idp.conformance.support import all_at_once, warm_up
from tests.idp.test_first_link import called
from users.audit import Actor
from users.errors import PermissionRefused
from users.models import AdminRole, AuditEvent, State, User

pytestmark = pytest.mark.django_db(transaction=True)

ADA, GRACE = "ada@contoso.example", "grace@contoso.example"


def came(claims: dict[str, str] | None = None, **_: object) -> IdTokenClaims:
    """Return the claims of somebody whom a provider vouched for."""
    given = {"issuer": "https://issuer.example", "subject": "1", "email": "x@example.com", **(claims or {})}
    return IdTokenClaims(audience=("x",), issued_at=1, expires_at=2, **given)  # type: ignore[arg-type]


def test_who_was_not_matched_is_remembered_and_counted(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    assert_refused(browser_client.federated_sign_in(ADA), "federation.no_match")
    first = PendingLink.objects.get()
    assert first.subject == f"{tenant.tenant_id}.{tenant.person(ADA).oid}"
    assert (first.email, first.reason, first.attempts, first.provider) == (ADA, "federation.no_match", 1, provider)
    assert (first.object_id, first.facts) == (tenant.person(ADA).oid, {"emails": [ADA]})
    browser_client.federated_sign_in(ADA)
    again = PendingLink.objects.get()
    assert (again.pk, again.attempts, again.first_seen_at) == (first.pk, 2, first.first_seen_at)
    assert again.last_seen_at > first.last_seen_at


def test_the_reason_is_that_of_the_last_attempt(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    browser_client.federated_sign_in(ADA)
    make_person(ADA, state=State.STAGED)
    browser_client.federated_sign_in(ADA)
    pending = PendingLink.objects.get()
    assert (pending.reason, pending.attempts, suggested(pending.facts)) == ("federation.person_staged", 2, ADA)


@pytest.mark.parametrize("state", [State.SUSPENDED, State.STAGED])
def test_who_is_linked_already_is_no_riddle(
    state: State, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    warm_up(tenant)
    User.objects.filter(pk=ada.pk).update(state=state)
    assert_refused(browser_client.federated_sign_in(ADA), f"federation.person_{state}")
    assert not PendingLink.objects.exists()


def test_a_refused_token_is_not_noted(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    """A guest whom the policy keeps out, and a token for somebody else, never reach the ladder."""
    for claims in ({"acct": 1}, {"aud": "somebody-else"}, {"nonce": "another"}):
        with tenant.lying(claims=claims):
            assert browser_client.federated_sign_in(ADA).status_code >= 400
    assert not PendingLink.objects.exists()


def _is_added(provider: IdentityProvider, tenant: PracticeTenant, pending: PendingLink) -> None:
    make_person(ADA)
    assert Browser().federated_sign_in(ADA).status_code == 303


def _is_pre_linked(provider: IdentityProvider, tenant: PracticeTenant, pending: PendingLink) -> None:
    oid = tenant.person(ADA).oid
    links.pre_link_person(actor=OPERATOR, provider=provider, person=make_person(), object_id=oid)


def _is_resolved(provider: IdentityProvider, tenant: PracticeTenant, pending: PendingLink) -> None:
    links.link_pending(actor=OPERATOR, provider=provider, pending=pending, person=make_person())


def _is_moved(provider: IdentityProvider, tenant: PracticeTenant, pending: PendingLink) -> None:
    link = links.pre_link_person(
        actor=OPERATOR, provider=provider, person=make_person(), object_id=tenant.person(GRACE).oid
    )
    FederatedIdentity.objects.filter(pk=link.pk).update(subject=pending.subject)


@pytest.mark.parametrize("way", [_is_added, _is_pre_linked, _is_resolved, _is_moved])
def test_it_is_gone_as_soon_as_the_account_is_linked_by_any_way(
    way: Callable[[IdentityProvider, PracticeTenant, PendingLink], None],
    tenant: PracticeTenant,
    provider: IdentityProvider,
    browser_client: Browser,
) -> None:
    browser_client.federated_sign_in(ADA)
    browser_client.federated_sign_in("claude@contoso.example")
    way(provider, tenant, PendingLink.objects.get(email=ADA))
    assert [row.email for row in PendingLink.objects.all()] == ["claude@contoso.example"]


def test_two_attempts_at_once_make_one_row_that_counts_two(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    responses = all_at_once(lambda browser: browser.federated_sign_in(ADA), [Browser() for _ in range(8)])
    assert {response.status_code for response in responses} == {403}
    assert PendingLink.objects.get().attempts == 8


def test_an_account_that_is_linked_while_it_is_refused_leaves_nothing(
    tenant: PracticeTenant, provider: IdentityProvider
) -> None:
    """Eight first sign-ins and the administrator who links that account, all at once."""
    person = make_person("ada.byron@contoso.example")

    def work(browser: Browser | None) -> HttpResponse:
        if browser is not None:
            return browser.federated_sign_in(ADA)
        oid = tenant.person(ADA).oid
        links.pre_link_person(actor=OPERATOR, provider=provider, person=person, object_id=oid)
        return HttpResponse()

    responses = all_at_once(work, [*(Browser() for _ in range(8)), None])
    assert {response.status_code for response in responses} <= {200, 303, 403}
    assert FederatedIdentity.objects.get().person == person
    assert not PendingLink.objects.exists()


def test_the_provider_may_be_deleted_meanwhile(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    services.delete_provider(actor=OPERATOR, provider=provider, confirm_name=provider.name)
    pending_links.note(IdentityProvider(pk=tenant.tenant_id), came(), NoMatch(emails=["x@example.com"]))
    assert not PendingLink.objects.exists()


@pytest.mark.parametrize("name", ["e" * 255, "Ada \x00", "\ud800", "\u202e" * 300])
def test_noting_never_fails_for_the_person(name: str, provider: IdentityProvider) -> None:
    claims = came({"name": name, "email": f"{'e' * 300}@example.com", "subject": "s" * 255})
    pending_links.note(provider, claims, NoMatch(emails=[name * 9] * 90))
    assert PendingLink.objects.count() in {0, 1}
    pending_links.note(provider, came(), NoMatch())
    assert PendingLink.objects.filter(subject="1").exists()


def test_the_rows_are_bounded_and_dismissed_ones_go_first(
    provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending_links, "MAX_ROWS", 4)
    provider_claims = {"issuer": provider.issuer}

    def comes(subject: str) -> None:
        pending_links.note(provider, came({**provider_claims, "subject": subject}), NoMatch())

    for subject in "abcd":
        comes(subject)
    dismiss_pending(actor=OPERATOR, provider=provider, pending=PendingLink.objects.get(subject="c"))
    comes("e")
    assert {row.subject for row in PendingLink.objects.all()} == set("abde")
    comes("a")
    comes("f")
    assert {row.subject for row in PendingLink.objects.all()} == set("adef")


def test_a_dismissed_account_stays_dismissed_and_is_counted_on(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    browser_client.federated_sign_in(ADA)
    pending = PendingLink.objects.get()
    for _ in range(2):  # the second time changes nothing
        dismiss_pending(actor=OPERATOR, provider=provider, pending=pending)
    assert AuditEvent.objects.filter(action="idp.pending_link.dismissed").count() == 1
    event = last_event(action="idp.pending_link.dismissed")
    assert (event.target_label, event.details["subject"]) == (ADA, pending.subject)
    browser_client.federated_sign_in(ADA)
    assert not pending_of(provider).exists()
    assert pending_of(provider, dismissed=True).get().attempts == 2
    restore_pending(actor=OPERATOR, provider=provider, pending=pending)
    assert pending_of(provider).get() == pending
    assert last_event().action == "idp.pending_link.restored"


@pytest.mark.parametrize("identifier", ["", "x", "\x00", "00000000-0000-0000-0000-000000000000", "'; --"])
def test_what_is_not_pending_is_not_found(identifier: str, provider: IdentityProvider) -> None:
    with pytest.raises(PendingLinkNotFound) as refused:
        find_pending(provider, identifier)
    assert refused.value.code == "idp.pending.not_found"


def test_accounts_of_a_former_issuer_and_of_other_providers_are_not_listed(
    provider: IdentityProvider, browser_client: Browser
) -> None:
    browser_client.federated_sign_in(ADA)
    pending = PendingLink.objects.get()
    PendingLink.objects.update(issuer="https://former.example")
    assert not pending_of(provider).exists()
    with pytest.raises(PendingLinkNotFound):
        dismiss_pending(actor=OPERATOR, provider=provider, pending=pending)


def test_only_who_manages_providers_may_dismiss(provider: IdentityProvider, browser_client: Browser) -> None:
    browser_client.federated_sign_in(ADA)
    reader = make_administrator(AdminRole.READ_ONLY)
    actor = Actor(person=reader, label=reader.label)
    for service in (dismiss_pending, restore_pending):
        with pytest.raises(PermissionRefused):
            service(actor=actor, provider=provider, pending=PendingLink.objects.get())
    assert last_event().error_code == "users.permission_refused"


# --- why, in words ---------------------------------------------------------------------------------------------------


def _outside(tenant: PracticeTenant) -> dict[str, object]:
    return called(email="ada@fabrikam.example", upn="ada@fabrikam.example")


@pytest.mark.parametrize(
    ("lie", "fields", "code", "words"),
    [
        ({}, None, "no_match", "Nobody here has the company email ada@contoso.example"),
        (called(), {}, "email_missing", "sent no email"),
        (called(email="\u0430da@contoso.example"), {}, "email_not_plain", "characters that can imitate"),
        (called(email="ada@fabrikam.example"), {}, "email_outside_domains", "in fabrikam.example, which is none"),
        ({"claims": {"xms_edov": False}}, {}, "email_unverified", "does not vouch"),
        ({}, {"external_id": "0" * 8 + "-0000-4000-8000-" + "0" * 12}, "external_id_contradicts", f"{ADA} has this"),
        ({}, {"state": State.SUSPENDED}, "person_suspended", f"{ADA} would be matched, but is suspended"),
        ({}, {"state": State.STAGED}, "person_staged", f"{ADA} would be matched, but is not active"),
        (called(email=ADA, upn=GRACE), {}, "match_ambiguous", f"different people: {ADA} and {GRACE}"),
    ],
)
def test_the_reason_is_told_in_plain_words_with_its_cure(
    lie: dict,
    fields: dict | None,
    code: str,
    words: str,
    tenant: PracticeTenant,
    administrator: User,
    browser_client: Browser,
) -> None:
    provider = make_provider(tenant, email_domains=["contoso.example"])
    make_person(GRACE)
    if fields is not None:
        make_person(ADA, **fields)
    with tenant.lying(**lie):
        assert_refused(browser_client.federated_sign_in(ADA), f"federation.{code}")
    pending = pending_of(provider).get()
    reason = explain(pending.reason, pending.facts)
    assert words in reason.happened
    assert reason.cure and "{" not in reason.happened + reason.cure


def test_a_guest_an_administrator_and_a_replaced_account_are_explained_too(
    tenant: PracticeTenant, administrator: User, ada: User, browser_client: Browser
) -> None:
    provider = make_provider(tenant, allow_guests=True)
    warm_up(tenant)
    with tenant.lying(claims={"acct": 1}):
        browser_client.federated_sign_in("claude@contoso.example")
    with tenant.lying(**called(email=ADA, upn=ADA)):
        browser_client.federated_sign_in(GRACE)
    with tenant.lying(**called(email=administrator.company_email, upn=administrator.company_email)):
        browser_client.federated_sign_in("margaret.hamilton@contoso.example")
    told = {row.reason: explain(row.reason, row.facts).happened for row in pending_of(provider)}
    assert "guest" in told["federation.guest_not_linked"]
    assert told["federation.person_linked_elsewhere"].startswith(f"{ADA} has this email, but is linked")
    assert "is an administrator" in told["federation.person_is_administrator"]


def test_reasons_of_a_later_version_are_told_somehow() -> None:
    assert "it sent" in explain("federation.of_tomorrow", {}).happened


def test_a_provider_that_moves_to_another_issuer_takes_no_pending_links_along(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    browser_client.federated_sign_in(ADA)
    services.update_provider(
        actor=OPERATOR, provider=provider, given=provider_input(tenant, name="Renamed"), understood=True
    )
    assert pending_of(IdentityProvider.objects.get()).count() == 1
    IdentityProvider.objects.update(issuer="https://moved.example", updated_at=timezone.now())
    assert pending_of(IdentityProvider.objects.get()).count() == 0
