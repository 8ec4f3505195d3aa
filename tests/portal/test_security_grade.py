"""Every address of Gatehouse as an https installation answers it, graded."""

from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver, path, reverse

from idp.models import IdentityProvider
from portal.urls import handler400, handler403, handler404, handler500  # noqa: F401  (of this URL configuration)
from portal.urls import urlpatterns as real_urlpatterns
from tests.browsing import Browser, parameters
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person, make_provider
from tests.portal.header_grades import Answer, faults, grade, is_careful
from tests.portal.test_permission_matrix import knock
from tests.production import HOST, ProxiedBrowser, production_settings, put_in_production
from users import organization_profile
from users.models import OrganizationLogo, User

pytestmark = pytest.mark.django_db


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a defect of our own")


broken.login_required = False  # type: ignore[attr-defined]
urlpatterns = [path("broken/", broken), *real_urlpatterns]


@pytest.fixture(autouse=True)
def production(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_production(settings, monkeypatch)


def answer_of(response: HttpResponse, **traits: bool) -> Answer:
    return Answer(dict(response.headers), response.cookies.values(), **traits)


def assert_best(response: HttpResponse, **traits: bool) -> None:
    graded = answer_of(response, **traits)
    assert (grade(graded), faults(graded)) == ("A+", []), (response.status_code, dict(response.headers))


def visitor(who: str) -> ProxiedBrowser:
    browser = ProxiedBrowser(raise_request_exception=False)
    if who == "person":
        browser.sign_in_with_password(make_person(password=PASSWORD))
        browser.sign_in_as_administrator(make_administrator())
        assert browser.is_signed_in and browser.is_administering
    return browser


def named(patterns: list[URLPattern | URLResolver], space: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from named(pattern.url_patterns, f"{pattern.namespace}:" if pattern.namespace else space)
        else:
            yield f"{space}{pattern.name}", pattern


NAMES = dict(named(get_resolver("portal.urls").url_patterns))
VALUES: dict[str, Any] = {"slug": "entra", "token": "made-up", "key": "made-up", "address": "0" * 16}
VALUES["passkey"] = UUID(int=1)
FRAMED = {"frontchannel_logout"}


def ask(browser: Browser, method: str, name: str, provider: IdentityProvider) -> HttpResponse:
    space, _, plain = name.rpartition(":")
    if space == "admin_portal":
        return knock(browser, method, plain, provider)
    values = {key: VALUES[key] for key in NAMES[name].pattern.converters}
    return browser.generic(method, reverse(name, kwargs=values))


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "BREW"])
@pytest.mark.parametrize("who", ["anonymous", "person"])
def test_every_address_gets_the_best_grade(who: str, method: str, tenant: PracticeTenant) -> None:
    provider, browser = make_provider(tenant, active=False), visitor(who)
    for name in NAMES:
        browser = visitor(who) if method == "POST" else browser  # a form may have signed her out
        response = ask(browser, method, name, provider)
        assert response.status_code != 500, name
        assert_best(response, framed=name in FRAMED)


def test_the_addresses_are_all_there() -> None:
    assert len(NAMES) > 150 and {"healthz", "federation_callback", "user_portal:home", "admin_portal:home"} <= set(
        NAMES
    )


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("/broken/", {}, 500),
        ("/nowhere/", {}, 404),
        ("/admin/nowhere/", {}, 404),
        ("/static/nowhere.css", {}, 404),
        ("/login", {}, 301),
        ("/login/", {"HTTP_HOST": "evil.example"}, 400),
        ("/", {}, 302),
        ("/healthz", {}, 200),
        ("/readyz", {}, 200),
    ],
)
def test_errors_and_redirects_get_the_best_grade(address: str, headers: dict[str, str], status: int) -> None:
    response = ProxiedBrowser(raise_request_exception=False).get(address, **headers)
    assert response.status_code == status
    assert_best(response)


def test_the_redirect_to_https_is_graded_without_hsts_which_plain_http_cannot_carry() -> None:
    response = ProxiedBrowser().get("/login/?next=/profile/", HTTP_X_FORWARDED_PROTO="http")
    assert (response.status_code, response["Location"]) == (301, f"https://{HOST}/login/?next=/profile/")
    assert_best(response, https=False)


def test_the_logo_may_be_kept_and_is_as_strict(administrator: User) -> None:
    picture = Path(__file__).parents[2] / "docs" / "images"
    data = next(picture.glob("*.png")).read_bytes()
    organization_profile.set_logo(actor=OPERATOR, data=data)
    sha256 = OrganizationLogo.objects.get().sha256
    response = ProxiedBrowser().get(reverse("logo", kwargs={"address": sha256[:16]}))
    assert response.status_code == 200
    assert_best(response, kept=True)


