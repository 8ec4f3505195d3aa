"""The connection test: one line for each thing that a sign-in needs of the provider, with the cause and the cure."""

import time
from typing import Any

import pytest
from django.conf import LazySettings

from idp import services
from idp.models import IdentityProvider
from idp.steps import Step
from tests.browsing import last_event
from tests.entra_tenant import Fault, PracticeTenant
from tests.factories import OPERATOR, make_administrator, make_provider, provider_input
from users.audit import Actor
from users.errors import DirectoryError
from users.models import AdminRole, AuditEvent

pytestmark = pytest.mark.django_db

NAMES = [
    "Name resolution",
    "TLS",
    "Discovery document",
    "Issuer",
    "Endpoints",
    "Signing keys",
    "Client credentials",
    "Clock",
]


@pytest.fixture
def draft(tenant: PracticeTenant) -> IdentityProvider:
    """A stored draft at the practice tenant."""
    return make_provider(tenant, active=False)


def lines_of(provider: IdentityProvider) -> dict[str, Step]:
    """Run the test of a stored provider and return its lines by name."""
    steps = services.test_provider(actor=OPERATOR, provider=provider)
    assert [step.name for step in steps] == NAMES
    return {step.name: step for step in steps}


def tried(tenant: PracticeTenant, provider: IdentityProvider | None = None, **changes: Any) -> dict[str, Step]:
    """Run the test of a form and return its lines by name."""
    kind = "entra" if tenant.flavour == "entra" else "oidc"
    given = provider_input(tenant, **changes)
    steps = services.test_settings(actor=OPERATOR, kind=kind, given=given, provider=provider)
    return {step.name: step for step in steps}


def outcomes(steps: dict[str, Step]) -> dict[str, str]:
    """Return how each line ended, without those that passed."""
    return {name: step.outcome for name, step in steps.items() if step.outcome != "passed"}


def test_all_is_well(draft: IdentityProvider, tenant: PracticeTenant) -> None:
    steps = lines_of(draft)
    # Practice goes over plain http, which is not called a TLS connection.
    assert outcomes(steps) == {"TLS": "unknown"}
    assert "127.0.0.1" in steps["Name resolution"].detail
    assert tenant.issuer in steps["Issuer"].detail
    assert "3 published, 3 usable" in steps["Signing keys"].detail
    assert "client secret" in steps["Client credentials"].detail
    draft.refresh_from_db()
    assert [step["name"] for step in draft.last_test or []] == NAMES
    assert last_event(action="idp.provider.tested").details == {"failed": []}


def test_what_depends_on_a_failed_step_is_not_tested_and_says_why(
    draft: IdentityProvider, tenant: PracticeTenant
) -> None:
    tenant.fault("discovery", Fault.HTML)
    steps = lines_of(draft)
    assert outcomes(steps) == {
        "TLS": "unknown",
        "Discovery document": "failed",
        **dict.fromkeys(NAMES[3:], "skipped"),
    }
    assert steps["Issuer"].detail == "Not tested, because “Discovery document” failed."
    assert steps["Signing keys"].detail == "Not tested, because “Endpoints” was not tested."
    assert last_event(action="idp.provider.tested").details == {"failed": ["idp.http.not_json"]}


def test_a_provider_that_is_gone_fails_at_the_connection(draft: IdentityProvider, tenant: PracticeTenant) -> None:
    tenant.server.stop()  # type: ignore[attr-defined]
    steps = lines_of(draft)
    assert [step.code for step in steps.values() if step.outcome == "failed"] == ["idp.http.connection_failed"]


def test_a_name_that_nobody_knows_is_the_first_line(draft: IdentityProvider, settings: LazySettings) -> None:
    IdentityProvider.objects.update(url="https://nowhere.invalid", kind="oidc")
    draft.refresh_from_db()
    steps = lines_of(draft)
    assert (steps["Name resolution"].outcome, steps["Name resolution"].code) == (
        "failed",
        "idp.http.name_not_resolved",
    )
    assert set(outcomes(steps)) == set(NAMES)


