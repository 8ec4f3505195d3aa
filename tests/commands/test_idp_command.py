"""`manage.py idp`."""

from uuid import UUID

import pytest

from idp.impact import Act, impact_of
from idp.models import FederatedIdentity, IdentityProvider, Status
from idp.queries import find_provider
from tests.browsing import Browser, last_event
from tests.commands.running import Ran, run
from tests.entra_tenant import PracticeTenant
from tests.factories import PASSWORD, make_person, make_provider
from users.models import AuditEvent, User

pytestmark = pytest.mark.django_db

MEMBERS = {
    "id",
    "slug",
    "kind",
    "name",
    "status",
    "url",
    "issuer",
    "client_id",
    "client_secret_set_at",
    "client_secret_expires_on",
    "redirect_uri",
    "email_domains",
    "allow_guests",
    "recheck_minutes",
    "links",
    "last_test_at",
}


def add(tenant: PracticeTenant, *further: str, secret: str = "", **changes: str) -> Ran:
    values = {"name": "Contoso Entra", "url": tenant.idp_url, "client-id": tenant.client_id, **changes}
    arguments = [part for name, value in values.items() for part in (f"--{name}", value)]
    stdin = f"{secret or tenant.client_secret}\n"
    return run("idp", "add", *arguments, "--client-secret-stdin", *further, stdin=stdin)


def test_it_adds_a_draft_and_prints_it_as_json(tenant: PracticeTenant, administrator: User) -> None:
    added = add(tenant, "--json")
    assert (added.status, added.err, set(added.json)) == (0, "", MEMBERS)
    assert UUID(added.json["id"]) == IdentityProvider.objects.get().pk
    assert (added.json["slug"], added.json["status"], added.json["links"]) == ("entra", "draft", 0)
    assert added.json["redirect_uri"] == "http://127.0.0.1:8000/oauth/callback/entra"
    assert tenant.client_secret not in added.out + added.err


def test_it_prints_a_draft_for_people_too_without_the_secret(tenant: PracticeTenant) -> None:
    added = add(tenant, "--email-domain", "Contoso.example", "--allow-guests", "--expires-on", "2030-01-31")
    assert added.status == 0 and tenant.client_secret not in added.out
    assert "2030-01-31" in added.out and "contoso.example" in added.out


def test_it_adds_and_activates_at_once(tenant: PracticeTenant, administrator: User) -> None:
    added = add(tenant, "--activate", "--i-understand-the-impacts", "--json")
    assert added.json["status"] == "active"
    assert IdentityProvider.objects.get().is_active


def test_it_does_not_activate_what_nobody_understood(tenant: PracticeTenant, administrator: User) -> None:
    refused = add(tenant, "--activate", "--json")
    assert (refused.status, refused.error["code"]) == (2, "idp.impact_not_confirmed")
    assert not IdentityProvider.objects.exists() and tenant.upstream_count() == 0


