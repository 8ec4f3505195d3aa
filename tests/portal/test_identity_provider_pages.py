"""DIRECTORY INTEGRATIONS > Identity Providers, page by page, as an administrator's browser sees it."""

from django.http import HttpResponse

from idp.models import IdentityProvider
from tests.browsing import Browser
from tests.entra_tenant import PracticeTenant
from tests.factories import PASSWORD, make_administrator, make_person, make_provider
from users.models import AdminRole, User

INDEX = "/admin/directory-integrations/identity-providers/"


def form_of(tenant: PracticeTenant, **changes: str) -> dict[str, str]:
    """Return what an administrator fills in."""
    filled = {
        "name": "Contoso Entra",
        "url": f"{tenant.idp_url}/oauth2/v2.0/authorize?client_id=x",
        "client_id": tenant.client_id,
        "client_secret": tenant.client_secret,
    }
    return {**filled, **changes}


def add(browser: Browser, tenant: PracticeTenant, **changes: str) -> HttpResponse:
    """Send the add form."""
    return browser.post(f"{INDEX}add/entra/", form_of(tenant, **changes))


def text_of(response: HttpResponse) -> str:
    """Return a page's text."""
    return response.content.decode()


def fingerprint_in(response: HttpResponse) -> str:
    """Return the fingerprint of the impact that a page shows."""
    return text_of(response).split('name="fingerprint" value="')[1].split('"')[0]


def test_the_empty_list_says_what_it_is_for_and_offers_every_kind(admin_browser: Browser) -> None:
    page = text_of(admin_browser.get(INDEX))
    assert "No identity provider yet" in page
    for kind in ("entra", "google", "okta", "oidc"):
        assert f'href="{INDEX}add/{kind}/"' in page


def test_the_add_page_shows_the_redirect_uri_and_the_steps(admin_browser: Browser) -> None:
    page = text_of(admin_browser.get(f"{INDEX}add/entra/"))
    assert "http://127.0.0.1:8000/oauth/callback/entra" in page
    assert "App registrations" in page
    for label in ("Identity Provider Name", "Entra IdP URL", "Client ID", "Client Secret"):
        assert label in page


def test_saving_stores_a_draft_and_leads_to_its_impact(tenant: PracticeTenant, admin_browser: Browser) -> None:
    make_person()
    response = add(admin_browser, tenant)
    provider = IdentityProvider.objects.get()
    assert (provider.status, response["Location"]) == ("draft", f"{INDEX}{provider.pk}/activate/")
    page = text_of(admin_browser.get(response["Location"]))
    assert "I understand the impacts above" in page
    assert "active person will sign in with Contoso Entra" in page
    assert "Save without enabling" in page
    assert "Yes, Continue" in page
    assert tenant.client_secret not in page


def test_confirming_activates_for_everybody(tenant: PracticeTenant, admin_browser: Browser) -> None:
    where = add(admin_browser, tenant)["Location"]
    fingerprint = fingerprint_in(admin_browser.get(where))
    confirmed = {"fingerprint": fingerprint, "understood": "yes", "without_rehearsal": "yes"}
    admin_browser.post(where, confirmed)
    provider = IdentityProvider.objects.get()
    assert provider.is_active
    assert "All people, except administrators" in text_of(admin_browser.get(f"{INDEX}{provider.pk}/"))


def test_a_confirmation_without_the_tick_is_refused(tenant: PracticeTenant, admin_browser: Browser) -> None:
    where = add(admin_browser, tenant)["Location"]
    response = admin_browser.post(where, {"fingerprint": fingerprint_in(admin_browser.get(where))})
    assert response.status_code == 400
    assert "the impact was not confirmed" in text_of(response)
    assert not IdentityProvider.objects.get().is_active


def test_a_stale_confirmation_shows_the_new_numbers(tenant: PracticeTenant, admin_browser: Browser) -> None:
    where = add(admin_browser, tenant)["Location"]
    seen = fingerprint_in(admin_browser.get(where))
    make_person(display_name="Newly Hired")
    response = admin_browser.post(where, {"fingerprint": seen, "understood": "yes"})
    assert response.status_code == 409
    assert "Things have changed" in text_of(response)
    assert "Newly Hired" in text_of(response)
    fresh = {"fingerprint": fingerprint_in(response), "understood": "yes", "without_rehearsal": "yes"}
    admin_browser.post(where, fresh)
    assert IdentityProvider.objects.get().is_active