@pytest.mark.parametrize(
    ("lie", "name", "code"),
    [
        ({"discovery": {"issuer": "https://other.example"}}, "Issuer", "idp.discovery.issuer_mismatch"),
        ({"drop_discovery": ("issuer",)}, "Issuer", "idp.discovery.issuer_missing"),
        ({"drop_discovery": ("token_endpoint",)}, "Endpoints", "idp.discovery.endpoint_missing"),
        (
            {"discovery": {"token_endpoint": "https://evil.example/token"}},
            "Endpoints",
            "idp.discovery.endpoint_host",
        ),
        ({"discovery": {"jwks_uri": "http://evil.example/keys"}}, "Endpoints", "idp.discovery.endpoint_insecure"),
        ({"jwks": lambda keys: {"keys": []}}, "Signing keys", "idp.keys_missing"),
        (
            {"jwks": lambda keys: {"keys": [{**key, "use": "enc"} for key in keys]}},
            "Signing keys",
            "idp.keys_unusable",
        ),
        ({"token_error": 7000222}, "Client credentials", "idp.token_endpoint.client_refused"),
    ],
)
def test_each_mistake_fails_on_its_own_line(
    draft: IdentityProvider, tenant: PracticeTenant, lie: dict[str, Any], name: str, code: str
) -> None:
    with tenant.lying(**lie):
        steps = lines_of(draft)
    failed = {step.name: step.code for step in steps.values() if step.outcome == "failed"}
    assert failed == {name: code}
    assert steps[name].hint


def test_what_microsoft_says_can_be_quoted(draft: IdentityProvider, tenant: PracticeTenant) -> None:
    tenant.expire_secret()
    step = lines_of(draft)["Client credentials"]
    assert "7000222" in step.detail and "Certificates & secrets" in step.hint
    assert set(step.facts) == {"Correlation ID", "Time", "The provider's own words"}
    assert "AADSTS7000222" in step.facts["The provider's own words"]