def test_static_files_get_the_best_grade(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.STORAGES = production_settings(monkeypatch)["STORAGES"]
    settings.STATIC_ROOT = tmp_path
    call_command("collectstatic", interactive=False, verbosity=0)
    files = [file.relative_to(tmp_path) for file in tmp_path.rglob("*.*") if file.suffix in {".css", ".js", ".svg"}]
    assert len(files) > 20
    for file in files:
        response = ProxiedBrowser().get(f"/static/{file}")
        assert response.status_code == 200, file
        assert_best(response, kept=True)
        response.close()  # it streams a file


def test_a_whole_sign_in_through_a_provider_gets_the_best_grade(provider: IdentityProvider, ada: User) -> None:
    browser = ProxiedBrowser()
    began = browser.post("/login/", {"email": ada.company_email})
    begun = browser.get(began["Location"]) if began["Location"].startswith("/") else began
    for response in (began, begun):
        assert_best(response)
    done = browser.come_back(browser.at_provider(begun["Location"]))
    assert parameters(begun["Location"])["redirect_uri"] == f"https://{HOST}/oauth/callback/entra"
    assert done.status_code in {302, 303} and browser.is_signed_in
    assert_best(done)
    out = browser.post("/logout/")
    assert_best(out)


@pytest.fixture
def provider(tenant: PracticeTenant, administrator: User) -> IdentityProvider:
    """The practice tenant, active, with this installation's redirect URI registered there."""
    tenant.redirect_uris = {f"https://{HOST}/oauth/callback/entra", f"https://{HOST}/signed-out/"}
    return make_provider(tenant)


def of_session(cookies: "SimpleCookie", realm: str) -> list[str]:
    return [name for name in cookies if ("admin" in name) == (realm == "admin")]


@pytest.mark.parametrize("realm", ["user", "admin"])
def test_cookies_are_bound_to_the_host_from_sign_in_to_sign_out(realm: str) -> None:
    browser = ProxiedBrowser()
    if realm == "admin":
        came_in = browser.sign_in_as_administrator(make_administrator())
        gone = browser.post("/admin/logout/")
    else:
        came_in = browser.sign_in_with_password(make_person(password=PASSWORD))
        gone = browser.post("/logout/")
    page = browser.get("/admin/login/" if realm == "admin" else "/login/password/")
    for response in (came_in, gone, page):
        assert response.cookies, response
        assert of_session(response.cookies, realm) == list(response.cookies)
        assert all(is_careful(cookie) for cookie in response.cookies.values()), response.cookies
    taken_back = [cookie for cookie in gone.cookies.values() if not cookie.value]
    assert [cookie.key for cookie in taken_back] == [name for name in came_in.cookies if "session" in name]
    # A browser ignores the end of a __Host- cookie that lacks what the prefix demands.
    assert all(cookie["secure"] and cookie["path"] == "/" and cookie["max-age"] == 0 for cookie in taken_back)


def test_the_state_of_a_sign_out_is_bound_to_the_host_too(provider: IdentityProvider, ada: User) -> None:
    browser = ProxiedBrowser()
    browser.federated_sign_in()
    out = browser.post("/logout/")
    state = parameters(out["Location"])["state"]
    assert is_careful(out.cookies["__Host-gatehouse_sign_out"])
    back = browser.get("/signed-out/", {"state": state})
    assert back.cookies["__Host-gatehouse_sign_out"]["secure"] and back.cookies["__Host-gatehouse_sign_out"].value == ""


def test_a_frame_of_the_providers_sign_out_page_is_allowed_to_it_alone(provider: IdentityProvider) -> None:
    response = ProxiedBrowser().get("/oauth/frontchannel-logout/entra", {"sid": "made-up"})
    origin = provider.issuer.split("/", 3)[:3]
    assert answer_of(response).policy["frame-ancestors"] == ["/".join(origin)]
    assert "X-Frame-Options" not in response
    assert_best(response, framed=True)


@pytest.mark.parametrize(
    ("change", "letter"),
    [
        ({}, "A+"),
        ({"Content-Security-Policy": ""}, "F"),
        ({"Content-Security-Policy": "default-src 'none'; script-src 'self' 'unsafe-inline'"}, "F"),
        ({"Strict-Transport-Security": "max-age=60"}, "B"),
        ({"X-Content-Type-Options": ""}, "A"),
        ({"Cross-Origin-Opener-Policy": "unsafe-none"}, "A"),
        ({"Cross-Origin-Resource-Policy": ""}, "A"),
        ({"Permissions-Policy": "camera=*"}, "A"),
        ({"Referrer-Policy": "unsafe-url"}, "A"),
        ({"Cache-Control": "public, max-age=60"}, "B"),
        ({"Access-Control-Allow-Origin": "*"}, "B"),
        ({"X-Frame-Options": ""}, "B"),
    ],
)
def test_the_grader_notices(change: dict[str, str], letter: str) -> None:
    headers = {**dict(ProxiedBrowser().get("/login/").headers), **change}
    assert grade(Answer(headers)) == letter


def test_the_grader_notices_a_cookie_for_other_hosts() -> None:
    cookies: SimpleCookie = SimpleCookie("session=1; Path=/; Domain=example; Secure; HttpOnly; SameSite=Lax")
    cookies["session"]["path"] = "/"
    assert grade(Answer(dict(ProxiedBrowser().get("/login/").headers), cookies.values())) == "B"
