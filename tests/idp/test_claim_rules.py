"""Setting a provider's rules for claims: what is taken, what is refused, and what stays."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from idp import activation, services
from idp.claim_rules import JitInput, add_claim_group, map_claim, remove_claim_group, set_jit, unmap_claim
from idp.claim_sign_in import stored_rules
from idp.models import ClaimGroup, ClaimMapping, IdentityProvider
from tests.browsing import last_event
from tests.factories import OPERATOR, make_administrator
from tests.idp.links import refusal_of
from users.audit import Actor
from users.groups import add_group, delete_group
from users.models import AdminRole, Group

pytestmark = pytest.mark.django_db


@pytest.fixture
def sales() -> Group:
    return add_group(actor=OPERATOR, name="Sales")


def code_of(service: Callable[..., object], provider: IdentityProvider, **given: Any) -> str:
    return refusal_of(lambda: service(actor=OPERATOR, provider=provider, **given))


def test_each_change_moves_the_revision_and_no_sign_in_under_way(draft: IdentityProvider, sales: Group) -> None:
    before = draft.revision, draft.version
    map_claim(actor=OPERATOR, provider=draft, field="title", claim="  jobTitle ")
    map_claim(actor=OPERATOR, provider=draft, field="title", claim="https://example.com/claims/title")
    assert last_event(action="idp.provider.claim_mapped").details == {
        "field": "title",
        "from": "jobTitle",
        "to": "https://example.com/claims/title",
    }
    rule = add_claim_group(actor=OPERATOR, provider=draft, claim="roles", value=" Sales.Rep ", group=sales)
    assert (rule.claim, rule.value) == ("roles", "Sales.Rep")
    remove_claim_group(actor=OPERATOR, provider=draft, rule_id=rule.pk)
    unmap_claim(actor=OPERATOR, provider=draft, field="title")
    draft.refresh_from_db()
    assert (draft.revision, draft.version) == (before[0] + 5, before[1])
    assert not stored_rules(draft)


def test_mapping_the_same_again_changes_nothing(draft: IdentityProvider) -> None:
    for _ in range(2):
        map_claim(actor=OPERATOR, provider=draft, field="locale", claim="locale")
    revision = draft.revision
    draft.refresh_from_db()
    assert draft.revision == revision + 1


@pytest.mark.parametrize("claim", ["", "two words", "naïve", "x" * 201, "tab\t"])
def test_what_cannot_be_a_claim_is_refused(claim: str, draft: IdentityProvider) -> None:
    if claim != "tab\t":
        assert code_of(map_claim, draft, field="title", claim=claim) == "idp.claims.name_invalid"
    else:
        assert map_claim(actor=OPERATOR, provider=draft, field="title", claim=claim).claim == "tab"


@pytest.mark.parametrize("claim", ["sub", "OID", "tid", "iss", "nonce", "_claim_names", "hasgroups", "exp"])
def test_claims_of_the_protocol_are_refused(claim: str, draft: IdentityProvider, sales: Group) -> None:
    assert code_of(map_claim, draft, field="title", claim=claim) == "idp.claims.protocol_claim"
    assert code_of(add_claim_group, draft, claim=claim, value="x", group=sales) == "idp.claims.protocol_claim"


@pytest.mark.parametrize("value", ["", "  ", "x" * 256, "a\nb", "a\x00"])
def test_what_cannot_be_a_value_is_refused(value: str, draft: IdentityProvider, sales: Group) -> None:
    assert code_of(add_claim_group, draft, claim="roles", value=value, group=sales) == "idp.claims.value_invalid"


def test_fields_that_identify_a_person_are_kept_by_no_claim(draft: IdentityProvider) -> None:
    for field in ("company_email", "state", "admin_role", "external_id", ""):
        assert code_of(map_claim, draft, field=field, claim="x") == "idp.claims.field_unknown"
    with pytest.raises(IntegrityError), transaction.atomic():
        ClaimMapping.objects.create(provider=draft, field="admin_role", claim="x")


def test_what_is_not_there_cannot_be_removed(draft: IdentityProvider) -> None:
    assert code_of(unmap_claim, draft, field="title") == "idp.claims.not_mapped"
    assert code_of(remove_claim_group, draft, rule_id=4711) == "idp.claims.rule_not_found"


def test_a_rule_is_there_once_and_there_are_not_endlessly_many(draft: IdentityProvider, sales: Group) -> None:
    add_claim_group(actor=OPERATOR, provider=draft, claim="roles", value="a", group=sales)
    assert code_of(add_claim_group, draft, claim="roles", value="a", group=sales) == "idp.claims.rule_taken"
    ClaimGroup.objects.bulk_create(
        ClaimGroup(provider=draft, claim="roles", value=str(number), group=sales) for number in range(199)
    )
    assert code_of(add_claim_group, draft, claim="roles", value="b", group=sales) == "idp.claims.too_many"


def test_a_group_that_was_deleted_meanwhile_is_not_named(draft: IdentityProvider, sales: Group) -> None:
    delete_group(actor=OPERATOR, group=Group.objects.get(pk=sales.pk))
    assert code_of(add_claim_group, draft, claim="roles", value="a", group=sales) == "users.group_not_found"
    given = JitInput(True, ["contoso.example"], groups=[sales])
    assert code_of(set_jit, draft, given=given) == "users.group_not_found"


def test_rules_stay_in_the_archive_and_go_with_the_provider(provider: IdentityProvider, sales: Group) -> None:
    map_claim(actor=OPERATOR, provider=provider, field="title", claim="jobTitle")
    add_claim_group(actor=OPERATOR, provider=provider, claim="roles", value="a", group=sales)
    given = JitInput(True, ["contoso.example"], groups=[sales])
    set_jit(actor=OPERATOR, provider=provider, given=given)
    activation.archive_provider(actor=OPERATOR, provider=provider)
    assert code_of(map_claim, provider, field="title", claim="x") == "idp.archived"
    assert stored_rules(provider)
    services.delete_provider(actor=OPERATOR, provider=provider, confirm_name=provider.name)
    assert not ClaimGroup.objects.exists() and not ClaimMapping.objects.exists()
    delete_group(actor=OPERATOR, group=sales)


JIT = [
    (JitInput(True), "idp.jit.domains_missing"),
    (JitInput(True, ["fabrikam.example"]), "idp.jit.domain_outside"),
    (JitInput(True, ["contoso"]), "idp.email_domain_invalid"),
    (JitInput(True, ["contoso.example"], state="suspended"), "idp.jit.state_unknown"),
]


@pytest.mark.parametrize(("given", "code"), JIT)
def test_adding_people_is_refused_without_limits(given: JitInput, code: str, draft: IdentityProvider) -> None:
    IdentityProvider.objects.filter(pk=draft.pk).update(email_domains=["contoso.example"])
    assert code_of(set_jit, draft, given=given) == code


def test_a_stale_form_does_not_undo_another_change(draft: IdentityProvider) -> None:
    given = JitInput(True, ["contoso.example"])
    changed = set_jit(actor=OPERATOR, provider=draft, given=given, seen_revision=draft.revision)
    assert (changed.jit_enabled, changed.jit_domains, changed.jit_state) == (True, ["contoso.example"], "staged")
    assert changed.version == draft.version + 1
    assert code_of(set_jit, draft, given=given, seen_revision=draft.revision) == "idp.changed_meanwhile"


def test_the_database_keeps_the_limits_too(draft: IdentityProvider) -> None:
    rows = IdentityProvider.objects.filter(pk=draft.pk)
    for wrong in ({"jit_enabled": True}, {"jit_state": "suspended"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**wrong)


@pytest.mark.parametrize("role", [AdminRole.ADMINISTRATOR, AdminRole.HELP_DESK, AdminRole.READ_ONLY])
def test_only_who_manages_providers_sets_rules(role: AdminRole, draft: IdentityProvider, sales: Group) -> None:
    person = make_administrator(role)
    actor = Actor(person, person.label)
    for work in (
        lambda: map_claim(actor=actor, provider=draft, field="title", claim="x"),
        lambda: unmap_claim(actor=actor, provider=draft, field="title"),
        lambda: add_claim_group(actor=actor, provider=draft, claim="roles", value="a", group=sales),
        lambda: remove_claim_group(actor=actor, provider=draft, rule_id=1),
        lambda: set_jit(actor=actor, provider=draft, given=JitInput(False)),
    ):
        assert refusal_of(work) == "users.permission_refused"
