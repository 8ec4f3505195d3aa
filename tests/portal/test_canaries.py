"""No secret is ever written down: canaries go through every path, and then everything is searched for them."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.conf import settings as django_settings
from django.db import IntegrityError
from django.test import Client

from idp import federation
from idp.models import ClientCertificate, IdentityProvider, UpstreamGrant
from portal import sign_in
from tests.browsing import Browser, parameters
from tests.canaries import Watch, holds
from tests.entra_tenant import Fault, PracticeTenant
from tests.factories import OPERATOR, make_person
from tests.mailbox import link_in, newest_mail
from tests.second_factors import ACCOUNT, App, codes_on, seed_on
from users.administrators import issue_setup_link
from users.invitations import send_invitation
from users.models import User

# With real transactions: lines of audit rows are written when one is over.
pytestmark = pytest.mark.django_db(transaction=True)

PROVIDERS = "/admin/directory-integrations/identity-providers/"
WORDS = ("right", "wrong", "own", "reset", "invited")
RIGHT, WRONG, OWN, RESET, INVITED = (f"canary-{word}-umbrella-4711" for word in WORDS)


class Tokens:
    """What the practice tenant handed out."""

    def __init__(self, tenant: PracticeTenant) -> None:
        self.tenant = tenant
        self.id_token = ""

    def keep(self, token: str) -> str:
        self.id_token = token
        return token

    @property
    def access(self) -> str:
        return list(self.tenant.grants._access)[-1]

    @property
    def refresh(self) -> str:
        return list(self.tenant.grants._refresh)[-1]


def sent_to(tenant: PracticeTenant, name: str) -> set[str]:
    """Return what the tenant got under this name."""
    return {request.params.get(name, "") for request in tenant.requests}


def round_trip(watch: Watch, browser: Browser, tenant: PracticeTenant, mark: str = "") -> str:
    """Go to the provider, note what comes back as canaries, and return the callback's address."""
    location = browser.begin()
    asked, callback = parameters(location), browser.at_provider(location)
    answer = parameters(callback)
    watch.secret(f"state{mark}", asked["state"], proof=answer["state"] == asked["state"])
    watch.secret(f"nonce{mark}", asked["nonce"], proof=asked["nonce"] in sent_to(tenant, "nonce"))
    watch.secret(f"code{mark}", answer["code"], proof=True)
    return callback


def test_a_federated_sign_in(
    watch: Watch, provider: IdentityProvider, tenant: PracticeTenant, ada: User, browser_client: Browser
) -> None:
    IdentityProvider.objects.update(recheck_minutes=15)
    tokens = Tokens(tenant)
    callback = round_trip(watch, browser_client, tenant)
    with tenant.lying(id_token=tokens.keep):
        watch.page(browser_client.come_back(callback), 303)
    assert browser_client.is_signed_in
    code = watch.secrets["code"]
    assert code in sent_to(tenant, "code")
    (verifier,) = sent_to(tenant, "code_verifier") - {""}
    watch.secret("verifier", verifier, proof=True)
    watch.secret("client secret", tenant.client_secret, proof=tenant.client_secret in sent_to(tenant, "client_secret"))
    watch.secret("ID token", tokens.id_token, proof=browser_client.is_signed_in)
    watch.secret("access token", tokens.access, proof=True)
    kept = UpstreamGrant.objects.get().refresh_token.reveal()
    watch.secret("refresh token", tokens.refresh, proof=kept == tokens.refresh)
    watch.secret("session", browser_client.session_cookie, proof=browser_client.is_signed_in)
    watch.page(browser_client.come_back(callback), 400)  # the state again
    watch.page(Browser().come_back(callback), 400)  # another browser
    logout = tenant.logout_token(tenant.person("ada@contoso.example"), sid="nothing")
    watch.secret("logout token", logout, proof=True)
    watch.page(Browser().post(f"/oauth/backchannel-logout/{provider.slug}", {"logout_token": logout}), 400)
    watch.page(browser_client.post("/logout/"), 302)
    watch.assert_silent(
        *("state", "nonce", "code", "verifier", "client secret", "ID token", "access token", "refresh token"),
        *("session", "logout token"),
    )


def quote_all(tenant: PracticeTenant) -> dict[str, object]:
    """Return an error answer in which the provider repeats whatever it was sent."""

    def description(honest: object) -> str:
        request = [each for each in tenant.requests if each.kind == "token"][-1]
        return " ".join(f"{name}={value}" for name, value in request.params.items())

    return {"token_status": 400, "token": {"error": "invalid_grant", "error_description": description}}


