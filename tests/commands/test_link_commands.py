"""`manage.py idp links|pending|link|unlink|dismiss|restore|pre-link|relink`."""

from pathlib import Path
from uuid import uuid4

import pytest

from idp.models import FederatedIdentity, IdentityProvider, PendingLink
from tests.browsing import Browser, last_event
from tests.commands.running import in_shell, run
from tests.entra_tenant import PracticeTenant
from tests.factories import make_administrator, make_person
from tests.idp.conformance.support import warm_up
from users.models import State, User

pytestmark = pytest.mark.django_db

ADA, GRACE = "ada@contoso.example", "grace@contoso.example"
OID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"


def test_it_links_lists_and_unlinks(tenant: PracticeTenant, provider: IdentityProvider, ada: User) -> None:
    made = run("idp", "link", "entra", ADA, "--object-id", tenant.person(ADA).oid, "--json")
    assert (made.status, made.json["rule"], made.json["person"]) == (0, "pre_link", ADA)
    browser = warm_up(tenant)
    (listed,) = run("idp", "links", provider.name, "--json").json
    assert (listed["subject"], listed["account_email"]) == (f"{tenant.tenant_id}.{tenant.person(ADA).oid}", ADA)
    assert run("idp", "links", "entra", "--search", "ada", "--sort", "email").out.count(ADA) == 2
    assert "No links fit." in run("idp", "links", "entra", "--search", "nobody").out
    gone = run("idp", "unlink", "entra", "ada", "--json")
    assert (gone.status, gone.json["sessions_ended"], browser.is_signed_in) == (0, 1, False)
    assert last_event(action="idp.identity.unlinked").actor_label.startswith("operator")
    again = run("idp", "unlink", "entra", "ada", "--json")
    assert (again.status, again.error["code"]) == (4, "idp.link.not_found")


