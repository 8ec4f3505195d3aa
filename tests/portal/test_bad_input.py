"""Whatever comes in: a clear page or message, never a defect of our own, and nothing half-written."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import path
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp import activation
from idp.impact import Act, impact_of
from idp.models import IdentityProvider, SlugNumber, Status
from portal.urls import handler403, handler500
from portal.urls import urlpatterns as real_urlpatterns
from tests.browsing import Browser, error_code, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_person, make_provider
from users.administrators import issue_setup_link
from users.models import AuditEvent, User

pytestmark = pytest.mark.django_db

PROVIDERS = "/admin/directory-integrations/identity-providers/"
FORMS = {
    "/login/": ("email", "next"),
    "/login/password/": ("email", "password", "next"),
    "/admin/login/": ("email", "password", "next"),
    "SET-UP": ("display_name", "company_email", "password", "password_again"),
    f"{PROVIDERS}add/entra/": (
        "name",
        "url",
        "client_id",
        "client_secret",
        "client_secret_expires_on",
        "email_domains",
    ),
    f"{PROVIDERS}add/google/": ("name", "client_id", "client_secret", "email_domains", "allow_guests"),
    f"{PROVIDERS}add/okta/": ("name", "url", "client_id", "client_secret"),
    f"{PROVIDERS}add/oidc/": ("name", "url", "client_id", "client_secret"),
    f"{PROVIDERS}PK/edit/": ("name", "url", "client_id", "client_secret", "client_secret_expires_on", "email_domains"),
    f"{PROVIDERS}add/entra/test/": ("name", "url", "client_id", "client_secret", "client_secret_expires_on"),
    f"{PROVIDERS}PK/edit/test/": ("name", "url", "client_id", "client_secret", "client_secret_expires_on"),
    f"{PROVIDERS}PK/activate/": ("understood", "without_rehearsal", "fingerprint"),
    f"{PROVIDERS}PK/deactivate/": ("fingerprint",),
    f"{PROVIDERS}PK/delete/": ("confirm_name", "fingerprint"),
}
HOSTILE: dict[str, str] = {
    "nothing": "",
    "blank": " \t\r\n ",
    "long": "x" * 100_000,
    "NUL": "a\x00b",
    "control characters": "a\x1b[31m\r\nSet-Cookie: x=1\x07",
    "markup": "<script>alert(1)</script>",
    "quotes": "' OR 1=1; --\"",
    "template": "{{ 7|add:7 }}{% now 'Y' %}%s%(x)s{x}",
    "path": "../../etc/passwd",
    "address": "https://user:secret@evil.example:99999/%00?x=[",
    "bracket": "http://[::1",
    "right to left": "\u202eevil\u2066",
    "wide": "\U0001f5dd" * 300,
    "ligature": "\ufdfa" * 100,
    "number": "9" * 400,
    "email": f"{'a' * 64}@{'b' * 250}.example",
}
BODIES = {
    "no UTF-8": (b"email=\xff\xfe&password=\xc3\x28", "application/x-www-form-urlencoded"),
    "half a surrogate": (b"email=%ED%A0%80&name=%FF%FE%00", "application/x-www-form-urlencoded"),
    "no form": (b"\x00\x01\x02&&&===%%%;;;", "application/x-www-form-urlencoded"),
    "UTF-16": ("email=ada".encode("utf-16"), "application/x-www-form-urlencoded; charset=utf-16"),
    "unknown charset": (b"email=ada", "application/x-www-form-urlencoded; charset=x-klingon"),
    "JSON": (b'{"email": ["ada"]}', "application/json"),
    "XML": (b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "text/xml"),
    "no type": (b"email=ada", ""),
    "broken multipart": (b"--x\r\nContent-Disposition: form-data; name", "multipart/form-data; boundary=x"),
    "multipart without boundary": (b"--x--", "multipart/form-data"),
    "multipart with a strange boundary": (b"x", f"multipart/form-data; boundary={'b' * 300}"),
    "bad base64 part": (
        b"--x\r\nContent-Disposition: form-data; name=email\r\nContent-Transfer-Encoding: base64\r\n\r\n!\r\n--x--\r\n",
        "multipart/form-data; boundary=x",
    ),
    "huge": (b"name=" + b"x" * 1_200_000, "application/x-www-form-urlencoded"),
    "many fields": (b"&".join(b"f%d=1" % number for number in range(300)), "application/x-www-form-urlencoded"),
}
PATHS = [
    "/%00",
    "/%ff%fe",
    "/%c0%ae%c0%ae/",
    "/admin/%00/",
    "/admin/set-up/%ff/",
    "/admin/set-up/%00/",
    f"/admin/set-up/{'x' * 5000}/",
    "/oauth/login/%00/",
    f"/oauth/login/{'x' * 5000}/",
    "/oauth/callback/%ff?state=%ff&code=%00",
    f"/oauth/callback/{'x' * 5000}?state=x",
    "/oauth/callback/entra?state=%00&code=%00&iss=%00",
    f"/oauth/callback/entra?state={'x' * 9000}&code=x",
    "/oauth/callback/entra?error=%00&error_description=%ff&state=%00",
    "/login/?next=%FF%FE",
    "/login/?next=%00&next=/x&%00=%00",
    "/login/?" + "&".join(f"f{number}=1" for number in range(2000)),
    f"{PROVIDERS}not-a-uuid/",
    f"{PROVIDERS}add/%00/",
    f"{PROVIDERS}add/{'x' * 5000}/",
    f"{PROVIDERS}add/saml/",
    "/admin/insights/directory/?before=%FF&action=%FF&person=%00",
    "//evil.example/%2f..",
    "/static/../portal/settings.py",
    "/static/%00",
]


def broken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError("a secret of the inside")


def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied("a secret of the inside")


# The product's addresses with two more, for a test that asks for this module's.
urlpatterns = [path("broken/", broken), path("forbidden/", forbidden), *real_urlpatterns]


@pytest.mark.urls(__name__)
def test_a_defect_of_our_own_shows_a_reference_and_nothing_of_the_inside(admin_browser: Browser) -> None:
    admin_browser.sign_in_with_password(make_person(password=PASSWORD))
    admin_browser.raise_request_exception = False
    response = admin_browser.get("/broken/")
    page = response.content.decode()
    assert (response.status_code, handler500) == (500, "portal.errors.server_error")
    assert response["X-Request-ID"] in page and "inside" not in page and "ZeroDivision" not in page


@pytest.mark.urls(__name__)
def test_what_django_forbids_has_the_same_page(browser_client: Browser) -> None:
    browser_client.sign_in_with_password(make_person(password=PASSWORD))
    response = browser_client.get("/forbidden/")
    assert (response.status_code, error_code(response)) == (403, "portal.forbidden")
    assert handler403 and "inside" not in response.content.decode()


@pytest.fixture
def knocker(admin_browser: Browser) -> Browser:
    """A signed-in administrator's browser that is shown our defects as pages, as in life."""
    admin_browser.raise_request_exception = False
    return admin_browser