TROUBLES: dict[str, Callable[[PracticeTenant], dict[str, Any]]] = {
    "the provider repeats what it was sent": quote_all,
    "a refusal by number": lambda tenant: {"token_error": 7000222},
    "a token with a wrong nonce": lambda tenant: {"claims": {"nonce": "another"}},
    "a token that is broken": lambda tenant: {"corrupt_signature": True},
    "a body that is none": lambda tenant: {"token_body": b'{"access_token": "canary-unfinished-token'},
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_sign_in_that_the_provider_spoils(
    trouble: str,
    watch: Watch,
    provider: IdentityProvider,
    tenant: PracticeTenant,
    ada: User,
    browser_client: Browser,
) -> None:
    callback = round_trip(watch, browser_client, tenant)
    with tenant.lying(**TROUBLES[trouble](tenant)):
        answer = browser_client.come_back(callback)
    watch.page(answer, answer.status_code)
    assert answer.status_code >= 400
    watch.secret("client secret", tenant.client_secret, proof=tenant.client_secret in sent_to(tenant, "client_secret"))
    watch.secret("unfinished", "canary-unfinished-token", proof=True)
    watch.assert_silent("state", "nonce", "code", "client secret", "unfinished")


def test_a_provider_that_is_down_or_sends_us_elsewhere(
    watch: Watch, provider: IdentityProvider, tenant: PracticeTenant, ada: User, browser_client: Browser
) -> None:
    for number, fault in enumerate((Fault.DOWN, Fault.REDIRECT_307, Fault.RESET_MID_BODY, Fault.HTML)):
        callback = round_trip(watch, browser_client, tenant, f" {number}")
        tenant.fault("token", fault)
        answer = browser_client.come_back(callback)
        watch.page(answer, answer.status_code)
        assert answer.status_code >= 400
        tenant.clear_faults()
    tenant.fault("*", Fault.DOWN)
    watch.ran("housekeeping")
    watch.ran("idp", "test", "entra", "--json", status=5)
    watch.secret("client secret", tenant.client_secret, proof=tenant.client_secret in sent_to(tenant, "client_secret"))
    marks = [f"{name} {number}" for number in range(4) for name in ("state", "nonce", "code")]
    watch.assert_silent("client secret", *marks)


def own_password(browser: Browser, old: str, new: str) -> Any:
    return browser.post("/security/password/", {"old_password": old, "new_password": new, "new_password_again": new})


def test_passwords_and_the_links_that_set_them(watch: Watch, browser_client: Browser) -> None:
    person = make_person("grace@contoso.example", password=RIGHT)
    watch.page(browser_client.sign_in_with_password(person, WRONG), 401)
    watch.secret("wrong password", WRONG, proof=not browser_client.is_signed_in)
    watch.page(browser_client.sign_in_with_password(person, RIGHT), 302)
    watch.secret("right password", RIGHT, proof=browser_client.is_signed_in)
    watch.page(own_password(browser_client, WRONG, OWN), 422)
    watch.page(own_password(browser_client, RIGHT, OWN), 302)
    watch.secret("own password", OWN, proof=Browser().sign_in_with_password(person, OWN).status_code == 302)
    watch.page(Browser().post("/password/reset/", {"email": person.company_email}), 200)
    link = link_in(newest_mail(person.company_email))
    watch.page(Browser().post(link, {"password": "short", "password_again": "short"}), 422)
    watch.page(Browser().post(link, {"password": RESET, "password_again": RESET}), 302)
    watch.secret("reset password", RESET, proof=Browser().sign_in_with_password(person, RESET).status_code == 302)
    watch.page(Browser().post(link, {"password": RESET, "password_again": RESET}), 410)
    watch.secret("reset link", link.split("/")[-2], proof=True)
    invited = make_person("edith@contoso.example")
    send_invitation(actor=OPERATOR, person=invited, activate=False)
    link = link_in(newest_mail(invited.company_email))
    watch.page(Browser().get(f"{link}nowhere/"), 404)
    watch.page(Browser().post(link, {"password": INVITED, "password_again": INVITED}), 302)
    watch.secret("invited", INVITED, proof=Browser().sign_in_with_password(invited, INVITED).status_code == 302)
    watch.secret("invitation", link.split("/")[-2], proof=True)
    watch.page(Browser().get(link), 410)
    watch.assert_silent(
        *("wrong password", "right password", "own password", "reset password", "reset link", "invited", "invitation")
    )


def test_form_tokens(watch: Watch) -> None:
    person, browser = make_person(password=RIGHT), Client(enforce_csrf_checks=True)
    page = browser.get("/login/password/").content.decode()
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0]
    cookie = browser.cookies[django_settings.CSRF_COOKIE_NAME].value
    form = {"email": person.company_email, "password": RIGHT, "csrfmiddlewaretoken": "x" * 64}
    watch.page(browser.post("/login/password/", form), 403)
    signed_in = watch.page(browser.post("/login/password/", {**form, "csrfmiddlewaretoken": token}), 302)
    watch.secret("form token", token, proof=signed_in)
    watch.secret("form cookie", cookie, proof=signed_in)
    watch.assert_silent("form token", "form cookie")


