"""The federated sign-in, from the company email to the home page."""

from idp.models import FederatedIdentity, IdentityProvider, RoutingPolicy
from tests.browsing import Browser, last_event, parameters
from tests.entra_tenant import PracticeTenant
from tests.factories import PASSWORD, make_person, make_provider
from users.models import User, UserSession


def test_it_signs_a_person_in_through_the_provider(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    response = browser_client.federated_sign_in()
    assert (response.status_code, response["Location"]) == (303, "/")
    home = browser_client.get("/").content.decode()
    assert "Ada Lovelace" in home
    assert "Contoso Entra" in home


def test_a_warm_sign_in_costs_one_upstream_request_on_a_kept_connection(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    browser_client.post("/logout/")
    tenant.reset_log()
    connections = tenant.server.connections  # type: ignore[attr-defined]
    began = browser_client.at_provider(browser_client.begin())
    by_browser = tenant.server.connections - connections  # type: ignore[attr-defined]
    browser_client.come_back(began)
    assert browser_client.is_signed_in
    assert tenant.upstream_count() == 1
    assert tenant.count("token") == 1
    assert tenant.server.connections - connections == by_browser  # type: ignore[attr-defined]


def test_the_request_carries_everything_that_binds_the_answer(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    sent = parameters(browser_client.begin("ADA@contoso.example"))
    assert sent["response_type"] == "code"
    assert sent["code_challenge_method"] == "S256"
    assert sent["redirect_uri"] == provider.redirect_uri
    assert sent["login_hint"] == "ADA@contoso.example"
    assert sent["scope"] == "openid profile email"
    assert min(len(sent["state"]), len(sent["nonce"]), len(sent["code_challenge"])) >= 43


def test_an_authorization_endpoint_with_a_query_keeps_it(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    endpoint = f"{tenant.authorization_endpoint}?p=policy"
    IdentityProvider.objects.update(metadata={**provider.metadata, "authorization_endpoint": endpoint})
    location = browser_client.begin()
    assert location.count("?") == 1
    assert parameters(location)["p"] == "policy"


def test_the_first_sign_in_makes_the_link_and_the_second_uses_it(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    identity = FederatedIdentity.objects.get()
    account = tenant.person("ada@contoso.example")
    assert identity.subject == f"{tenant.tenant_id}.{account.oid}"
    assert last_event(action="idp.identity.linked").details["rule"] == "email"
    User.objects.filter(pk=ada.pk).update(company_email="renamed@contoso.example")
    browser_client.post("/logout/")
    browser_client.federated_sign_in()
    assert browser_client.is_signed_in
    assert FederatedIdentity.objects.count() == 1
    assert last_event(action="portal.sign_in.succeeded").details["method"] == "link"


def test_the_session_knows_whose_it_is_and_where_it_came_from(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    session = UserSession.objects.get(person=ada)
    assert (session.realm, session.provider_id, session.client_ip) == ("user", provider.pk, "127.0.0.1")
    assert session.upstream_sid


def test_it_comes_back_to_where_the_person_was_going(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    assert browser_client.get("/profile/")["Location"] == "/login/?next=%2Fprofile%2F"
    assert browser_client.federated_sign_in(next_path="/profile/")["Location"] == "/profile/"


def test_parallel_sign_ins_each_go_to_their_own_page(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    first = browser_client.at_provider(browser_client.begin(next_path="/profile/"))
    second = browser_client.at_provider(browser_client.begin(next_path="/security/"))
    assert browser_client.come_back(first)["Location"] == "/profile/"
    assert browser_client.come_back(second)["Location"] == "/security/"


def test_signing_out_ends_the_session_at_the_provider_too(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    location = browser_client.post("/logout/")["Location"]
    assert location.startswith(f"{tenant.end_session_endpoint}?")
    sent = parameters(location)
    assert sent["post_logout_redirect_uri"] == "http://127.0.0.1:8000/signed-out/"
    assert sent["logout_hint"] == tenant.login_hint_of(tenant.person("ada@contoso.example"))
    assert not browser_client.is_signed_in


def test_a_plain_openid_provider_works_by_discovery_with_its_sub(
    plain_tenant: PracticeTenant, administrator: User, ada: User, browser_client: Browser
) -> None:
    make_provider(plain_tenant)
    with plain_tenant.lying(claims={"email_verified": True}):
        browser_client.federated_sign_in()
    assert browser_client.is_signed_in
    subject = plain_tenant.subject_of(plain_tenant.person("ada@contoso.example"))
    assert FederatedIdentity.objects.get().subject == subject


def test_a_local_session_of_a_federated_person_is_closed_at_its_next_page(
    tenant: PracticeTenant, administrator: User, browser_client: Browser
) -> None:
    person = make_person(password=PASSWORD)
    browser_client.sign_in_with_password(person)
    provider = make_provider(tenant, active=False)
    # As a sign-in does that was under way while federation began: its session came after the others were ended.
    IdentityProvider.objects.filter(pk=provider.pk).update(status="active")
    RoutingPolicy.objects.create(name="Everyone", provider=provider, everyone=True, position=1)
    assert browser_client.get("/")["Location"] == "/login/"
    assert not UserSession.objects.filter(person=person).exists()
