"""`manage.py idp`: client secrets that wait, and certificates."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from idp.models import ClientCertificate, IdentityProvider
from tests.commands.running import run
from tests.entra_tenant import PracticeTenant
from tests.factories import make_provider
from users.models import AuditEvent

pytestmark = pytest.mark.django_db

LATER = (date.today() + timedelta(days=300)).isoformat()
SECRET_COMMANDS = ["add-next-secret", "promote-secret", "discard-next-secret"]
CERTIFICATE_COMMANDS = ["new-certificate", "certificate", "promote-certificate", "discard-certificate"]


def show() -> dict[str, str | None]:
    shown: dict[str, str | None] = run("idp", "show", "entra", "--json").json
    return shown


def test_a_secret_comes_from_standard_input_waits_and_is_promoted(
    provider: IdentityProvider, tenant: PracticeTenant
) -> None:
    secret = tenant.add_secret()
    added = run("idp", "add-next-secret", "entra", "--expires-on", LATER, "--json", stdin=f"{secret}\n")
    assert (added.status, added.err, added.json["next_client_secret_expires_on"]) == (0, "", LATER)
    assert (show()["credential"], show()["next_client_secret_expires_on"]) == ("secret", LATER)
    promoted = run("idp", "promote-secret", "entra", "--json")
    assert (promoted.status, promoted.json["client_secret_expires_on"]) == (0, LATER)
    assert promoted.json["next_client_secret_set_at"] is None
    assert IdentityProvider.objects.get().client_secret.reveal() == secret
    shown = added.out + promoted.out + run("idp", "show", "entra").out + str(list(AuditEvent.objects.values()))
    assert secret not in shown and tenant.client_secret not in shown


def test_a_wrong_secret_changes_nothing(provider: IdentityProvider) -> None:
    refused = run("idp", "add-next-secret", "entra", "--json", stdin="wrong-but-well-formed")
    assert (refused.status, refused.error["code"]) == (2, "idp.token_endpoint.client_refused")
    assert show()["next_client_secret_set_at"] is None


def test_a_secret_is_discarded_and_then_there_is_none(provider: IdentityProvider, tenant: PracticeTenant) -> None:
    run("idp", "add-next-secret", "entra", stdin=tenant.add_secret())
    assert run("idp", "discard-next-secret", "entra").status == 0
    for command in ("discard-next-secret", "promote-secret"):
        refused = run("idp", command, "entra", "--json")
        assert (refused.status, refused.error["code"]) == (3, "idp.next_secret_missing")


def test_what_cannot_be_tested_says_so(plain_tenant: PracticeTenant) -> None:
    make_provider(plain_tenant, active=False)
    added = run("idp", "add-next-secret", "oidc", stdin="nobody~can~tell")
    assert added.status == 0 and added.err.startswith("Not tested")


def test_a_certificate_is_made_printed_and_put_into_use(
    provider: IdentityProvider, tenant: PracticeTenant, tmp_path: Path
) -> None:
    made = run("idp", "new-certificate", "entra", "--days", "30")
    certificate = x509.load_pem_x509_certificate(made.out.encode())
    assert (made.status, "PRIVATE" in made.out) == (0, False)
    file = tmp_path / "gatehouse.cer"
    written = run("idp", "certificate", "entra", "--der-out", str(file), "--json")
    assert x509.load_der_x509_certificate(file.read_bytes()) == certificate
    assert (written.json["pem"], written.json["slot"]) == (made.out, "next")
    assert "PRIVATE" not in written.out
    refused = run("idp", "promote-certificate", "entra", "--json")
    assert (refused.status, refused.error["code"]) == (2, "idp.token_endpoint.client_refused")
    tenant.add_certificate(made.out)
    promoted = run("idp", "promote-certificate", "entra", "--json")
    assert (promoted.status, promoted.json["credential"]) == (0, "certificate")
    assert promoted.json["certificate_thumbprint_sha1"] == written.json["thumbprint_sha1"]
    assert show()["certificate_thumbprint_sha256"] == written.json["thumbprint_sha256"]
    assert run("idp", "certificate", "entra").out == made.out
    assert run("idp", "certificate", "entra", "--slot", "next").status == 4


def test_one_key_pair_waits_and_is_discarded(provider: IdentityProvider) -> None:
    missing = run("idp", "certificate", "entra", "--json")
    assert (missing.status, missing.error["code"]) == (4, "idp.certificate_not_found")
    assert run("idp", "new-certificate", "entra").status == 0
    again = run("idp", "new-certificate", "entra", "--json")
    assert (again.status, again.error["code"]) == (3, "idp.next_certificate_waiting")
    assert run("idp", "discard-certificate", "entra").status == 0
    assert not ClientCertificate.objects.exists()
    for command in ("discard-certificate", "promote-certificate"):
        refused = run("idp", command, "entra", "--json")
        assert (refused.status, refused.error["code"]) == (3, "idp.next_certificate_missing")


def test_a_file_that_cannot_be_written_is_named(provider: IdentityProvider, tmp_path: Path) -> None:
    refused = run("idp", "new-certificate", "entra", "--der-out", str(tmp_path / "no" / "such" / "folder.cer"))
    assert refused.status == 2 and "cannot be written" in refused.err
    assert ClientCertificate.objects.count() == 1  # `idp certificate` prints it all the same


@pytest.mark.parametrize("command", [*SECRET_COMMANDS, *CERTIFICATE_COMMANDS])
def test_an_unknown_provider_is_refused(command: str) -> None:
    refused = run("idp", command, "nothing", "--json", stdin="x")
    assert (refused.status, refused.error["code"]) == (4, "idp.not_found")


def test_set_secret_is_the_way_back_from_a_certificate(provider: IdentityProvider, tenant: PracticeTenant) -> None:
    tenant.add_certificate(run("idp", "new-certificate", "entra").out)
    assert run("idp", "promote-certificate", "entra").status == 0
    assert run("idp", "set-secret", "entra", stdin=tenant.client_secret).status == 0
    assert (show()["credential"], show()["certificate_thumbprint_sha1"]) == ("secret", None)