@pytest.fixture
def draft(tenant: PracticeTenant) -> Iterator[IdentityProvider]:
    """A stored draft that no bad input may change."""
    provider = make_provider(tenant, active=False)
    before = IdentityProvider.objects.values("name", "url", "client_id", "status", "version", "email_domains").get()
    yield provider
    left = IdentityProvider.objects.values("name", "url", "client_id", "status", "version", "email_domains").get()
    assert left == before
    assert IdentityProvider.objects.get().client_secret.reveal() == tenant.client_secret


def address(path: str, provider: IdentityProvider) -> str:
    return path.replace("PK", str(provider.pk))


def impact_form(act: Act, provider: IdentityProvider) -> dict[str, str]:
    provider.refresh_from_db()
    ticked = {"understood": "yes", "without_rehearsal": "yes", "confirm_name": provider.name}
    return {**ticked, "fingerprint": impact_of(act, provider).fingerprint}


def provider_form(tenant: PracticeTenant, **changes: Any) -> dict[str, Any]:
    given = {"name": "New", "url": tenant.idp_url, "client_id": tenant.client_id, "client_secret": tenant.client_secret}
    return {**given, **changes}


def assert_clear(response: HttpResponse, what: str = "") -> None:
    assert 200 <= response.status_code < 500, (what, response.content[:2000])
    page = response.content.decode()
    assert "<script>alert" not in page and "Traceback" not in page, what
    assert response.status_code in {301, 302} or "<main" in page, what


@pytest.mark.parametrize("path", [path for path in FORMS if path != "SET-UP"])
def test_a_form_full_of_hostile_text_is_refused_clearly(path: str, draft: IdentityProvider, knocker: Browser) -> None:
    people = User.objects.count()
    for name, value in HOSTILE.items():
        response = knocker.post(address(path, draft), dict.fromkeys(FORMS[path], value))
        assert_clear(response, name)
        assert response.status_code >= (302 if path.endswith("deactivate/") else 400), name  # a draft is not active
    assert User.objects.count() == people