def test_the_secret_is_no_argument(tenant: PracticeTenant) -> None:
    values = ("--name", "Entra", "--url", tenant.idp_url, "--client-id", tenant.client_id)
    assert run("idp", "add", *values, "--client-secret", tenant.client_secret).status != 0
    assert run("idp", "add", *values).status != 0
    assert not IdentityProvider.objects.exists()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": " "}, "idp.name_invalid"),
        ({"url": "https://portal.azure.com/"}, "idp.url.portal"),
        ({"url": ""}, "idp.url.empty"),
        ({"client-id": "not-a-guid"}, "idp.client_id_not_guid"),
        ({"secret": "1b4e28ba-2fa1-11d2-883f-0016d3cca427"}, "idp.client_secret_is_id"),
        ({"secret": " \t"}, "idp.client_secret_missing"),
        ({"secret": "two words"}, "idp.client_secret_invalid"),
        ({"secret": "x" * 9000}, "idp.client_secret_invalid"),
        ({"secret": "wrong-but-well-formed"}, "idp.token_endpoint.client_refused"),
        ({"expires-on": "2001-01-01"}, "idp.secret_expiry_invalid"),
        ({"email-domain": "no domain"}, "idp.email_domain_invalid"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_stored(tenant: PracticeTenant, changes: dict[str, str], code: str) -> None:
    plain, machine = add(tenant, **changes), add(tenant, "--json", **changes)
    assert (plain.status, machine.status, machine.error["code"]) == (2, 2, code)
    assert f"[{code}]" in plain.err and plain.out == machine.out == ""
    assert not IdentityProvider.objects.exists()
    shown = plain.err + machine.err + str(list(AuditEvent.objects.values()))
    secret = changes.get("secret", tenant.client_secret)
    assert not secret.strip() or secret not in shown


def test_the_tenants_id_is_not_taken_for_the_client_id(tenant: PracticeTenant) -> None:
    refused = add(tenant, "--json", **{"client-id": tenant.tenant_id.upper()})
    assert refused.error["code"] == "idp.client_id_is_tenant"


def test_a_provider_that_does_not_answer_is_refused(tenant: PracticeTenant) -> None:
    tenant.server.stop()  # type: ignore[attr-defined]
    refused = add(tenant, "--json")
    assert (refused.status, refused.error["code"]) == (5, "idp.http.connection_failed")
    assert not IdentityProvider.objects.exists()


def test_a_taken_name_is_refused(tenant: PracticeTenant) -> None:
    add(tenant)
    refused = add(tenant, "--json", name="CONTOSO entra")
    assert (refused.status, refused.error["code"]) == (3, "idp.name_taken")
    assert IdentityProvider.objects.count() == 1


@pytest.mark.parametrize("subcommand", ["show", "test", "activate", "deactivate", "set-secret", "delete"])
@pytest.mark.django_db
def test_an_unknown_provider_is_refused(subcommand: str) -> None:
    plain, machine = (
        run("idp", subcommand, "nothing", stdin="x"),
        run("idp", subcommand, "nothing", "--json", stdin="x"),
    )
    assert (plain.status, machine.status, machine.error["code"]) == (4, 4, "idp.not_found")
    assert "[idp.not_found]" in plain.err


def test_it_lists_and_shows_by_slug_name_and_id(tenant: PracticeTenant) -> None:
    assert run("idp", "list").out.strip() == "There are no identity providers yet."
    provider = make_provider(tenant, active=False)
    assert [set(row) for row in run("idp", "list", "--json").json] == [MEMBERS]
    assert "Contoso Entra" in run("idp", "list").out
    for identifier in ("entra", "contoso ENTRA", str(provider.pk)):
        assert run("idp", "show", identifier, "--json").json["id"] == str(provider.pk)
    assert tenant.client_secret not in run("idp", "show", "entra").out + run("idp", "list").out


def test_a_test_prints_its_steps(provider: IdentityProvider) -> None:
    tested = run("idp", "test", "entra", "--json")
    told = {step["name"]: step["outcome"] for step in tested.json}
    assert (tested.status, told.pop("TLS"), set(told.values()), len(told)) == (0, "unknown", {"passed"}, 7)
    assert {"name", "outcome", "detail", "hint", "code", "milliseconds", "facts"} == set(tested.json[0])
    assert run("idp", "show", "entra", "--json").json["last_test_at"]
    assert "Signing keys" in run("idp", "test", "entra").out


def test_a_failed_test_is_the_exit_status(provider: IdentityProvider, tenant: PracticeTenant) -> None:
    tenant.server.stop()  # type: ignore[attr-defined]
    tested = run("idp", "test", "entra", "--json")
    assert (tested.status, {step["code"] for step in tested.json}) == (5, {"idp.http.connection_failed", ""})
    plain = run("idp", "test", "entra")
    assert plain.status == 5 and "failed" in plain.out and "Not tested, because" in plain.out


def test_a_test_prints_what_to_quote_to_microsoft(provider: IdentityProvider, tenant: PracticeTenant) -> None:
    tenant.expire_secret()
    plain, machine = run("idp", "test", "entra"), run("idp", "test", "entra", "--json")
    (facts,) = [step["facts"] for step in machine.json if step["outcome"] == "failed"]
    assert plain.status == machine.status == 5 and facts["Correlation ID"]
    assert "Correlation ID: " in plain.out and "AADSTS7000222" in plain.out


def test_it_activates_what_was_understood(tenant: PracticeTenant, administrator: User) -> None:
    make_provider(tenant, active=False)
    make_person(display_name="Grace Hopper")
    asked = run("idp", "activate", "entra")
    assert (asked.status, "Grace Hopper" in asked.out) == (2, True)
    assert "[idp.impact_not_confirmed]" in asked.err
    refused = run("idp", "activate", "entra", "--json")
    assert (refused.error["code"], find_provider("entra").status) == ("idp.impact_not_confirmed", Status.DRAFT)
    done = run("idp", "activate", "entra", "--i-understand-the-impacts", "--json")
    assert done.json["status"] == "active" and set(done.json) == MEMBERS
    assert last_event(action="idp.provider.activated").details["rehearsed"] is False


@pytest.mark.parametrize("at_once", [True, False])
def test_doing_without_a_rehearsal_can_be_noted(at_once: bool, tenant: PracticeTenant, administrator: User) -> None:
    if at_once:
        done = add(tenant, "--activate", "--i-understand-the-impacts", "--without-rehearsal", "--json")
    else:
        make_provider(tenant, active=False)
        done = run("idp", "activate", "entra", "--i-understand-the-impacts", "--without-rehearsal", "--json")
    assert done.json["status"] == "active"
    details = last_event(action="idp.provider.activated").details
    assert (details["rehearsed"], details["without_rehearsal"]) == (False, True)


@pytest.mark.parametrize(
    ("subcommand", "act"), [("activate", Act.ACTIVATE), ("deactivate", Act.DEACTIVATE), ("delete", Act.DELETE)]
)
def test_a_dry_run_prints_the_impact_and_changes_nothing(
    subcommand: str, act: Act, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    before = (IdentityProvider.objects.values("status", "version", "updated_at").get(), AuditEvent.objects.count())
    dry = run("idp", subcommand, "entra", "--dry-run", "--json")
    expected = impact_of(act, provider).numbers()
    assert (dry.json["act"], {line["key"]: line["count"] for line in dry.json["lines"]}) == (act.value, expected)
    assert dry.json["resources"] == ["User Portal"]
    assert run("idp", subcommand, "entra", "--dry-run").out.startswith(f"Impact of {act.value}")
    after = (IdentityProvider.objects.values("status", "version", "updated_at").get(), AuditEvent.objects.count())
    assert after == before
    assert browser_client.is_signed_in


def test_activation_needs_an_administrator_with_a_password(tenant: PracticeTenant) -> None:
    make_provider(tenant, active=False)
    refused = run("idp", "activate", "entra", "--i-understand-the-impacts", "--json")
    assert (refused.status, refused.error["code"]) == (3, "idp.no_local_administrator")


def test_it_deactivates_while_the_provider_is_down(
    provider: IdentityProvider, tenant: PracticeTenant, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    tenant.server.stop()  # type: ignore[attr-defined]
    done = run("idp", "deactivate", "entra", "--json")
    assert (done.status, done.json["status"], done.json["links"]) == (0, "draft", 1)
    assert not browser_client.is_signed_in
    person = make_person(password=PASSWORD)
    assert browser_client.sign_in_with_password(person).status_code == 302


@pytest.mark.parametrize("further", [(), ("--json",)])
def test_deactivating_names_those_who_cannot_get_in_any_more(
    further: tuple[str, ...], provider: IdentityProvider
) -> None:
    make_person(display_name="Grace Hopper")
    done = run("idp", "deactivate", "entra", *further)
    assert done.status == 0 and "Grace Hopper" not in done.out
    assert done.err.strip() == "1 person has no password and cannot get in any more (Grace Hopper)"
    assert run("idp", "deactivate", "entra", *further).err == ""


def test_deactivating_twice_is_no_error(provider: IdentityProvider) -> None:
    assert [run("idp", "deactivate", "entra").status for _ in range(2)] == [0, 0]
    assert AuditEvent.objects.filter(action="idp.provider.deactivated").count() == 1


def test_it_replaces_the_secret_with_one_that_works(provider: IdentityProvider, tenant: PracticeTenant) -> None:
    fresh = tenant.add_secret()
    changed = run("idp", "set-secret", "entra", "--expires-on", "2030-01-31", "--json", stdin=fresh)
    assert (changed.status, changed.json["client_secret_expires_on"]) == (0, "2030-01-31")
    provider.refresh_from_db()
    assert provider.client_secret.reveal() == fresh
    assert fresh not in changed.out + str(list(AuditEvent.objects.values()))
    assert provider.is_active


def test_a_wrong_secret_changes_nothing(provider: IdentityProvider, tenant: PracticeTenant) -> None:
    refused = run("idp", "set-secret", "entra", "--json", stdin="wrong-but-well-formed")
    assert (refused.status, refused.error["code"]) == (2, "idp.token_endpoint.client_refused")
    provider.refresh_from_db()
    assert provider.client_secret.reveal() == tenant.client_secret
    assert "wrong-but-well-formed" not in refused.err + str(list(AuditEvent.objects.values()))


def test_it_deletes_with_the_name_typed(provider: IdentityProvider, ada: User, browser_client: Browser) -> None:
    browser_client.federated_sign_in()
    for typed in ((), ("--confirm-name", "contoso entra")):
        refused = run("idp", "delete", "entra", *typed, "--json")
        assert (refused.status, refused.error["code"]) == (2, "idp.name_confirmation_wrong")
    assert FederatedIdentity.objects.count() == 1
    deleted = run("idp", "delete", "entra", "--confirm-name", "Contoso Entra", "--json")
    assert (deleted.status, deleted.json["status"]) == (0, "deleted")
    assert not IdentityProvider.objects.exists() and not FederatedIdentity.objects.exists()
    assert not browser_client.is_signed_in


def test_a_slug_is_never_used_again(tenant: PracticeTenant) -> None:
    slugs = []
    for _ in range(3):
        slugs.append(add(tenant, "--json").json["slug"])
        run("idp", "delete", slugs[-1], "--confirm-name", "Contoso Entra")
    assert slugs == ["entra", "entra-2", "entra-3"]


def test_it_adds_a_plain_openid_provider(plain_tenant: PracticeTenant) -> None:
    added = add(plain_tenant, "--json", kind="oidc", url=plain_tenant.issuer)
    assert (added.status, added.json["slug"], added.json["issuer"]) == (0, "oidc", plain_tenant.issuer)
    tested = run("idp", "test", "oidc", "--json")
    credentials = next(step for step in tested.json if step["name"] == "Client credentials")
    assert (tested.status, credentials["outcome"]) == (0, "unknown")