def test_cancelling_leads_back_to_the_form_filled_in(tenant: PracticeTenant, admin_browser: Browser) -> None:
    page = text_of(admin_browser.get(add(admin_browser, tenant)["Location"]))
    provider = IdentityProvider.objects.get()
    assert f'href="{INDEX}{provider.pk}/edit/"' in page
    form = text_of(admin_browser.get(f"{INDEX}{provider.pk}/edit/"))
    assert f'value="{tenant.idp_url}"' in form
    assert tenant.client_secret not in form
    assert "Discard draft" in form


def test_a_draft_can_be_discarded(tenant: PracticeTenant, admin_browser: Browser) -> None:
    provider = make_provider(tenant, active=False)
    response = admin_browser.post(f"{INDEX}{provider.pk}/discard/")
    assert response["Location"] == INDEX
    assert not IdentityProvider.objects.exists()


def test_an_error_stands_beside_its_field_and_loses_nothing_but_the_secret(
    tenant: PracticeTenant, admin_browser: Browser
) -> None:
    secret_id = "1f0c2a5e-3b1d-4c6e-9a51-0d1f2e3a4b5c"
    response = add(admin_browser, tenant, client_secret=secret_id, email_domains="contoso.example")
    page = text_of(response)
    assert response.status_code == 422
    assert "This is the Secret ID, not the secret." in page.split('id="id_client_secret_error"')[1][:400]
    assert tenant.client_id in page
    assert "contoso.example</textarea>" in page
    assert secret_id not in page


def test_the_provider_page_never_shows_the_secret(tenant: PracticeTenant, admin_browser: Browser) -> None:
    provider = make_provider(tenant, active=False)
    for path in ("", "edit/", "activate/", "delete/"):
        page = text_of(admin_browser.get(f"{INDEX}{provider.pk}/{path}"))
        assert tenant.client_secret not in page
    assert "Set on" in text_of(admin_browser.get(f"{INDEX}{provider.pk}/"))


def test_a_changed_name_is_saved(tenant: PracticeTenant, admin_browser: Browser) -> None:
    provider = make_provider(tenant, active=False)
    response = admin_browser.post(f"{INDEX}{provider.pk}/edit/", form_of(tenant, name="New name", client_secret=""))
    assert response["Location"] == f"{INDEX}{provider.pk}/activate/"
    assert IdentityProvider.objects.get().name == "New name"


def test_deactivation_shows_who_has_no_password(provider: IdentityProvider, admin_browser: Browser) -> None:
    make_person(display_name="Without Password")
    where = f"{INDEX}{provider.pk}/deactivate/"
    page = admin_browser.get(where)
    assert "Without Password" in text_of(page)
    admin_browser.post(where, {"fingerprint": fingerprint_in(page), "understood": "yes"})
    assert not IdentityProvider.objects.get().is_active


def test_deletion_wants_the_name_typed(provider: IdentityProvider, admin_browser: Browser) -> None:
    where = f"{INDEX}{provider.pk}/delete/"
    fingerprint = fingerprint_in(admin_browser.get(where))
    wrong = admin_browser.post(where, {"fingerprint": fingerprint, "confirm_name": "contoso"})
    assert "nothing was deleted" in text_of(wrong)
    right = admin_browser.post(where, {"fingerprint": fingerprint, "confirm_name": " Contoso  Entra "})
    assert right["Location"] == INDEX
    assert not IdentityProvider.objects.exists()


def test_readers_see_a_provider_without_its_buttons(provider: IdentityProvider) -> None:
    reader = Browser()
    reader.sign_in_as_administrator(make_administrator(AdminRole.READ_ONLY), PASSWORD)
    page = text_of(reader.get(f"{INDEX}{provider.pk}/"))
    assert provider.client_id in page
    for button in ("Delete IdP", "Deactivate", "Test connection", "/edit/"):
        assert button not in page


def test_help_desk_sees_no_providers_at_all(provider: IdentityProvider) -> None:
    helper = Browser()
    helper.sign_in_as_administrator(make_administrator(AdminRole.HELP_DESK), PASSWORD)
    assert helper.get(INDEX).status_code == 403
    assert "Identity Providers" not in text_of(helper.get("/admin/"))


def test_google_needs_no_url(admin_browser: Browser) -> None:
    page = text_of(admin_browser.get(f"{INDEX}add/google/"))
    assert 'value="https://accounts.google.com"' in page


def test_an_expiring_secret_is_announced(tenant: PracticeTenant, admin_browser: Browser, administrator: User) -> None:
    provider = make_provider(tenant, active=False)
    IdentityProvider.objects.update(client_secret_expires_on="2020-01-01")
    assert "The client secret has expired" in text_of(admin_browser.get(f"{INDEX}{provider.pk}/"))