def test_second_factors(watch: Watch, administrator: User, admin_browser: Browser) -> None:
    page = f"{ACCOUNT['admin']}app/"
    app = App(seed_on(admin_browser.get(page)))
    assert admin_browser.post(page, {"code": "000000"}).status_code == 422  # this page is there to show the seed
    shown = admin_browser.post(page, {"code": app.code()})
    codes = codes_on(shown)
    watch.secret("seed", app.seed, proof=codes)
    watch.secret("code at set-up", app.code(), proof=codes)
    browser, step = Browser(), "/admin/login/second-factor/"
    browser.sign_in_as_administrator(administrator)
    watch.page(browser.post(step, {"code": "canary-wrong-code"}), 401)
    watch.secret("wrong code", "canary-wrong-code", proof=not browser.is_administering)
    watch.page(browser.post(step, {"code": codes[0]}), 302)
    watch.secret("recovery code", codes[0], proof=browser.is_administering)
    for number, code in enumerate(codes[1:], start=1):
        watch.secret(f"recovery code {number}", code, proof=True)
    cookie = browser.cookies[django_settings.ADMIN_COOKIE_NAMES[django_settings.SESSION_COOKIE_NAME]].value
    watch.secret("administrator's session", cookie, proof=browser.is_administering)
    again = Browser()
    again.sign_in_as_administrator(administrator)
    watch.page(again.post(step, {"code": codes[0]}), 401)
    further = [f"recovery code {number}" for number in range(1, len(codes))]
    watch.assert_silent(*("seed", "code at set-up", "wrong code", "recovery code", "administrator's session"), *further)


def test_client_secrets_and_keys(
    watch: Watch, provider: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser
) -> None:
    page = f"{PROVIDERS}{provider.pk}/credentials/"
    wrong, second, third = "canary~wrong~secret~0815", tenant.add_secret(), tenant.add_secret()
    form = {"name": "Second", "url": tenant.idp_url, "client_id": tenant.client_id, "client_secret": wrong}
    watch.page(admin_browser.post(f"{PROVIDERS}add/entra/", form), 422)
    watch.page(admin_browser.post(f"{page}add-secret/", {"client_secret": wrong}), 422)
    watch.ran("idp", "add-next-secret", "entra", "--json", status=2, stdin=wrong)
    watch.secret("wrong secret", wrong, proof=wrong in sent_to(tenant, "client_secret"))
    watch.page(admin_browser.post(f"{page}add-secret/", {"client_secret": second}), 302)
    watch.page(admin_browser.post(f"{page}promote-secret/"), 302)
    assert IdentityProvider.objects.get().client_secret.reveal() == second
    watch.secret("secret by form", second, proof=second in sent_to(tenant, "client_secret"))
    watch.ran("idp", "set-secret", "entra", stdin=third)
    watch.secret("secret by command", third, proof=IdentityProvider.objects.get().client_secret.reveal() == third)
    watch.page(admin_browser.post(f"{page}new-certificate/"), 302)
    key = ClientCertificate.objects.get().private_key.reveal()
    watch.secret("private key", key.split("\n")[1], proof="PRIVATE KEY" in key)
    pem = admin_browser.get(f"{page}certificate/next/pem/").content.decode()
    watch.page(admin_browser.post(f"{page}promote-certificate/"), 400)
    tenant.add_certificate(pem)
    watch.page(admin_browser.post(f"{page}promote-certificate/"), 302)
    assertion = (sent_to(tenant, "client_assertion") - {""}).pop()
    watch.secret("assertion", assertion, proof=True)
    watch.ran("idp", "test", "entra", "--json")
    watch.ran("keys", "rotate")
    fresh = watch.ran("keys", "generate", hands_out=True).out.strip()
    watch.secret("new encryption key", fresh, proof=True)
    watch.assert_silent(
        *("wrong secret", "secret by form", "secret by command", "private key", "assertion", "new encryption key")
    )