def test_the_set_up_form_is_refused_clearly(browser_client: Browser) -> None:
    browser_client.raise_request_exception = False
    path = f"/admin/set-up/{issue_setup_link(actor=OPERATOR)}/"
    for name, value in HOSTILE.items():
        assert_clear(browser_client.post(path, dict.fromkeys(FORMS["SET-UP"], value)), name)
    for name, (body, content_type) in BODIES.items():
        assert_clear(browser_client.generic("POST", path, body, content_type), name)
    assert not User.objects.exists() and browser_client.get(path).status_code == 200


@pytest.mark.parametrize("path", [path for path in FORMS if path != "SET-UP"])
def test_a_body_that_is_no_form_is_refused_clearly(path: str, draft: IdentityProvider, knocker: Browser) -> None:
    for name, (body, content_type) in BODIES.items():
        response = knocker.generic("POST", address(path, draft), body, content_type)
        assert_clear(response, name)
        assert response.status_code >= (302 if path.endswith("deactivate/") else 400), name  # a draft is not active


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:50])
def test_a_hostile_address_is_answered_clearly(path: str, provider: IdentityProvider, knocker: Browser) -> None:
    for browser in (knocker, Browser(raise_request_exception=False)):
        assert_clear(browser.get(path))


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_USER_AGENT": "\x00\xff" * 5000},
        {"HTTP_REFERER": "http://[::1"},
        {"HTTP_ORIGIN": "null\x00"},
        {"HTTP_ACCEPT": "\x00", "HTTP_ACCEPT_LANGUAGE": "x" * 9000},
        {"HTTP_COOKIE": "gatehouse_session=" + "x" * 9000 + "; gatehouse_csrf=\x00; =; ;;"},
        {"HTTP_COOKIE": "gatehouse_session=%00'\"; gatehouse_admin_session=\xff"},
        {"HTTP_X_FORWARDED_FOR": "\x00" * 99, "HTTP_X_FORWARDED_PROTO": "\x00"},
        {"HTTP_HOST": "a\x00b"},
        {"HTTP_HOST": "evil.example:99999"},
        {"HTTP_HOST": ""},
        {"CONTENT_LENGTH": "-1"},
        {"CONTENT_LENGTH": "many"},
    ],
    ids=repr,
)
def test_hostile_headers_are_answered_clearly(headers: dict[str, str]) -> None:
    person = make_person(password=PASSWORD)
    browser = Browser(raise_request_exception=False)
    assert_clear(browser.get("/login/", **headers))
    assert_clear(browser.post("/login/password/", {"email": person.company_email, "password": PASSWORD}, **headers))


@pytest.mark.parametrize("missing", ["name", "url", "client_id", "client_secret"])
def test_a_missing_field_is_named_and_nothing_typed_is_lost(
    missing: str, tenant: PracticeTenant, knocker: Browser
) -> None:
    form = provider_form(tenant, name="My own name", email_domains="contoso.example")
    del form[missing]
    response = knocker.post(f"{PROVIDERS}add/entra/", form)
    page = response.content.decode()
    assert response.status_code == 422 and f'id="id_{missing}_error"' in page
    assert all(f'value="{value}"' in page for name, value in form.items() if name in {"name", "url", "client_id"})
    assert "contoso.example</textarea>" in page and tenant.client_secret not in page
    assert not IdentityProvider.objects.exists() and tenant.upstream_count() == 0


@pytest.mark.parametrize("action", ["", "edit/", "test/", "activate/", "deactivate/", "delete/", "discard/"])
def test_a_forged_id_is_not_found(action: str, knocker: Browser) -> None:
    for method in ("GET", "POST"):
        response = knocker.generic(method, f"{PROVIDERS}{uuid4()}/{action}")
        assert response.status_code in {404, 405}
        assert error_code(response) in {"idp.not_found", "portal.method_not_allowed"}


def test_an_unknown_kind_is_not_found(knocker: Browser) -> None:
    response = knocker.get(f"{PROVIDERS}add/saml/")
    assert (response.status_code, error_code(response)) == (404, "idp.kind_unknown")


def test_adding_twice_stores_one(tenant: PracticeTenant, knocker: Browser) -> None:
    first, second = (knocker.post(f"{PROVIDERS}add/entra/", provider_form(tenant)) for _ in range(2))
    assert (first.status_code, second.status_code) == (302, 422)
    assert "There is an identity provider named New already" in second.content.decode()
    assert IdentityProvider.objects.count() == SlugNumber.objects.count() == 1