def test_it_resolves_dismisses_and_restores(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    assert "Nobody waits for a link." in run("idp", "pending", "entra").out
    browser_client.federated_sign_in(ADA)
    (waiting,) = run("idp", "pending", "entra", "--json").json
    assert (waiting["email"], waiting["code"], waiting["attempts"]) == (ADA, "federation.no_match", 1)
    assert f"Nobody here has the company email {ADA}." in run("idp", "pending", "entra").out
    dismissed = run("idp", "dismiss", "entra", waiting["id"], "--json")
    assert dismissed.json["dismissed_at"] and run("idp", "pending", "entra", "--json").json == []
    assert run("idp", "pending", "entra", "--dismissed", "--json").json[0]["id"] == waiting["id"]
    assert run("idp", "restore", "entra", waiting["id"], "--json").json["dismissed_at"] is None
    person = make_person(GRACE)
    linked = run("idp", "link", "entra", GRACE, "--pending", waiting["id"], "--json")
    assert (linked.json["person_id"], linked.json["rule"]) == (str(person.pk), "administrator")
    assert not PendingLink.objects.exists()
    for arguments in (("dismiss", "entra", waiting["id"]), ("link", "entra", GRACE, "--pending", "x")):
        refused = run("idp", *arguments, "--json")
        assert (refused.status, refused.error["code"]) == (4, "idp.pending.not_found")


def test_refusals_have_their_exit_status(provider: IdentityProvider, ada: User) -> None:
    administrator, other = make_administrator(), make_person()
    run("idp", "link", "entra", ADA, "--subject", OID)
    for arguments, status, code in (
        ((ADA, "--object-id", "nope"), 2, "idp.link.object_id_invalid"),
        ((ADA, "--object-id", str(uuid4())), 3, "idp.link.person_linked"),
        ((other.user_name, "--object-id", OID), 3, "idp.link.account_linked"),
        ((administrator.company_email, "--object-id", str(uuid4())), 3, "idp.link.person_is_administrator"),
        (("nobody", "--object-id", OID), 4, "users.not_found"),
    ):
        refused = run("idp", "link", "entra", *arguments, "--json")
        assert (refused.status, refused.error["code"]) == (status, code)
    assert run("idp", "link", "entra", ADA).status == 2
    assert run("idp", "links", "nowhere", "--json").error["code"] == "idp.not_found"


def test_many_are_pre_linked_from_a_file_or_standard_input(provider: IdentityProvider, tmp_path: Path) -> None:
    people = [make_person(state=State.STAGED) for _ in range(3)]
    lines = "company_email,object_id\n" + "".join(f"{person.company_email},{uuid4()}\n" for person in people)
    file = tmp_path / "people.csv"
    file.write_text(lines, encoding="utf-8-sig")
    dry = run("idp", "pre-link", "entra", "--from", str(file), "--dry-run", "--json")
    assert (dry.json, FederatedIdentity.objects.count()) == ({"linked": 3, "unchanged": 0, "dry_run": True}, 0)
    done = run("idp", "pre-link", "entra", "--from", "-", "--json", stdin=lines)
    assert (done.json["linked"], FederatedIdentity.objects.count()) == (3, 3)
    assert run("idp", "pre-link", "entra", "--from", str(file), "--json").json["unchanged"] == 3


def test_bad_lines_are_listed_with_their_numbers(provider: IdentityProvider, ada: User) -> None:
    lines = f"{ADA},{OID}\nnobody@contoso.example,{uuid4()}\n"
    plain = run("idp", "pre-link", "entra", "--from", "-", stdin=lines)
    assert plain.status == 2
    assert "line 2: nobody has the company email nobody@contoso.example" in plain.err
    assert "[idp.link.file_refused]" in plain.err and "1 of 2 lines" in plain.err
    machine = run("idp", "pre-link", "entra", "--from", "-", "--json", stdin=lines)
    assert machine.error["code"] == "idp.link.file_refused"
    assert machine.json == {"problems": [{"line": 2, "text": "nobody has the company email nobody@contoso.example"}]}
    assert not FederatedIdentity.objects.exists()


def test_files_that_cannot_be_read_are_refused(provider: IdentityProvider, tmp_path: Path) -> None:
    latin = tmp_path / "latin.csv"
    latin.write_bytes(b"ad\xe9@contoso.example,x")
    for source, code in (
        (str(tmp_path / "none.csv"), "idp.link.file_unreadable"),
        (str(tmp_path), "idp.link.file_unreadable"),
        ("a\x00b", "idp.link.file_unreadable"),
        (str(latin), "users.input_not_text"),
        ("-", "idp.link.file_empty"),
    ):
        for command in (("pre-link", "entra", "--from"), ("relink", "entra", "--map")):
            refused = run("idp", *command, source, "--json")
            assert (refused.status, refused.error["code"]) == (2, code)


@pytest.mark.django_db(transaction=True)
def test_standard_input_that_is_no_text_is_refused_in_a_shell(provider: IdentityProvider) -> None:
    refused = in_shell("idp", "pre-link", "entra", "--from", "-", stdin=b"ad\xe9@contoso.example,x")
    assert (refused.status, "[users.input_not_text]" in refused.err) == (2, True)


def test_links_are_forgotten_once_that_is_understood(provider: IdentityProvider, ada: User) -> None:
    run("idp", "link", "entra", ADA, "--object-id", OID)
    dry = run("idp", "relink", "entra", "--all", "--dry-run", "--json")
    assert {line["key"]: line["count"] for line in dry.json["lines"]}["links_forgotten"] == 1
    plain = run("idp", "relink", "entra", "--all")
    assert plain.status == 2 and "[idp.impact_not_confirmed]" in plain.err and "Ada Lovelace" in plain.out
    assert run("idp", "relink", "entra", "--i-understand-the-impacts").status == 0
    assert FederatedIdentity.objects.count() == 1  # of a former issuer there were none
    assert run("idp", "relink", "entra", "--all", "--i-understand-the-impacts").status == 0
    assert not FederatedIdentity.objects.exists()


def test_links_are_mapped_from_lines(provider: IdentityProvider, ada: User) -> None:
    run("idp", "link", "entra", ADA, "--object-id", OID)
    new = str(uuid4())
    lines = f"old_object_id,new_object_id\n{OID},{new}\n"
    dry = run("idp", "relink", "entra", "--map", "-", "--dry-run", "--json", stdin=lines)
    assert dry.json["lines"][0] == {"key": "links_moved", "count": 1, "examples": []}
    refused = run("idp", "relink", "entra", "--map", "-", "--json", stdin=lines)
    assert (refused.status, refused.error["code"]) == (2, "idp.impact_not_confirmed")
    done = run("idp", "relink", "entra", "--map", "-", "--i-understand-the-impacts", stdin=lines)
    assert done.status == 0 and "link goes over to the new account" in done.out
    assert FederatedIdentity.objects.get().subject.endswith(new)
    wrong = run("idp", "relink", "entra", "--map", "-", "--dry-run", stdin=f"{OID},{uuid4()}")
    assert (wrong.status, "line 1: no link has the old account" in wrong.err) == (2, True)