def test_what_operators_hand_out_and_type(watch: Watch, settings: LazySettings) -> None:
    settings.METRICS_TOKEN = "canary-metrics-token-4711"
    setup = issue_setup_link(actor=OPERATOR)
    form = {"display_name": "Grace", "company_email": "grace@contoso.example", "password": RIGHT}
    watch.page(Browser().post(f"/admin/set-up/{setup}/", {**form, "password_again": WRONG}), 422)
    watch.page(Browser().post(f"/admin/set-up/{setup}/", {**form, "password_again": RIGHT}), 302)
    watch.page(Browser().get(f"/admin/set-up/{setup}/"), 410)
    grace = User.objects.get()
    watch.secret("set-up link", setup, proof=grace.admin_role)
    watch.secret("first password", RIGHT, proof=Browser().sign_in_as_administrator(grace, RIGHT).status_code == 302)
    watch.ran("admins", "set-password", grace.company_email, stdin="canary-short", status=0)
    watch.secret("typed password", "canary-short", proof=grace)
    printed = watch.ran("admins", "break-glass", grace.company_email, hands_out=True).out
    link = re.findall(r"https?://\S+", printed)[0].removeprefix(settings.PUBLIC_URL)
    watch.page(Browser().post(link[:-2] + "/"), 410)
    watch.page(Browser().post(link), 302)
    watch.secret("break-glass link", link.rstrip("/").rpartition("/")[2], proof=True)
    watch.page(Browser().post(link), 410)
    for given in ("Bearer canary-other-token-4711", "Basic canary-metrics-token-4711", ""):
        watch.page(Browser().get("/metrics", headers={"Authorization": given}), 403)
    watch.secret("metrics token", settings.METRICS_TOKEN, proof=True)
    watch.secret("other metrics token", "canary-other-token-4711", proof=True)
    watch.assert_silent(
        *("set-up link", "first password", "typed password", "break-glass link", "metrics token", "other metrics token")
    )


def test_defects_that_quote_what_they_were_given(
    watch: Watch,
    provider: IdentityProvider,
    tenant: PracticeTenant,
    ada: User,
    administrator: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    browser, tokens = Browser(raise_request_exception=False), Tokens(tenant)

    def quotes(**given: Any) -> None:
        texts = [tokens.id_token, tokens.access, tenant.client_secret, browser.session_cookie]
        texts.append(str(parameters(callback)))
        raise IntegrityError(
            f"DETAIL: Key (token)=({' '.join(texts)}) exists; postgres://gatehouse:canary-db-word@db/x"
        )

    monkeypatch.setattr(federation, "match_person", quotes)
    callback = round_trip(watch, browser, tenant)
    with tenant.lying(id_token=tokens.keep):
        page = watch.page(browser.come_back(callback), 500)
    assert page["X-Request-ID"] in page.content.decode()
    monkeypatch.undo()
    (line,) = watch.log.of("django.request")
    assert line["request_id"] == page["X-Request-ID"] and "IntegrityError: DETAIL: Key" in line["exception"]
    watch.secret("ID token", tokens.id_token, proof=True)
    watch.secret("access token", tokens.access, proof=True)
    watch.secret("client secret", tenant.client_secret, proof=True)
    watch.secret("session", browser.session_cookie, proof=True)
    watch.secret("database password", "canary-db-word", proof=True)

    def quotes_form(request: Any, **given: Any) -> None:
        raise RuntimeError(f"{given} {request.POST} {request.COOKIES} {request.META}")

    monkeypatch.setattr(sign_in, "authenticate", quotes_form)
    watch.page(browser.sign_in_as_administrator(administrator, RIGHT), 500)
    watch.secret("password", RIGHT, proof="RuntimeError: " in watch.log.text)
    watch.assert_silent(
        *("state", "nonce", "code", "ID token", "access token", "client secret", "session", "database password"),
        "password",
    )


@pytest.mark.parametrize(
    "spelling",
    [
        'x a/secret+with "all" of it y',
        "a%2Fsecret%2Bwith+%22all%22+of+it",
        "a/secret+with &quot;all&quot; of it",
        "YS9zZWNyZXQrd2l0aCAiYWxsIiBvZiBpdA==",
    ],
)
def test_the_search_finds_what_is_there(spelling: str) -> None:
    assert holds(spelling, 'a/secret+with "all" of it') and not holds("a/secret", 'a/secret+with "all" of it')


def test_the_search_takes_no_fraction_of_a_second_for_a_code() -> None:
    assert holds("code 123456", "123456") and not holds("at 10:00:00.123456 for 0.123456", "123456")
