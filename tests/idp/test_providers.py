"""Adding, changing and testing identity providers: what is stored, what is refused, and beside which field."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import override_settings

from idp import activation, credentials, queries, services
from idp.errors import ProviderNotFound
from idp.impact import Act, impact_of
from idp.models import FederatedIdentity, IdentityProvider
from tests.browsing import Browser, last_event
from tests.entra_tenant import Fault, PracticeServer, PracticeTenant
from tests.factories import OPERATOR, make_provider, provider_input
from users.errors import DirectoryError
from users.models import User, UserSession

SECRET_ID = "1f0c2a5e-3b1d-4c6e-9a51-0d1f2e3a4b5c"


def refusal(tenant: PracticeTenant, **changes: object) -> DirectoryError:
    """Return the refusal of adding a provider, after checking that nothing was stored and that it was audited."""
    with pytest.raises(DirectoryError) as caught:
        make_provider(tenant, active=False, **changes)
    assert not IdentityProvider.objects.exists()
    event = last_event(action="idp.provider.added")
    assert (event.outcome, event.error_code) == ("refused", caught.value.code)
    return caught.value


def test_it_stores_a_draft_with_what_the_provider_says_of_itself(tenant: PracticeTenant, db: None) -> None:
    provider = make_provider(tenant, active=False)
    assert (provider.status, provider.slug, provider.tenant_id) == ("draft", "entra", tenant.tenant_id)
    assert provider.issuer == tenant.issuer
    assert provider.discovered.token_endpoint == tenant.token_endpoint
    assert provider.redirect_uri == "http://127.0.0.1:8000/oauth/callback/entra"


@pytest.mark.parametrize(
    "suffix",
    ["/", "/oauth2/v2.0/authorize?client_id=1&x=2", "/v2.0", "/v2.0/.well-known/openid-configuration", "/saml2"],
)
def test_it_takes_any_form_of_the_entra_url(tenant: PracticeTenant, db: None, suffix: str) -> None:
    provider = make_provider(tenant, active=False, url=f" {tenant.idp_url.upper()[:4]}{tenant.idp_url[4:]}{suffix} ")
    assert provider.url == tenant.idp_url


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"name": ""}, "idp.name_invalid", "name"),
        ({"name": "a\x07b"}, "idp.name_invalid", "name"),
        ({"name": "x" * 101}, "idp.name_invalid", "name"),
        ({"client_id": "not-a-guid"}, "idp.client_id_not_guid", "client_id"),
        ({"client_secret": None}, "idp.client_secret_missing", "client_secret"),
        ({"client_secret": "  "}, "idp.client_secret_missing", "client_secret"),
        ({"client_secret": SECRET_ID}, "idp.client_secret_is_id", "client_secret"),
        ({"client_secret": "two words"}, "idp.client_secret_invalid", "client_secret"),
        ({"email_domains": ["not a domain"]}, "idp.email_domain_invalid", "email_domains"),
        ({"client_secret_expires_on": date(2020, 1, 1)}, "idp.secret_expiry_invalid", "client_secret_expires_on"),
        ({"url": "https://login.microsoftonline.com/common"}, "idp.url.multi_tenant", "url"),
        ({"url": "https://portal.azure.com/"}, "idp.url.portal", "url"),
        ({"kind": "saml"}, "idp.kind_unknown", ""),
    ],
)
def test_it_refuses_what_was_typed_beside_its_field(
    tenant: PracticeTenant, db: None, changes: dict[str, object], code: str, field: str
) -> None:
    error = refusal(tenant, **changes)
    assert (error.code, error.field) == (code, field)


def test_it_refuses_the_tenant_id_in_place_of_the_client_id(tenant: PracticeTenant, db: None) -> None:
    assert refusal(tenant, client_id=tenant.tenant_id).code == "idp.client_id_is_tenant"


def test_it_refuses_a_client_id_with_spaces_at_any_other_provider(plain_tenant: PracticeTenant, db: None) -> None:
    assert refusal(plain_tenant, client_id="two words").code == "idp.client_id_invalid"


def test_it_refuses_a_secret_that_entra_does_not_accept(tenant: PracticeTenant, db: None) -> None:
    error = refusal(tenant, client_secret="wrong~secret~0123456789")
    assert (error.code, error.field) == ("idp.token_endpoint.client_refused", "client_secret")
    assert "7000215" in error.message


def test_it_refuses_a_client_id_that_entra_does_not_know(tenant: PracticeTenant, db: None) -> None:
    error = refusal(tenant, client_id=SECRET_ID)
    assert (error.code, error.field) == ("idp.token_endpoint.client_refused", "client_id")


def test_it_refuses_an_unknown_tenant(tenant: PracticeTenant, db: None) -> None:
    error = refusal(tenant, url=f"{tenant.base_url}/{SECRET_ID}")
    assert (error.code, error.field) == ("idp.discovery.tenant_unknown", "url")


def test_it_refuses_a_provider_that_does_not_answer(tenant: PracticeTenant, db: None) -> None:
    tenant.fault("discovery", Fault.STATUS, status=503)
    assert refusal(tenant).field == "url"


def test_it_stores_a_draft_while_only_the_token_endpoint_is_down(tenant: PracticeTenant, db: None) -> None:
    tenant.fault("token", Fault.HTML)
    assert make_provider(tenant, active=False).status == "draft"


def test_it_refuses_a_name_that_is_taken_in_other_case(tenant: PracticeTenant, db: None) -> None:
    make_provider(tenant, active=False)
    with pytest.raises(DirectoryError) as caught:
        make_provider(tenant, active=False, name="CONTOSO  entra")
    assert (caught.value.code, caught.value.field) == ("idp.name_taken", "name")


def test_it_never_gives_a_slug_twice(tenant: PracticeTenant, db: None) -> None:
    first = make_provider(tenant, active=False)
    services.delete_provider(actor=OPERATOR, provider=first, confirm_name=first.name)
    assert make_provider(tenant, active=False).slug == "entra-2"
    assert queries.next_slug("entra") == "entra-3"


def test_it_keeps_the_secret_encrypted_and_out_of_sight(tenant: PracticeTenant, db: None) -> None:
    provider = make_provider(tenant, active=False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT client_secret FROM idp_identityprovider")
        stored = cursor.fetchone()[0]
    assert tenant.client_secret not in stored
    assert tenant.client_secret not in f"{provider.client_secret!r} {provider.client_secret} {provider.__dict__}"
    assert provider.client_secret is not None
    assert provider.client_secret.reveal() == tenant.client_secret
    assert tenant.client_secret not in repr(provider_input(tenant))


def test_a_change_is_checked_like_an_addition_and_a_wrong_one_changes_nothing(tenant: PracticeTenant, db: None) -> None:
    provider = make_provider(tenant, active=False)
    given = provider_input(tenant, name="Renamed", client_secret="wrong~secret~0123456789")
    with pytest.raises(DirectoryError, match="7000215"):
        services.update_provider(actor=OPERATOR, provider=provider, given=given)
    provider.refresh_from_db()
    assert (provider.name, provider.version) == ("Contoso Entra", 1)


def test_a_change_without_a_secret_keeps_the_stored_one(tenant: PracticeTenant, db: None) -> None:
    provider = make_provider(tenant, active=False)
    expires = date.today() + timedelta(days=90)
    given = provider_input(tenant, name="Renamed", client_secret=None, client_secret_expires_on=expires)
    changed = services.update_provider(actor=OPERATOR, provider=provider, given=given)
    changed.refresh_from_db()
    assert (changed.name, changed.secret_days_left) == ("Renamed", 90)
    assert changed.client_secret is not None
    assert changed.client_secret.reveal() == tenant.client_secret
    details = last_event(action="idp.provider.updated").details
    assert sorted(details["changed"]) == ["client_secret_expires_on", "name"]


def test_another_client_id_ends_the_sessions_that_the_provider_opened(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    tenant.client_id = SECRET_ID
    given = provider_input(tenant, client_id=SECRET_ID, client_secret=None)
    with pytest.raises(DirectoryError) as caught:
        services.update_provider(actor=OPERATOR, provider=provider, given=given)
    assert (caught.value.code, caught.value.field) == ("idp.active_change_not_confirmed", "understood")
    assert browser_client.is_signed_in
    services.update_provider(actor=OPERATOR, provider=provider, given=given, understood=True)
    assert not UserSession.objects.filter(provider_id=provider.pk).exists()
    assert not browser_client.is_signed_in


def test_an_active_provider_is_not_changed_while_entra_cannot_be_asked(
    tenant: PracticeTenant, provider: IdentityProvider
) -> None:
    tenant.fault("token", Fault.HTML)
    with pytest.raises(DirectoryError):
        credentials.set_client_secret(actor=OPERATOR, provider=provider, client_secret=tenant.add_secret())
    assert IdentityProvider.objects.get().version == provider.version


def test_a_new_name_asks_the_provider_nothing(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    tenant.server.stop()  # type: ignore[attr-defined]
    given = provider_input(tenant, name="Renamed", client_secret=None)
    assert services.update_provider(actor=OPERATOR, provider=provider, given=given).name == "Renamed"
    tenant.server.start()  # type: ignore[attr-defined]


def test_the_stored_secret_is_not_sent_to_another_address(
    tenant: PracticeTenant, plain_tenant: PracticeTenant, db: None
) -> None:
    provider = make_provider(plain_tenant, active=False)
    elsewhere = PracticeTenant(flavour="oidc", client_id=plain_tenant.client_id)
    with PracticeServer(elsewhere), override_settings(INSECURE_ISSUER_ORIGINS=[elsewhere.base_url]):
        given = provider_input(elsewhere, client_secret=None)
        with pytest.raises(DirectoryError) as caught:
            services.update_provider(actor=OPERATOR, provider=provider, given=given)
    assert (caught.value.code, caught.value.field) == ("idp.client_secret_needed_again", "client_secret")


def test_a_change_on_top_of_somebody_elses_is_refused(tenant: PracticeTenant, db: None) -> None:
    provider = make_provider(tenant, active=False)
    credentials.set_client_secret(actor=OPERATOR, provider=provider, client_secret=tenant.add_secret())
    given = provider_input(tenant, name="Renamed", client_secret=None)
    with pytest.raises(DirectoryError) as caught:
        services.update_provider(actor=OPERATOR, provider=provider, given=given, seen_revision=1)
    assert caught.value.code == "idp.changed_meanwhile"
    services.update_provider(actor=OPERATOR, provider=provider, given=given, seen_revision=2)


def test_links_of_a_shared_tenant_survive_the_deletion_of_the_former_provider(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    activation.deactivate_provider(actor=OPERATOR, provider=provider)
    make_provider(tenant, name="New registration")
    assert impact_of(Act.DELETE, provider).numbers()["links_lost"] == 0
    services.delete_provider(actor=OPERATOR, provider=provider, confirm_name="Contoso Entra")
    browser_client.federated_sign_in()
    assert last_event(action="portal.sign_in.succeeded").details["method"] == "link"


def test_activation_is_refused_while_nobody_could_repair_it(tenant: PracticeTenant, db: None) -> None:
    with pytest.raises(DirectoryError) as caught:
        make_provider(tenant)
    assert caught.value.code == "idp.no_local_administrator"
    assert IdentityProvider.objects.get().status == "draft"


def test_a_draft_that_was_in_use_is_not_simply_discarded(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    activation.deactivate_provider(actor=OPERATOR, provider=provider)
    with pytest.raises(DirectoryError) as caught:
        services.discard_draft(actor=OPERATOR, provider=provider)
    assert caught.value.code == "idp.not_a_draft"


def test_deletion_takes_links_and_sessions_along(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    services.delete_provider(actor=OPERATOR, provider=provider, confirm_name="Contoso Entra")
    assert not FederatedIdentity.objects.exists()
    assert not browser_client.is_signed_in
    assert User.objects.filter(pk=ada.pk).exists()
    with pytest.raises(ProviderNotFound):
        queries.find_provider("entra")


def test_a_name_cannot_stand_in_for_the_slug_of_another(tenant: PracticeTenant, db: None) -> None:
    impostor = make_provider(tenant, active=False, name="entra-2")
    second = make_provider(tenant, active=False, name="Second")
    assert queries.find_provider("entra-2") == second
    assert queries.find_provider(str(impostor.pk)) == impostor
    assert queries.find_provider("SECOND") == second


def test_a_date_that_has_passed_does_not_block_another_change(tenant: PracticeTenant, db: None) -> None:
    provider = make_provider(tenant, active=False)
    passed = date(2020, 1, 1)
    IdentityProvider.objects.update(client_secret_expires_on=passed)
    given = provider_input(tenant, name="Renamed", client_secret=None, client_secret_expires_on=passed)
    assert services.update_provider(actor=OPERATOR, provider=provider, given=given).name == "Renamed"
    with pytest.raises(DirectoryError) as caught:
        fresh = provider_input(tenant, client_secret=tenant.add_secret(), client_secret_expires_on=passed)
        services.update_provider(actor=OPERATOR, provider=provider, given=fresh)
    assert caught.value.code == "idp.secret_expiry_invalid"
