"""Who stands behind the numbers of an impact: each person once, with how she is matched or why not."""

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django.db import transaction  # isort: skip

from idp.activation_scope import Scope
from idp.impact import Act, impact_of
from idp.impact_people import LOCAL, Verdict, cells_of, counts_of, export, page_of
from idp.models import FederatedIdentity, IdentityProvider
from idp.routing_changes import impact_of_switching
from tests.browsing import last_event
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.idp.test_routing import WORLDS, World, build, make_policy, make_provider_row
from tests.idp.test_routing_policies import group_of
from users.audit import Actor
from users.errors import PermissionRefused
from users.models import AdminRole, State, User

pytestmark = pytest.mark.django_db


def link(person: User, provider: IdentityProvider) -> None:
    """Link a person to an account."""
    FederatedIdentity.objects.create(person=person, provider=provider, issuer=provider.issuer, subject=str(person.pk))


def test_an_activation_says_of_everybody_what_becomes_of_them() -> None:
    entra, okta = make_provider_row(1, "draft"), make_provider_row(2)
    IdentityProvider.objects.filter(pk=entra.pk).update(kind="entra", email_domains=["contoso.example"])
    entra.refresh_from_db()
    people = {name: make_person(f"{name}@contoso.example") for name in ("ann", "bea", "cleo", "dora")}
    people["ext"] = make_person("ext@fabrikam.example", external_id="2f1b0a52-8a0b-4c8e-9d55-0d1f0e0a6b11")
    people["far"] = make_person("far@fabrikam.example")
    people["staged"] = make_person("staged@contoso.example", state=State.STAGED)
    people["suspended"] = make_person("suspended@contoso.example", state=State.SUSPENDED)
    boss = make_administrator(email="boss@contoso.example")
    link(people["ann"], entra)
    make_policy(okta, position=1, groups=(group_of(people["cleo"], name="Okta"),))
    make_policy(entra, position=2, everyone=True, enabled=False, except_people=(people["dora"],))
    impact = impact_of(Act.ACTIVATE, entra)
    rows = {row.person.pk: row for row in page_of(impact, entra).rows}
    found = {name: rows[person.pk].verdict for name, person in people.items()}
    assert found == {
        "ann": Verdict.LINK,
        "bea": Verdict.EMAIL,
        "cleo": Verdict.ELSEWHERE,
        "dora": Verdict.EXCEPTED,
        "ext": Verdict.EXTERNAL_ID,
        "far": Verdict.OUTSIDE_DOMAINS,
        "staged": Verdict.STAGED,
        "suspended": Verdict.SUSPENDED,
    }
    assert rows[boss.pk].verdict == Verdict.ADMINISTRATOR
    ways = {name: (rows[person.pk].now, rows[person.pk].then) for name, person in people.items()}
    assert ways["ann"] == (LOCAL, "Provider 1") and ways["cleo"] == ("Provider 2", "Provider 2")
    assert ways["dora"] == (LOCAL, LOCAL) and ways["staged"] == ("", "")
    assert counts_of(impact, entra) == {verdict: 1 for verdict in [*found.values(), Verdict.ADMINISTRATOR]}
    numbers = impact.numbers()
    assert numbers["people_sent"] == 4 and numbers["outside_domains"] == 1


def test_a_pilot_names_its_members_and_those_who_keep_their_passwords() -> None:
    entra = make_provider_row(1, "draft")
    ann, bea = make_person("ann@contoso.example"), make_person("bea@contoso.example")
    impact = impact_of(Act.ACTIVATE, entra, scope=Scope(group=group_of(ann)))
    assert [row.verdict for row in page_of(impact, entra).rows] == [Verdict.EMAIL, Verdict.NO_POLICY]
    (only,) = page_of(impact, entra, verdict=Verdict.NO_POLICY).rows
    assert only.person == bea


def test_a_deactivation_and_a_change_of_policies_name_only_who_moves() -> None:
    entra = make_provider_row(1)
    sales = group_of(make_person("ann@contoso.example"), make_person("bea@contoso.example", password=PASSWORD))
    make_person("cleo@contoso.example")
    policy = make_policy(entra, groups=(sales,))
    for impact in (impact_of(Act.DEACTIVATE, entra), impact_of_switching(policy, enabled=False)):
        rows = page_of(impact, entra).rows
        assert [row.verdict for row in rows] == [Verdict.LOCKED_OUT, Verdict.BACK_TO_PASSWORD]
        assert [(row.now, row.then) for row in rows] == [("Provider 1", ""), ("Provider 1", LOCAL)]


def test_the_file_names_everybody_once_and_runs_no_formula() -> None:
    entra = make_provider_row(1, "draft")
    for number in range(7):
        make_person(f"p{number}@contoso.example", display_name="=HYPERLINK(1)" if number == 3 else f"P {number}")
    impact = impact_of(Act.ACTIVATE, entra)
    text = "".join(export(actor=OPERATOR, impact=impact, provider=entra))
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row["company_email"] for row in rows] == [f"p{number}@contoso.example" for number in range(7)]
    assert rows[3]["display_name"] == "'=HYPERLINK(1)"
    assert {row["would_sign_in"] for row in rows} == {"Provider 1"} and {row["matched"] for row in rows} == {"email"}
    event = last_event(action="idp.impact.exported")
    assert (event.target_label, event.details["act"], event.details["people_sent"]) == ("Provider 1", "activate", 7)


def test_pages_follow_each_other_by_email() -> None:
    entra = make_provider_row(1, "draft")
    emails = sorted(make_person().company_email for _ in range(5))
    impact, found, after = impact_of(Act.ACTIVATE, entra), [], ""
    while True:
        page = page_of(impact, entra, after=after, limit=2)
        found += [cells_of(row)[0] for row in page.rows]
        after = page.next
        if not after:
            break
    assert found == emails


def test_who_may_not_act_gets_no_file() -> None:
    entra, helper = make_provider_row(1, "draft"), make_administrator(AdminRole.ADMINISTRATOR)
    actor = Actor(person=helper, label=helper.label)
    with pytest.raises(PermissionRefused):
        export(actor=actor, impact=impact_of(Act.ACTIVATE, entra), provider=entra)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=WORLDS, number=st.integers(0, 1))
def test_the_names_are_those_of_the_numbers(world: World, number: int) -> None:
    with transaction.atomic():
        _, providers = build(world)
        provider = providers[number]
        for act in (Act.ACTIVATE, Act.DEACTIVATE):
            impact = impact_of(act, provider)
            numbers, counts = impact.numbers(), counts_of(impact, provider)
            assert sum(counts.values()) == len(page_of(impact, provider, limit=100).rows)
            if act == Act.DEACTIVATE:
                assert counts.get(Verdict.LOCKED_OUT, 0) == numbers["locked_out"]
            else:
                newly = [row for row in page_of(impact, provider, limit=100).rows if row.verdict == Verdict.EMAIL]
                assert sum(row.now != row.then for row in newly) == numbers["people_sent"]
        transaction.set_rollback(True)
