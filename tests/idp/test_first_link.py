"""The first link of an account to a person: the ladder, and everybody whom it must not reach."""

import pytest

from idp.federation import find_first_link
from idp.federation_errors import EmailUnverified
from idp.models import FederatedIdentity, IdentityProvider
from idp.protocol.claims import build
from tests.browsing import Browser, assert_refused, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import make_administrator, make_person, make_provider
from tests.idp.conformance.support import refuses, succeeds, table, warm_up
from users.audit_filter import AuditFilter
from users.audit_log import find_events
from users.models import AdminRole, State, User

ADA, GRACE = "ada@contoso.example", "grace@contoso.example"


def called(*, email: str | None = None, upn: str | None = None) -> dict[str, object]:
    """A lie in which the account bears these addresses and no others."""
    given = {"email": email, "upn": upn}
    return {
        "claims": {name: value for name, value in given.items() if value is not None},
        "drop": tuple(name for name, value in given.items() if value is None),
    }


def linked_person() -> str:
    """The company email of the only linked person."""
    return FederatedIdentity.objects.get().person.company_email


def test_the_link_is_made_once_and_recorded(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    succeeds(browser_client.federated_sign_in(), browser_client)
    event = last_event(action="idp.identity.linked")
    assert (event.target_id, event.actor_id, event.details["rule"]) == (str(ada.pk), ada.pk, "email")
    identity = FederatedIdentity.objects.get()
    assert identity.subject == f"{tenant.tenant_id}.{tenant.person(ADA).oid}"
    browser_client.federated_sign_in()
    assert FederatedIdentity.objects.get().pk == identity.pk


def test_nobody_is_created(tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser) -> None:
    refuses(browser_client.federated_sign_in("claude@contoso.example"), browser_client, "federation.no_match")
    assert not User.objects.filter(admin_role=None).exists()


@pytest.mark.conformance("first-link-email-of-an-administrator")
@pytest.mark.parametrize("role", list(AdminRole))
def test_an_administrator_is_never_linked_by_email(
    role: AdminRole, tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    make_administrator(role, ADA)
    refuses(browser_client.federated_sign_in(), browser_client, "federation.person_is_administrator")


def test_an_administrator_is_never_linked_by_external_id(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    administrator = make_administrator(email="hedy@contoso.example")
    User.objects.filter(pk=administrator.pk).update(external_id=tenant.person(ADA).oid)
    refuses(browser_client.federated_sign_in(), browser_client, "federation.person_is_administrator")


@pytest.mark.parametrize(
    ("state", "code"),
    [
        pytest.param(
            state, f"federation.person_{state}", marks=pytest.mark.conformance(f"first-link-email-of-a-{state}-person")
        )
        for state in (State.SUSPENDED, State.STAGED)
    ],
)
@pytest.mark.parametrize("by_external_id", [False, True])
def test_a_person_who_is_not_active_is_refused(
    by_external_id: bool,
    state: State,
    code: str,
    tenant: PracticeTenant,
    provider: IdentityProvider,
    browser_client: Browser,
) -> None:
    make_person(ADA, state=state, external_id=tenant.person(ADA).oid if by_external_id else "")
    refuses(browser_client.federated_sign_in(), browser_client, code)


@pytest.mark.parametrize("state", [State.SUSPENDED, State.STAGED])
def test_a_linked_person_who_is_not_active_any_more_is_refused(
    state: State, tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    warm_up(tenant)
    User.objects.filter(pk=ada.pk).update(state=state)
    browser = Browser()
    assert_refused(browser.federated_sign_in(), f"federation.person_{state}")
    assert not browser.is_signed_in


@pytest.mark.conformance("first-link-email-of-a-person-linked-to-another-subject")
@pytest.mark.spec("entra.md", "2")
def test_a_person_who_is_linked_to_another_subject_is_refused(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """Somebody changed his email at the provider to Ada's: nOAuth."""
    warm_up(tenant)
    with tenant.lying(**called(email=ADA, upn=ADA)):
        assert_refused(browser_client.federated_sign_in(GRACE), "federation.person_linked_elsewhere")
    assert not browser_client.is_signed_in
    assert FederatedIdentity.objects.get().subject.endswith(tenant.person(ADA).oid)
    assert last_event(action="portal.sign_in.failed").details["person"] == ADA


@pytest.mark.conformance("first-link-email-shared-by-two-people")
def test_an_email_that_means_one_person_and_an_upn_that_means_another_are_refused(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    make_person(GRACE)
    with tenant.lying(**called(email=ADA, upn=GRACE)):
        refuses(browser_client.federated_sign_in(), browser_client, "federation.match_ambiguous")


@table(
    "lie",
    [
        ("email-differing-only-in-case", called(email="ADA@Contoso.Example")),
        ("email-differing-only-in-case/upn", called(upn="Ada@CONTOSO.example")),
        ("blanks-around", called(email=f" {ADA} ")),
        ("upn-alone", called(upn=ADA)),
        ("upn-of-nobody-else", called(email=ADA, upn="ada_1@contoso.example")),
    ],
    "first-link-",
)
def test_these_addresses_are_hers(
    lie: dict, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    with tenant.lying(**lie):
        succeeds(browser_client.federated_sign_in(), browser_client)
    assert linked_person() == ADA


def test_a_person_whose_token_is_in_mixed_case_is_found(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    make_person("margaret.hamilton@contoso.example")
    succeeds(browser_client.federated_sign_in("margaret.hamilton@contoso.example"), browser_client)


@table(
    ("lie", "code"),
    [
        ("email-with-a-unicode-look-alike/cyrillic-a", called(email="\u0430da@contoso.example"), "email_not_plain"),
        (
            "email-with-a-unicode-look-alike/cyrillic-a-in-the-upn",
            called(upn="\u0430da@contoso.example"),
            "email_not_plain",
        ),
        ("email-with-a-unicode-look-alike/full-width", called(email="\uff41da@contoso.example"), "email_not_plain"),
        (
            "email-with-a-unicode-look-alike/long-s-in-the-domain",
            called(email="ada@conto\u017fo.example"),
            "email_not_plain",
        ),
        ("email-with-a-unicode-look-alike/dotless-i", called(email="ada@contoso.\u0131o"), "email_not_plain"),
        ("combining-mark", called(email="ada\u0301@contoso.example"), "email_not_plain"),
        ("ideographic-dot", called(email="ada@contoso\u3002example"), "email_not_plain"),
        ("zero-width-space", called(email="ada\u200b@contoso.example"), "email_not_plain"),
        ("soft-hyphen", called(email="ada\u00ad@contoso.example"), "email_not_plain"),
        ("right-to-left-override", called(email="ada\u202e@contoso.example"), "email_missing"),
        ("nul", called(email="ada@contoso.example\x00"), "email_missing"),
        ("line-feed", called(email="ada@contoso.example\n"), "email_missing"),
        ("punycode", called(email="ada@xn--contso-3ve.example"), "no_match"),
        ("two-addresses", called(email="ada@contoso.example,grace@contoso.example"), "email_not_plain"),
        ("two-at-signs", called(email="ada@evil@contoso.example"), "email_not_plain"),
        ("comment", called(email="ada(x)@contoso.example"), "email_not_plain"),
        ("plus-tag", called(email="ada+x@contoso.example"), "no_match"),
        ("wildcard", called(email="%@contoso.example"), "no_match"),
        ("trailing-dot", called(email="ada@contoso.example."), "email_not_plain"),
        ("a-list", called(email=[ADA]), "email_missing"),
        ("empty", called(email=""), "email_missing"),
        ("none-at-all", called(), "email_missing"),
        ("longer-than-any", called(email="a" * 300 + "@contoso.example"), "email_missing"),
    ],
    "first-link-",
)
def test_these_addresses_are_not_hers(
    lie: dict, code: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """`preferred_username` stays Ada's in each of them, and never counts: people edit it themselves."""
    with tenant.lying(**lie):
        refuses(browser_client.federated_sign_in(), browser_client, f"federation.{code}")


@table(
    ("domains", "accepted"),
    [
        ("her-domain", ["contoso.example"], True),
        ("her-domain-among-others", ["fabrikam.example", "contoso.example"], True),
        ("any", [], True),
        ("email-outside-the-domains", ["fabrikam.example"], False),
        ("email-outside-the-domains/a-subdomain-of-hers", ["sso.contoso.example"], False),
        ("email-outside-the-domains/the-domain-above-hers", ["example.org"], False),
        ("email-outside-the-domains/an-ending-of-hers", ["ntoso.example"], False),
    ],
    "first-link-",
)
@pytest.mark.spec("entra.md", "2")
def test_the_domain_has_to_be_one_of_the_providers(
    domains: list, accepted: bool, tenant: PracticeTenant, administrator: User, ada: User, browser_client: Browser
) -> None:
    make_provider(tenant, email_domains=domains)
    response = browser_client.federated_sign_in()
    if accepted:
        succeeds(response, browser_client)
    else:
        refuses(response, browser_client, "federation.email_outside_domains")


def test_an_address_outside_the_domains_does_not_count_beside_one_inside(
    tenant: PracticeTenant, administrator: User, ada: User, browser_client: Browser
) -> None:
    make_person("ada@fabrikam.example")
    make_provider(tenant, email_domains=["contoso.example"])
    with tenant.lying(**called(email="ada@fabrikam.example", upn=ADA)):
        succeeds(browser_client.federated_sign_in(), browser_client)
    assert linked_person() == ADA


@pytest.mark.conformance("first-link-xms-edov-false")
@pytest.mark.parametrize("value", [False, "false", "False", 0, "0"])
@pytest.mark.spec("entra.md", "1.5")
def test_an_email_whose_owner_is_not_verified_is_refused(
    value: object, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    with tenant.lying(claims={"xms_edov": value}):
        refuses(browser_client.federated_sign_in(), browser_client, "federation.email_unverified")


@pytest.mark.parametrize("value", [True, "true", 1, "1", None])
@pytest.mark.spec("entra.md", "1.5")
def test_an_email_whose_owner_is_verified_or_unknown_is_taken(
    value: object, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    with tenant.lying(claims={"xms_edov": value}):
        succeeds(browser_client.federated_sign_in(), browser_client)


@table(
    "lie",
    [
        ("false", {"claims": {"email_verified": False}}),
        ("false-as-text", {"claims": {"email_verified": "false"}}),
        ("missing", {"drop": ("email_verified",)}),
        ("null", {"claims": {"email_verified": None}}),
        ("odd", {"claims": {"email_verified": "yes"}}),
        ("a-list", {"claims": {"email_verified": [True]}}),
        ("entras-claim-instead", {"claims": {"xms_edov": True}, "drop": ("email_verified",)}),
    ],
)
@pytest.mark.spec("OIDC Core", "5.7")
def test_a_plain_provider_has_to_vouch_for_the_email(
    lie: dict, plain_tenant: PracticeTenant, administrator: User, ada: User, browser_client: Browser
) -> None:
    make_provider(plain_tenant)
    with plain_tenant.lying(**lie):
        refuses(browser_client.federated_sign_in(), browser_client, "federation.email_unverified")


def test_a_plain_providers_upn_and_object_id_mean_nothing(
    plain_tenant: PracticeTenant, administrator: User, ada: User, browser_client: Browser
) -> None:
    make_person("victim@contoso.example", external_id=plain_tenant.person(GRACE).oid)
    make_provider(plain_tenant)
    claims = {"oid": plain_tenant.person(GRACE).oid, "tid": plain_tenant.tenant_id, "upn": ADA, "email_verified": True}
    with plain_tenant.lying(claims=claims, drop=("email",)):
        refuses(browser_client.federated_sign_in(), browser_client, "federation.email_missing")


@pytest.mark.parametrize("email", [ADA, "new.name@contoso.example", ""])
def test_the_external_id_decides_before_any_email(
    email: str, tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    make_person(ADA)
    make_person("provisioned@contoso.example", external_id=tenant.person(ADA).oid)
    with tenant.lying(**called(email=email)):
        succeeds(browser_client.federated_sign_in(), browser_client)
    assert linked_person() == "provisioned@contoso.example"
    assert last_event(action="idp.identity.linked").details["rule"] == "external_id"


def test_a_plain_providers_subject_is_nobodys_external_id(
    plain_tenant: PracticeTenant, administrator: User, browser_client: Browser
) -> None:
    """A provider chooses its subjects itself, and could choose somebody's number."""
    subject = plain_tenant.subject_of(plain_tenant.person(ADA))
    make_person("provisioned@contoso.example", external_id=subject)
    make_provider(plain_tenant)
    with plain_tenant.lying(claims={"email_verified": True}):
        refuses(browser_client.federated_sign_in(), browser_client, "federation.no_match")


@pytest.mark.spec("entra.md", "2")
def test_an_email_of_a_person_known_under_another_object_id_finds_nobody(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    make_person(ADA, external_id=tenant.person(GRACE).oid.upper())
    refuses(browser_client.federated_sign_in(), browser_client, "federation.external_id_contradicts")


def test_a_refusal_names_who_came_so_that_an_administrator_can_act(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    event = next(find_events(AuditFilter(person=ADA)))
    assert event is not None
    assert event.details["object_id"] == tenant.person(ADA).oid
    assert (event.error_code, event.details["email"]) == ("federation.no_match", ADA)


@pytest.mark.parametrize(
    ("email", "hd", "is_vouched"),
    [
        ("ada@contoso.example", "contoso.example", True),
        ("ada@contoso.example", None, False),
        ("ada@contoso.example", "fabrikam.example", False),
        ("ada@gmail.com", None, True),
    ],
)
def test_google_answers_for_its_own_organisations_addresses_only(
    email: str, hd: str | None, is_vouched: bool, db: None
) -> None:
    person = make_person(email)
    claims = build(
        {"iss": "i", "sub": "1", "exp": 1, "iat": 1, "email": email, "email_verified": True, "hd": hd},
        audience=("x",),
        entra=False,
        is_guest=False,
    )
    google = IdentityProvider(kind="google", issuer="i")
    if is_vouched:
        assert find_first_link(google, claims).person == person
    else:
        with pytest.raises(EmailUnverified):
            find_first_link(google, claims)


@pytest.mark.spec("entra.md", "2")
def test_a_link_holds_whatever_becomes_of_the_email(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """A new email in the token is shown, but moves nobody: not to the person whose email it is, nor to nobody."""
    make_person(GRACE)
    warm_up(tenant)
    for lie in (called(email=GRACE, upn=GRACE), called(), {"claims": {"xms_edov": False}}):
        with tenant.lying(**lie):
            assert browser_client.federated_sign_in().status_code == 303
        assert (linked_person(), User.objects.get(pk=ada.pk).company_email) == (ADA, ADA)


@pytest.mark.spec("entra.md", "2")
def test_a_guest_is_not_linked_by_email(
    tenant: PracticeTenant, administrator: User, ada: User, browser_client: Browser
) -> None:
    """Where guests may come in, an external id tells who they are: the email is their own tenant's word."""
    make_provider(tenant, allow_guests=True)
    with tenant.lying(claims={"acct": 1, "email": ADA}):
        refuses(browser_client.federated_sign_in(GRACE), browser_client, "federation.guest_not_linked")


def test_a_refusal_does_not_tell_who_else_is_here(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    warm_up(tenant)
    with tenant.lying(**called(email=ADA, upn=ADA)):
        page = browser_client.federated_sign_in(GRACE).content.decode()
    assert "Ada" not in page
    assert ADA not in page
