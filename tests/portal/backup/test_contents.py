"""What belongs in a backup: every table is decided on, and docs/backup.md says the same as the code."""

import re
from pathlib import Path

import pytest
from django.apps import apps

from portal.backup.contents import CHANGED, LEFT_OUT, columns_of, kept_models
from portal.backup.states import models_at
from portal.backup.values import SECRET

KEPT = [
    "axes.AccessAttempt",
    "axes.AccessAttemptExpiration",
    "axes.AccessFailureLog",
    "axes.AccessLog",
    "idp.AccessDefault",
    "idp.AccessGroup",
    "idp.AccessPerson",
    "idp.AccessPolicy",
    "idp.AccessProvider",
    "idp.ClaimGroup",
    "idp.ClaimMapping",
    "idp.ClaimOverage",
    "idp.ClientCertificate",
    "idp.ExpiryNotice",
    "idp.FederatedIdentity",
    "idp.GuardedFailure",
    "idp.IdentityProvider",
    "idp.JitGroup",
    "idp.PendingLink",
    "idp.Rehearsal",
    "idp.RoutingDomain",
    "idp.RoutingException",
    "idp.RoutingGroup",
    "idp.RoutingGuard",
    "idp.RoutingPolicy",
    "idp.SlugNumber",
    "users.ActionLink",
    "users.AuditEvent",
    "users.AuthenticatorApp",
    "users.Group",
    "users.GroupMembership",
    "users.Organization",
    "users.OrganizationLogo",
    "users.Passkey",
    "users.PeopleImport",
    "users.PeopleImportChunk",
    "users.PeopleImportProblem",
    "users.RecoveryCode",
    "users.SavedFilter",
    "users.SignInDay",
    "users.User",
]
ALL = {model._meta.label: model for model in apps.get_models(include_auto_created=True)}


def test_every_table_is_decided_on() -> None:
    """Who adds a model decides here, and in portal/backup/contents.py, whether a restored installation may have it."""
    assert {model._meta.label for model in kept_models(apps)} == set(KEPT)  # type: ignore[arg-type]
    assert set(KEPT) | set(LEFT_OUT) == set(ALL) and set(CHANGED) <= set(KEPT)
    assert all(reason for reason in [*LEFT_OUT.values(), *CHANGED.values()])


def test_nothing_that_is_kept_refers_to_what_is_left_out() -> None:
    for label in KEPT:
        for field in ALL[label]._meta.local_concrete_fields:
            if field.remote_field:
                assert field.related_model._meta.label in KEPT, (label, field.name)  # type: ignore[union-attr]


@pytest.mark.parametrize("label", KEPT)
def test_every_column_can_be_written_down(label: str) -> None:
    assert columns_of(ALL[label])


def test_every_secret_is_known_as_one() -> None:
    kinds = {f"{label}.{name}" for label in KEPT for name, kind in columns_of(ALL[label]) if kind == SECRET}
    assert kinds == {
        "idp.ClientCertificate.private_key",
        "idp.IdentityProvider.client_secret",
        "idp.IdentityProvider.next_client_secret",
        "users.AuthenticatorApp.seed",
    }


def test_the_documentation_names_what_is_left_out_and_what_is_changed() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "backup.md").read_text()
    for label in [*LEFT_OUT, *CHANGED]:
        assert re.search(rf"`{re.escape(ALL[label]._meta.db_table)}`", text), label


@pytest.mark.django_db
def test_former_states_have_the_tables_of_their_time() -> None:
    early = models_at([("users", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")])
    names = {model._meta.label for model in kept_models(early)}
    assert "users.User" in names and "users.Group" not in names
