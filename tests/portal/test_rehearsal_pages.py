"""Testing and rehearsing a provider in the Admin Portal's pages."""

import json
import re
from datetime import timedelta
from html import unescape

from django.http import HttpResponse
from django.utils import timezone

from idp import activation
from idp.models import IdentityProvider, Rehearsal
from tests.browsing import Browser, error_code, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_provider
from users.models import AdminRole, User

PROVIDERS = "/admin/directory-integrations/identity-providers/"
SECRET_AGAIN = "Type the secret again: it is not kept."


def text_of(response: HttpResponse) -> str:
    """Return a page's text."""
    return unescape(response.content.decode())


def words_of(response: HttpResponse) -> str:
    """Return a page's words without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", text_of(response).split("<main")[1]).split())


def form_of(tenant: PracticeTenant, **changes: str) -> dict[str, str]:
    """Return what an administrator has typed."""
    filled = {
        "name": "Contoso Entra",
        "url": tenant.idp_url,
        "client_id": tenant.client_id,
        "client_secret": tenant.client_secret,
        "email_domains": "contoso.example",
    }
    return {**filled, **changes}


def rehearse(browser: Browser, provider: IdentityProvider) -> HttpResponse:
    """Rehearse a sign-in, and return the page of its result."""
    begun = browser.post(f"{PROVIDERS}{provider.pk}/rehearse/")
    answer = browser.come_back(browser.at_provider(begun["Location"]))
    page = browser.get(answer["Location"])
    assert page.status_code == 200
    return page


# --- Test connection -------------------------------------------------------------------------------------------------


def test_the_provider_page_shows_the_last_test_with_its_age(draft: IdentityProvider, admin_browser: Browser) -> None:
    page = admin_browser.post(f"{PROVIDERS}{draft.pk}/test/", follow=True)
    words = words_of(page)
    for step in ("Name resolution", "TLS", "Discovery document", "Issuer", "Endpoints", "Signing keys", "Clock"):
        assert step in words
    assert "The connection test passed." in words and "just now" in words
    IdentityProvider.objects.update(last_test_at=timezone.now() - timedelta(minutes=2, seconds=5))
    assert "2 minutes ago" in words_of(admin_browser.get(f"{PROVIDERS}{draft.pk}/"))


def test_a_failed_test_says_what_to_quote(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser
) -> None:
    tenant.expire_secret()
    words = words_of(admin_browser.post(f"{PROVIDERS}{draft.pk}/test/", follow=True))
    assert "Client credentials failed." in words and "AADSTS7000222" in words
    assert "Correlation ID" in words and "The provider's own words" in words


def test_the_providers_own_words_are_escaped(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser
) -> None:
    body = {"error": "invalid_client", "error_description": "AADSTS7000215: <script>alert(1)</script>"}
    with tenant.lying(token_status=401, token_body=json.dumps(body).encode()):
        page = admin_browser.post(f"{PROVIDERS}{draft.pk}/test/", follow=True).content.decode()
    assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page


def test_the_add_form_is_tested_unsaved_and_keeps_all_but_the_secret(
    tenant: PracticeTenant, admin_browser: Browser
) -> None:
    response = admin_browser.post(f"{PROVIDERS}add/entra/test/", form_of(tenant))
    page, words = text_of(response), words_of(response)
    assert response.status_code == 200 and not IdentityProvider.objects.exists()
    assert "Connection test of this form" in words and "Nothing was saved." in words
    assert all(f'value="{value}"' in page for value in ("Contoso Entra", tenant.idp_url, tenant.client_id))
    assert "contoso.example</textarea>" in page
    assert SECRET_AGAIN in words and tenant.client_secret not in page
    assert f'action="{PROVIDERS}add/entra/"' in page  # Save saves
    assert (
        'id="id_client_secret" required' in re.sub(r"\s+", " ", page) or "required" in page.split("id_client_secret")[1]
    )
    assert last_event(action="idp.provider.tested").details["unsaved"] is True


def test_the_buttons_of_the_form_work_without_javascript(admin_browser: Browser, draft: IdentityProvider) -> None:
    for form, test in (("add/entra/", "add/entra/test/"), (f"{draft.pk}/edit/", f"{draft.pk}/edit/test/")):
        page = text_of(admin_browser.get(f"{PROVIDERS}{form}"))
        button = page.split("Test connection")[0].rsplit("<button", 1)[1]
        assert f'formaction="{PROVIDERS}{test}#test-result"' in button and "formnovalidate" in button
        assert 'form="provider-form"' in button and 'type="submit"' in button


def test_what_is_missing_from_a_form_is_not_tested(tenant: PracticeTenant, admin_browser: Browser) -> None:
    response = admin_browser.post(f"{PROVIDERS}add/entra/test/", {"url": tenant.idp_url})
    words = words_of(response)
    assert response.status_code == 200 and "Not tested: no client ID was typed." in words
    assert SECRET_AGAIN not in words


def test_a_form_that_cannot_be_tested_says_where_it_is_wrong(tenant: PracticeTenant, admin_browser: Browser) -> None:
    wrong = form_of(tenant, url="https://portal.azure.com/")
    response = admin_browser.post(f"{PROVIDERS}add/entra/test/", wrong)
    page = text_of(response)
    assert response.status_code == 422 and 'id="id_url_error"' in page and "Connection test of this form" not in page
    assert tenant.client_secret not in page
    nothing = admin_browser.post(f"{PROVIDERS}add/entra/test/", {})
    assert nothing.status_code == 422 and text_of(nothing).count("field-invalid") == 1
    assert error_code(admin_browser.post(f"{PROVIDERS}add/saml/test/", {})) == "idp.kind_unknown"


def test_the_edit_form_is_tested_with_the_stored_secret(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser
) -> None:
    form = form_of(tenant, name="New name", client_secret="", revision=str(draft.revision))
    response = admin_browser.post(f"{PROVIDERS}{draft.pk}/edit/test/", form)
    words = words_of(response)
    assert response.status_code == 200 and "The provider accepts client ID and client secret." in words
    assert 'value="New name"' in text_of(response) and "Leave it empty to keep the stored one." in words
    draft.refresh_from_db()
    assert (draft.name, draft.last_test) == ("Contoso Entra", None)


# --- Rehearsal -------------------------------------------------------------------------------------------------------


def test_the_result_page_tells_it_all(draft: IdentityProvider, admin_browser: Browser, ada: User) -> None:
    page = rehearse(admin_browser, draft)
    words = words_of(page)
    for step in ("Answer of the provider", "Token request", "ID token", "Person"):
        assert step in words
    assert "Ada Lovelace would be signed in" in words and "By company email" in words
    assert "The User Portal’s home, signed in" in words
    assert "no session, no link, no person" in words
    assert "preferred_username" in words and "Look at the impact" in words
    assert page["Cache-Control"].count("no-store") == 1


def test_the_result_page_shows_the_very_page_that_the_person_would_see(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser
) -> None:
    tenant.auto_sign_in = "claude@contoso.example"
    words = words_of(rehearse(admin_browser, draft))
    assert "Nobody would be signed in" in words and "federation. no_ match" in words
    assert "Gatehouse does not know your account." in words
    assert "Ask your administrator to add you, and give the reference number." in words
    assert "Link a person, with the object ID" in words and "Look at the impact" not in words


def test_the_result_page_escapes_what_the_provider_says(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser, ada: User
) -> None:
    with tenant.lying(claims={"name": "<script>alert(1)</script>", "<b>": "<i>"}):
        page = rehearse(admin_browser, draft).content.decode()
    assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page and "<i>" not in page


def test_an_error_of_microsoft_names_screen_field_and_numbers(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser
) -> None:
    with tenant.lying(authorize_error=50105):
        words = words_of(rehearse(admin_browser, draft))
    assert "AADSTS50105" in words and "Users and groups" in words and "Correlation ID" in words
    assert "You are not assigned to this application" in words
    with tenant.lying(token_error=7000222):
        page = rehearse(admin_browser, draft)
    assert "Our field" in words_of(page) and ">Client Secret</a>" in text_of(page)


def test_an_earlier_versions_result_says_so(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser, ada: User
) -> None:
    rehearse(admin_browser, draft)
    IdentityProvider.objects.update(version=draft.version + 1)
    done = Rehearsal.objects.get()
    page = admin_browser.get(f"{PROVIDERS}{draft.pk}/rehearsals/{done.pk}/")
    assert "have changed since" in words_of(page)
    assert "with earlier settings" in words_of(admin_browser.get(f"{PROVIDERS}{draft.pk}/"))


def test_switching_federation_on_and_off_outdates_no_rehearsal(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser, ada: User
) -> None:
    rehearse(admin_browser, draft)
    activation.activate_provider(actor=OPERATOR, provider=draft, understood=True, fingerprint=None)
    assert "with earlier settings" not in words_of(admin_browser.get(f"{PROVIDERS}{draft.pk}/"))
    activation.deactivate_provider(actor=OPERATOR, provider=draft)
    assert "with earlier settings" not in words_of(admin_browser.get(f"{PROVIDERS}{draft.pk}/"))
    assert "Enable without a rehearsal" not in text_of(admin_browser.get(f"{PROVIDERS}{draft.pk}/activate/"))


def test_the_impact_says_why_a_failed_rehearsal_asks_for_nothing(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser, ada: User
) -> None:
    rehearse(admin_browser, draft)
    with tenant.lying(authorize_error=50105):
        rehearse(admin_browser, draft)
    dialog = text_of(admin_browser.get(f"{PROVIDERS}{draft.pk}/activate/"))
    assert "An earlier one passed within the last hour" in dialog and "Enable without a rehearsal" not in dialog


def test_a_refused_certificate_leads_to_the_credentials(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser, ada: User
) -> None:
    with tenant.lying(token_error=700027):
        page = rehearse(admin_browser, draft)
    assert f'href="{PROVIDERS}{draft.pk}/credentials/">Certificate</a>' in text_of(page)


def test_a_rehearsal_that_never_came_back_has_a_page_too(draft: IdentityProvider, admin_browser: Browser) -> None:
    admin_browser.post(f"{PROVIDERS}{draft.pk}/rehearse/")
    done = Rehearsal.objects.get()
    words = words_of(admin_browser.get(f"{PROVIDERS}{draft.pk}/rehearsals/{done.pk}/"))
    assert "has not sent anybody back yet" in words and "AADSTS50011" in words
    assert "Not come back" in words_of(admin_browser.get(f"{PROVIDERS}{draft.pk}/"))


def test_another_providers_rehearsal_is_not_found(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser
) -> None:
    admin_browser.post(f"{PROVIDERS}{draft.pk}/rehearse/")
    other = make_provider(tenant, active=False, name="Second tenant")
    response = admin_browser.get(f"{PROVIDERS}{other.pk}/rehearsals/{Rehearsal.objects.get().pk}/")
    assert (response.status_code, error_code(response)) == (404, "idp.rehearsal_not_found")


def test_the_provider_page_says_what_an_error_at_microsoft_means(
    draft: IdentityProvider, admin_browser: Browser
) -> None:
    page = text_of(admin_browser.get(f"{PROVIDERS}{draft.pk}/"))
    details = page.split("Microsoft shows an error instead of coming back?")[1].split("</details>")[0]
    for number in ("50011", "500113", "700016", "90002"):
        assert f"AADSTS{number}" in details
    assert draft.redirect_uri in details
    form = page.split('id="rehearse"')[1].split(">")[0]
    assert 'target="_blank"' in form and 'method="post"' in form


def test_the_button_may_lead_to_the_provider(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser, ada: User
) -> None:
    paths = [f"{PROVIDERS}{draft.pk}/", f"{PROVIDERS}{draft.pk}/activate/"]
    pages = [*map(admin_browser.get, paths), rehearse(admin_browser, draft)]
    for page in pages:
        policy = page["Content-Security-Policy"].split("form-action")[1].split(";")[0]
        assert "'self'" in policy and tenant.base_url in policy
    begun = admin_browser.post(f"{PROVIDERS}{draft.pk}/rehearse/")
    assert begun["Referrer-Policy"] == "no-referrer" and "no-store" in begun["Cache-Control"]


def test_the_impact_dialog_shows_what_was_tried(draft: IdentityProvider, admin_browser: Browser, ada: User) -> None:
    where = f"{PROVIDERS}{draft.pk}/activate/"
    before = words_of(admin_browser.get(where))
    assert "Connection test Not run yet" in before and "Your rehearsal None yet" in before
    assert "Enable without a rehearsal" in before
    admin_browser.post(f"{PROVIDERS}{draft.pk}/test/")
    rehearse(admin_browser, draft)
    after = words_of(admin_browser.get(where))
    assert "Connection test Passed just now" in after
    assert "Your rehearsal Passed Ada Lovelace would be signed in just now" in after
    assert "Enable without a rehearsal" not in after


def test_the_impact_dialog_shows_what_failed(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser
) -> None:
    tenant.auto_sign_in = "claude@contoso.example"
    tenant.expire_secret()
    admin_browser.post(f"{PROVIDERS}{draft.pk}/test/")
    rehearse(admin_browser, draft)
    words = words_of(admin_browser.get(f"{PROVIDERS}{draft.pk}/activate/"))
    assert "Connection test Failed" in words
    assert "Your rehearsal Failed Refused: The client secret has expired." in words


def test_a_success_that_is_too_old_is_shown_as_that(draft: IdentityProvider, admin_browser: Browser, ada: User) -> None:
    rehearse(admin_browser, draft)
    Rehearsal.objects.update(started_at=timezone.now() - timedelta(hours=2))
    words = words_of(admin_browser.get(f"{PROVIDERS}{draft.pk}/activate/"))
    assert "2 hours ago" in words and "Too old, or with earlier settings" in words
    assert "Enable without a rehearsal" in words


def test_readers_see_no_rehearsals(draft: IdentityProvider, admin_browser: Browser, ada: User) -> None:
    rehearse(admin_browser, draft)
    reader = Browser()
    reader.sign_in_as_administrator(make_administrator(AdminRole.READ_ONLY), PASSWORD)
    page = text_of(reader.get(f"{PROVIDERS}{draft.pk}/"))
    assert "Rehears" not in page and "Ada Lovelace" not in page
