"""Adding a provider whose discovery document lies or does not arrive: refused at the URL, and nothing is stored.

Through the form of the Admin Portal: a provider that lies here never gets as far as a sign-in.
"""

import pytest

from idp import services
from idp.models import IdentityProvider
from tests.browsing import Browser, last_event
from tests.conformance_table import saw
from tests.entra_tenant import Fault, PracticeTenant
from tests.factories import OPERATOR, provider_input
from tests.idp.conformance.support import no_provider_is_stored, table
from users.errors import DirectoryError
from users.models import User

PROVIDERS = "/admin/directory-integrations/identity-providers/"
ENDPOINTS = ["authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"]
REQUIRED = ENDPOINTS[:3]


def is_not_added(browser: Browser, administrator: User, tenant: PracticeTenant, code: str, url: str = "") -> None:
    """Check that a provider is refused with this code at the field `url`, audited, and not stored."""
    given = provider_input(tenant)
    form = {name: getattr(given, name) for name in ("name", "url", "client_id", "client_secret")}
    kind = "entra" if tenant.flavour == "entra" else "oidc"
    response = browser.post(f"{PROVIDERS}add/{kind}/", form | ({"url": url} if url else {}))
    page = response.content.decode()
    assert (response.status_code, 'id="id_url_error"' in page) == (422, True), page[-3000:]
    assert tenant.client_secret not in page
    event = last_event()
    assert (event.action, event.outcome, event.actor_id) == ("idp.provider.added", "refused", administrator.pk)
    assert saw(event.error_code) == code
    assert no_provider_is_stored()
    assert tenant.count("token") == 0
    assert browser.is_administering


BOTH = [
    ("issuer-another", {"discovery": {"issuer": "https://evil.example"}}, "issuer_mismatch"),
    ("issuer-another/with-another-path", {"discovery": {"issuer": lambda d: d["issuer"] + "/x"}}, "issuer_mismatch"),
    ("issuer-missing", {"drop_discovery": ("issuer",)}, "issuer_missing"),
    ("issuer-a-list", {"discovery": {"issuer": lambda d: [d["issuer"]]}}, "member_type"),
    ("no-code-flow", {"discovery": {"response_types_supported": ["id_token"]}}, "code_flow"),
    ("response-types-a-string", {"discovery": {"response_types_supported": "code"}}, "member_type"),
    ("endpoint-a-number", {"discovery": {"token_endpoint": 7}}, "member_type"),
    *((f"{name}-missing", {"drop_discovery": (name,)}, "endpoint_missing") for name in REQUIRED),
    *(
        (f"endpoint-on-http/{name}", {"discovery": {name: "http://sso.example/x"}}, "endpoint_insecure")
        for name in ENDPOINTS
    ),
    ("endpoint-with-user", {"discovery": {"token_endpoint": "https://a@sso.example/x"}}, "endpoint_insecure"),
    ("endpoint-with-script", {"discovery": {"authorization_endpoint": "javascript:alert(1)"}}, "endpoint_insecure"),
    ("endpoint-without-host", {"discovery": {"token_endpoint": "/token"}}, "endpoint_insecure"),
]


@pytest.mark.parametrize("flavour", ["tenant", "plain_tenant"])
@table(("lie", "code"), BOTH, "discovery-")
@pytest.mark.spec("OIDC Discovery", "4.3")
def test_a_document_is_refused(
    lie: dict, code: str, flavour: str, request: pytest.FixtureRequest, administrator: User, admin_browser: Browser
) -> None:
    tenant = request.getfixturevalue(flavour)
    with tenant.lying(**lie):
        is_not_added(admin_browser, administrator, tenant, f"idp.discovery.{code}")


@pytest.mark.conformance("discovery-endpoint-on-another-host")
@pytest.mark.parametrize("member", ENDPOINTS)
@pytest.mark.parametrize("where", ["https://evil.example/x", "https://10.0.0.1/x", "https://127.0.0.1:1/x"])
@pytest.mark.spec("entra.md", "1.2")
def test_an_entra_endpoint_on_another_host_is_refused(
    member: str, where: str, tenant: PracticeTenant, administrator: User, admin_browser: Browser
) -> None:
    with tenant.lying(discovery={member: where}):
        is_not_added(admin_browser, administrator, tenant, "idp.discovery.endpoint_host")


