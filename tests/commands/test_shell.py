"""Commands as an operator meets them: a process with arguments, standard streams and an exit status."""

import json

import pytest
from cryptography.fernet import Fernet

from tests.commands.running import in_shell
from tests.factories import PASSWORD, make_administrator, make_person
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_adds_a_person_with_a_password_from_standard_input() -> None:
    added = in_shell(
        "users", "add", "ada@contoso.example", "--password-stdin", "--json", stdin=f"{PASSWORD}\n".encode()
    )
    assert (added.status, added.json["has_password"], added.err) == (0, True, "")
    assert User.objects.get().company_email == "ada@contoso.example"


def test_a_refusal_is_on_standard_error_with_its_status() -> None:
    make_administrator(email="last@contoso.example")
    refused = in_shell("admins", "remove", "last@contoso.example")
    assert (refused.status, refused.out) == (3, "")
    assert refused.err.startswith("CommandError: ") and "[users.last_billing_administrator]" in refused.err
    machine = in_shell("admins", "remove", "last@contoso.example", "--json")
    assert (machine.status, machine.out) == (3, "")
    assert json.loads(machine.err)["error"]["code"] == "users.last_billing_administrator"


@pytest.mark.parametrize(
    ("arguments", "pointer"),
    [
        (("createsuperuser", "--noinput", "--company_email", "a@contoso.example"), "admins add"),
        (("changepassword", "ada@contoso.example"), "admins set-password"),
    ],
)
def test_djangos_own_commands_point_to_ours(arguments: tuple[str, ...], pointer: str) -> None:
    refused = in_shell(*arguments)
    assert refused.status != 0 and pointer in refused.err and "Traceback" not in refused.err
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("users", "add", b"\xff@contoso.example"),
        ("idp", "show", b"\xff"),
        ("idp", "add", "--name", "X", "--client-id", "x", "--client-secret-stdin", "--email-domain", b"\xff"),
        ("audit", "list", "--person", b"\xff"),
    ],
    ids=repr,
)
def test_arguments_in_a_wrong_encoding_are_refused(arguments: tuple[str | bytes, ...]) -> None:
    refused = in_shell(*arguments, "--json", stdin=b"not-a-secret-4711")
    assert (refused.status, refused.out) == (2, "") and "Traceback" not in refused.err
    assert refused.error["code"] in {"users.input_not_text", "idp.email_domain_invalid"}


def test_a_password_in_a_wrong_encoding_is_refused() -> None:
    refused = in_shell("users", "add", "a@contoso.example", "--password-stdin", "--json", stdin=b"\xff\xfe" * 20)
    assert "Traceback" not in refused.err and refused.error["code"] == "users.input_not_text"
    assert not User.objects.exists()


def test_a_key_can_be_made_while_there_is_none() -> None:
    made = in_shell("keys", "generate", ENCRYPTION_KEYS="")
    assert made.status == 0 and Fernet(made.out.strip())


def test_a_rotation_with_a_broken_key_says_so() -> None:
    refused = in_shell("keys", "rotate", ENCRYPTION_KEYS="not-a-key")
    assert refused.status != 0 and "Traceback" not in refused.err
    assert "ENCRYPTION_KEYS" in refused.err


def test_a_broken_key_is_reported_before_any_other_command_runs() -> None:
    make_person()
    refused = in_shell("idp", "list", ENCRYPTION_KEYS="not-a-key")
    assert refused.status != 0 and "idp.E002" in refused.err and "Traceback" not in refused.err