def test_activating_twice_activates_once(draft_to_use: IdentityProvider, knocker: Browser) -> None:
    form = impact_form(Act.ACTIVATE, draft_to_use)
    answers = [knocker.post(f"{PROVIDERS}{draft_to_use.pk}/activate/", form).status_code for _ in range(2)]
    assert answers[0] == 302 and answers[1] in {302, 409}
    assert IdentityProvider.objects.get().is_active
    assert AuditEvent.objects.filter(action="idp.provider.activated", outcome="success").count() == 1


@pytest.mark.parametrize(("act", "action"), [(Act.DELETE, "delete/"), (None, "discard/")])
def test_deleting_twice_deletes_once(
    act: Act | None, action: str, draft_to_use: IdentityProvider, knocker: Browser
) -> None:
    form = impact_form(act, draft_to_use) if act else {}
    first, second = (knocker.post(f"{PROVIDERS}{draft_to_use.pk}/{action}", form) for _ in range(2))
    assert (first.status_code, second.status_code, error_code(second)) == (302, 404, "idp.not_found")
    assert AuditEvent.objects.filter(action="idp.provider.deleted", outcome="success").count() == 1


def test_what_was_in_use_is_not_discarded(provider: IdentityProvider, knocker: Browser) -> None:
    activation.deactivate_provider(actor=OPERATOR, provider=provider)
    refused = knocker.post(f"{PROVIDERS}{provider.pk}/discard/")
    assert (refused.status_code, error_code(refused)) == (409, "idp.not_a_draft")
    assert IdentityProvider.objects.exists()


@pytest.mark.parametrize("act", Act)
def test_a_stale_confirmation_shows_the_new_numbers(act: Act, draft_to_use: IdentityProvider, knocker: Browser) -> None:
    if act != Act.ACTIVATE:
        activation.activate_provider(actor=OPERATOR, provider=draft_to_use, understood=True, fingerprint=None)
    stale = impact_form(act, draft_to_use)
    make_person(display_name="Somebody New")
    refused = knocker.post(f"{PROVIDERS}{draft_to_use.pk}/{act.value}/", stale)
    page, fresh = refused.content.decode(), impact_form(act, draft_to_use)
    assert refused.status_code == 409 and "Things have changed since" in page
    assert "Somebody New" in page and f'value="{fresh["fingerprint"]}"' in page
    assert last_event(outcome="refused").error_code == "idp.impact_changed"
    assert IdentityProvider.objects.get().is_active == (act != Act.ACTIVATE)
    assert knocker.post(f"{PROVIDERS}{draft_to_use.pk}/{act.value}/", fresh).status_code == 302


@pytest.mark.parametrize("fingerprint", [None, "", "x", "0" * 32])
def test_a_forged_confirmation_does_nothing(
    fingerprint: str | None, draft_to_use: IdentityProvider, knocker: Browser
) -> None:
    form = {"understood": "yes"} | ({} if fingerprint is None else {"fingerprint": fingerprint})
    assert knocker.post(f"{PROVIDERS}{draft_to_use.pk}/activate/", form).status_code == 409
    assert IdentityProvider.objects.get().status == Status.DRAFT


def test_a_confirmation_of_one_act_confirms_no_other(draft_to_use: IdentityProvider, knocker: Browser) -> None:
    activation.activate_provider(actor=OPERATOR, provider=draft_to_use, understood=True, fingerprint=None)
    form = impact_form(Act.DELETE, draft_to_use)
    assert knocker.post(f"{PROVIDERS}{draft_to_use.pk}/deactivate/", form).status_code == 409
    assert IdentityProvider.objects.get().is_active


POSTED = [
    *FORMS,
    "/logout/",
    "/admin/logout/",
    f"{PROVIDERS}PK/test/",
    f"{PROVIDERS}PK/rehearse/",
    f"{PROVIDERS}PK/discard/",
]


@pytest.mark.parametrize("token", ["", "x" * 64, "\x00"])
def test_a_form_without_its_token_has_expired(token: str, draft: IdentityProvider, administrator: User) -> None:
    browser = Browser(enforce_csrf_checks=True, raise_request_exception=False)
    browser.force_login(administrator)
    for posted in POSTED:
        path = address(posted, draft).replace("SET-UP", "/admin/set-up/x/")
        response = browser.post(path, {"csrfmiddlewaretoken": token})
        assert (response.status_code, error_code(response)) == (403, "portal.form_expired"), path