@pytest.mark.parametrize("member", ["token_endpoint", "jwks_uri"])
@table(
    "host",
    [
        ("endpoint-on-a-private-address", "10.0.0.1"),
        ("endpoint-on-a-private-address/metadata", "169.254.169.254"),
        ("endpoint-on-a-private-address/loopback", "127.0.0.1"),
        ("endpoint-on-a-private-address/ipv6-loopback", "[::1]"),
        ("endpoint-on-a-private-address/ipv4-in-ipv6", "[::ffff:10.0.0.1]"),
        ("name-that-resolves-to-a-private-address", "localhost"),
    ],
    "discovery-",
)
@pytest.mark.spec("entra.md", "2")
def test_an_endpoint_on_a_private_address_is_refused(
    member: str, host: str, plain_tenant: PracticeTenant, administrator: User, admin_browser: Browser
) -> None:
    """It could never be called: to say so at the first sign-in would be too late."""
    with plain_tenant.lying(discovery={member: f"https://{host}/x"}):
        is_not_added(admin_browser, administrator, plain_tenant, "idp.http.address_blocked")


@pytest.mark.parametrize("url", ["https://10.0.0.1", "https://192.168.1.1:8443/realms/x", "https://169.254.169.254"])
@pytest.mark.spec("entra.md", "2")
def test_an_issuer_on_a_private_address_is_refused(
    url: str, plain_tenant: PracticeTenant, administrator: User, admin_browser: Browser
) -> None:
    is_not_added(admin_browser, administrator, plain_tenant, "idp.http.address_blocked", url=url)


@pytest.mark.parametrize("flavour", ["tenant", "plain_tenant"])
@table(
    ("fault", "code"),
    [
        ("down", Fault.DOWN, "idp.http.connection_broken"),
        ("resets-mid-body", Fault.RESET_MID_BODY, "idp.http.connection_broken"),
        ("html", Fault.HTML, "idp.http.not_json"),
        ("json-list", Fault.JSON_LIST, "idp.http.not_json"),
        ("200-mib", Fault.HUGE_CHUNKED, "idp.http.too_large"),
        ("gzip-bomb", Fault.GZIP_BOMB, "idp.http.too_large"),
        ("redirect-307", Fault.REDIRECT_307, "idp.http.redirect"),
        ("status-500", Fault.STATUS, "idp.discovery.refused"),
    ],
)
def test_a_document_that_does_not_arrive_is_refused(
    fault: Fault, code: str, flavour: str, request: pytest.FixtureRequest, administrator: User, admin_browser: Browser
) -> None:
    tenant = request.getfixturevalue(flavour)
    tenant.fault("discovery", fault)
    is_not_added(admin_browser, administrator, tenant, code)
    assert tenant.count("trap") == 0


def test_a_provider_that_refuses_connections_is_refused(
    tenant: PracticeTenant, administrator: User, admin_browser: Browser
) -> None:
    tenant.server.stop()
    is_not_added(admin_browser, administrator, tenant, "idp.http.connection_failed")


@table(
    ("lie", "code"),
    [
        (
            "signs-only-with-hs256",
            {"discovery": {"id_token_signing_alg_values_supported": ["HS256", "none"]}},
            "idp.discovery.algorithms",
        ),
        (
            "takes-no-client-secret",
            {"discovery": {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}},
            "idp.discovery.auth_method",
        ),
    ],
)
@pytest.mark.spec("OIDC Discovery", "3")
def test_a_provider_that_could_never_sign_anybody_in_is_refused(
    lie: dict, code: str, plain_tenant: PracticeTenant, administrator: User, admin_browser: Browser
) -> None:
    with plain_tenant.lying(**lie):
        is_not_added(admin_browser, administrator, plain_tenant, code)


@pytest.mark.conformance("oidcc-client-test-discovery-issuer-mismatch")
@pytest.mark.parametrize("flavour", ["tenant", "plain_tenant"])
@pytest.mark.spec("OIDC Discovery", "4.3")
def test_oidcc_client_test_discovery_issuer_mismatch(
    flavour: str, request: pytest.FixtureRequest, administrator: User, admin_browser: Browser
) -> None:
    tenant = request.getfixturevalue(flavour)
    with tenant.lying(discovery={"issuer": "https://evil.example"}):
        is_not_added(admin_browser, administrator, tenant, "idp.discovery.issuer_mismatch")


@pytest.mark.spec("OIDC Discovery", "4.3")
def test_a_failed_edit_leaves_the_provider_as_it_was(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    before = IdentityProvider.objects.values_list("issuer", "url", "metadata", "version").get()
    with tenant.lying(discovery={"issuer": "https://evil.example"}), pytest.raises(DirectoryError):
        services.update_provider(actor=OPERATOR, provider=provider, given=provider_input(tenant))
    assert IdentityProvider.objects.values_list("issuer", "url", "metadata", "version").get() == before
    assert IdentityProvider.objects.get().client_secret.reveal() == tenant.client_secret