def test_some_keys_may_be_of_no_use(draft: IdentityProvider, tenant: PracticeTenant) -> None:
    def with_broken_ones(keys: list[Any]) -> dict[str, Any]:
        return {"keys": [*keys, {"kty": "EC"}, "no key", {"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}

    with tenant.lying(jwks=with_broken_ones):
        assert "6 published, 3 usable" in lines_of(draft)["Signing keys"].detail


def test_an_endpoint_that_moved_is_a_warning_and_the_secret_stays_where_it_belongs(
    plain_tenant: PracticeTenant,
) -> None:
    provider = make_provider(plain_tenant, active=False)
    with plain_tenant.lying(discovery={"token_endpoint": plain_tenant.trap_url}):
        step = lines_of(provider)["Endpoints"]
    assert (step.outcome, plain_tenant.count("trap")) == ("warning", 0)
    assert "token_endpoint" in step.detail and "Change" in step.hint


def test_other_kinds_cannot_be_asked_about_a_secret_and_are_never_green(plain_tenant: PracticeTenant) -> None:
    steps = lines_of(make_provider(plain_tenant, active=False))
    assert outcomes(steps) == {"TLS": "unknown", "Client credentials": "unknown"}
    assert "a rehearsal tells" in steps["Client credentials"].detail
    assert plain_tenant.count("token") == 0


@pytest.mark.parametrize(
    ("flavour", "skew", "outcome", "words"),
    [
        ("entra", 0, "passed", ""),
        ("entra", 30, "passed", "300 s are allowed"),
        ("entra", 120, "warning", "behind"),
        ("entra", -120, "warning", "ahead of"),
        ("entra", 400, "failed", "behind"),
        ("entra", -400, "failed", "ahead of"),
        ("oidc", 30, "passed", "60 s are allowed"),
        ("oidc", 90, "failed", "behind"),
    ],
)
def test_the_clock_is_compared_with_the_providers(
    request: pytest.FixtureRequest, flavour: str, skew: int, outcome: str, words: str
) -> None:
    tenant: PracticeTenant = request.getfixturevalue("tenant" if flavour == "entra" else "plain_tenant")
    provider = make_provider(tenant, active=False)
    tenant.date_skew = skew
    step = lines_of(provider)["Clock"]
    assert (step.outcome, step.code) == (outcome, "idp.clock_wrong" if outcome == "failed" else "")
    assert words in step.detail
    assert ("NTP" in step.hint) == (outcome != "passed")


def test_a_stored_address_that_makes_no_sense_any_more_is_one_line(draft: IdentityProvider) -> None:
    IdentityProvider.objects.update(url="https://portal.azure.com/")
    draft.refresh_from_db()
    (step,) = services.test_provider(actor=OPERATOR, provider=draft)
    assert (step.name, step.outcome, step.code) == ("Address", "failed", "idp.url.portal")


def test_a_test_that_is_refused_is_audited(draft: IdentityProvider) -> None:
    reader = make_administrator(AdminRole.READ_ONLY)
    with pytest.raises(DirectoryError) as caught:
        services.test_provider(actor=Actor(reader, reader.label), provider=draft)
    assert caught.value.code == "users.permission_refused"
    assert last_event(action="idp.provider.tested").outcome == "refused"


# --- a form that is not saved ----------------------------------------------------------------------------------------


def test_a_form_is_tested_before_it_is_saved(tenant: PracticeTenant) -> None:
    assert outcomes(tried(tenant)) == {"TLS": "unknown"}
    assert not IdentityProvider.objects.exists()
    event = last_event(action="idp.provider.tested")
    assert (event.outcome, event.target_id) == ("success", "")
    assert event.details == {"kind": "entra", "unsaved": True, "url": tenant.idp_url, "failed": []}


def test_a_wrong_secret_in_a_form_fails_and_is_kept_nowhere(tenant: PracticeTenant) -> None:
    steps = tried(tenant, client_secret="wrong-but-well-formed")
    assert steps["Client credentials"].code == "idp.token_endpoint.client_refused"
    assert "wrong-but-well-formed" not in str(steps) + str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize("missing", ["client_id", "client_secret"])
def test_a_form_that_is_not_complete_is_tested_as_far_as_it_goes(tenant: PracticeTenant, missing: str) -> None:
    steps = tried(tenant, name="", **{missing: "" if missing == "client_id" else None})
    assert outcomes(steps) == {"TLS": "unknown", "Client credentials": "skipped"}
    assert "typed" in steps["Client credentials"].detail and tenant.count("token") == 0


def test_a_domain_is_resolved_to_its_tenant_and_said_so(tenant: PracticeTenant) -> None:
    steps = tried(tenant, url=f"{tenant.base_url}/contoso.example")
    assert tenant.tenant_id in steps["Discovery document"].detail
    assert outcomes(steps) == {"TLS": "unknown"}


def test_the_stored_secret_is_tried_at_its_own_address(draft: IdentityProvider, tenant: PracticeTenant) -> None:
    assert outcomes(tried(tenant, draft, client_secret=None)) == {"TLS": "unknown"}
    assert last_event(action="idp.provider.tested").target_id == str(draft.pk)
    draft.refresh_from_db()
    assert draft.last_test is None


@pytest.mark.parametrize("moved", ["address", "token endpoint"])
def test_the_stored_secret_never_travels_to_a_new_address(
    draft: IdentityProvider, tenant: PracticeTenant, moved: str
) -> None:
    tenant.reset_log()
    if moved == "address":
        tenant.tenant_id = "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0"
        steps = tried(tenant, draft, client_secret=None)
    else:
        elsewhere = f"{tenant.base_url}/{tenant.tenant_id}/elsewhere"
        with tenant.lying(discovery={"token_endpoint": elsewhere}):
            steps = tried(tenant, draft, client_secret=None)
    assert outcomes(steps) == {"TLS": "unknown", "Client credentials": "skipped"}
    assert "not sent to a new address" in steps["Client credentials"].detail
    assert all(draft.client_secret.reveal() not in str(vars(request)) for request in tenant.requests)


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"url": "https://portal.azure.com/"}, "url", "idp.url.portal"),
        ({"client_id": "not-a-guid"}, "client_id", "idp.client_id_not_guid"),
        (
            {"client_secret": "1b4e28ba-2fa1-11d2-883f-0016d3cca427"},
            "client_secret",
            "idp.client_secret_is_id",
        ),
    ],
)
def test_what_cannot_be_asked_about_is_refused_beside_its_field(
    tenant: PracticeTenant, changes: dict[str, str], field: str, code: str
) -> None:
    with pytest.raises(DirectoryError) as caught:
        tried(tenant, **changes)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert last_event(action="idp.provider.tested").error_code == code
    assert tenant.upstream_count() == 0


def test_the_tenants_id_as_client_id_is_noticed(tenant: PracticeTenant) -> None:
    with pytest.raises(DirectoryError) as caught:
        tried(tenant, client_id=tenant.tenant_id)
    assert caught.value.code == "idp.client_id_is_tenant"


def test_a_test_takes_its_own_time_and_says_so(draft: IdentityProvider, tenant: PracticeTenant) -> None:
    started = time.monotonic()
    steps = lines_of(draft)
    assert sum(step.milliseconds for step in steps.values()) <= (time.monotonic() - started) * 1000 + len(steps)