def test_a_form_with_its_token_goes_through_and_fits_one_portal_only(administrator: User) -> None:
    browser = Browser(enforce_csrf_checks=True)

    def token(path: str) -> str:
        return browser.get(path).content.decode().split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]

    form = {"email": administrator.company_email, "password": PASSWORD}
    of_the_user_portal = {**form, "csrfmiddlewaretoken": token("/login/password/")}
    assert browser.post("/admin/login/", of_the_user_portal).status_code == 403
    assert browser.post("/admin/login/", {**form, "csrfmiddlewaretoken": token("/admin/login/")}).status_code == 302


@pytest.mark.parametrize(
    "path", ["/", "/profile/", "/security/", "/signed-out/", "/login/", "/login/password/", "/logout/"]
)
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "BREW"])
def test_a_wrong_method_is_not_allowed(path: str, method: str, browser_client: Browser) -> None:
    browser_client.sign_in_with_password(make_person(password=PASSWORD))
    assert browser_client.generic(method, path).status_code == 405


def test_a_page_that_takes_no_form_says_so(browser_client: Browser) -> None:
    browser_client.sign_in_with_password(make_person(password=PASSWORD))
    assert [browser_client.post(path).status_code for path in ("/profile/", "/signed-out/")] == [405, 405]
    response = browser_client.get("/logout/")
    assert (response.status_code, error_code(response)) == (405, "portal.method_not_allowed")


def test_an_unknown_address_is_not_found(browser_client: Browser) -> None:
    response = browser_client.get("/nowhere/")
    assert (response.status_code, error_code(response)) == (404, "portal.page_not_found")


def test_another_host_is_a_bad_request(browser_client: Browser) -> None:
    response = browser_client.get("/login/", HTTP_HOST="evil.example")
    assert (response.status_code, error_code(response)) == (400, "portal.bad_request")


@pytest.fixture
def draft_to_use(tenant: PracticeTenant, administrator: User) -> IdentityProvider:
    """A draft for acts that succeed in the end."""
    return make_provider(tenant, active=False)


quickly = settings(
    derandomize=True, deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
texts = st.one_of(st.text(max_size=120), st.text(alphabet="ab \t\n\r\x00\x1c\u2028\u202e<>&\"'@.", max_size=120))
# Addresses that are refused before anything is asked of anybody.
dead_ends = st.one_of(
    st.text(alphabet="abc/:@[]?#% \x00\\é", max_size=60), st.sampled_from(["http://[", "https://user@host"])
)


@given(name=texts, secret=texts, domains=texts, day=texts, guests=texts)
@quickly
def test_any_text_in_the_form_stores_a_whole_provider_or_nothing(
    tenant: PracticeTenant, knocker: Browser, name: str, secret: str, domains: str, day: str, guests: str
) -> None:
    changes = {"name": name, "email_domains": domains, "client_secret_expires_on": day, "allow_guests": guests}
    given = provider_form(tenant, **changes, client_secret=secret or tenant.client_secret)
    response = knocker.post(f"{PROVIDERS}add/entra/", given)
    assert response.status_code == (302 if IdentityProvider.objects.exists() else 422)
    assert_clear(response if response.status_code == 422 else knocker.get(response["Location"]))
    IdentityProvider.objects.all().delete()


@given(name=texts, domains=st.one_of(st.just(""), texts))
@quickly
def test_any_name_that_is_stored_can_be_shown_changed_and_typed_again(
    tenant: PracticeTenant, knocker: Browser, name: str, domains: str
) -> None:
    response = knocker.post(f"{PROVIDERS}add/entra/", provider_form(tenant, name=name, email_domains=domains))
    if response.status_code == 422:
        return
    provider = IdentityProvider.objects.get()
    for action in ("", "edit/", "delete/"):
        assert knocker.get(f"{PROVIDERS}{provider.pk}/{action}").status_code == 200
    form = impact_form(Act.DELETE, provider)
    assert knocker.post(f"{PROVIDERS}{provider.pk}/delete/", form).status_code == 302
    assert not IdentityProvider.objects.exists()


@given(kind=st.sampled_from(["entra", "okta", "oidc"]), url=dead_ends, client_id=texts)
@quickly
def test_any_text_as_address_or_client_id_is_refused_clearly(
    knocker: Browser, kind: str, url: str, client_id: str
) -> None:
    given = {"name": "New", "url": url, "client_id": client_id, "client_secret": "not-a-secret-4711"}
    response = knocker.post(f"{PROVIDERS}add/{kind}/", given)
    assert response.status_code == 422
    assert "not-a-secret-4711" not in response.content.decode()
