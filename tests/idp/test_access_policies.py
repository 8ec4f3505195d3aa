"""What can be done with access policies, what is refused, and what a change would mean."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext

from idp.access import Action, Decision
from idp.access_input import MOST_NAMED, MOST_POLICIES, AccessInput
from idp.access_policies import (
    add_policy,
    delete_policy,
    edit_policy,
    find_policy,
    impact_of_adding,
    impact_of_default,
    impact_of_editing,
    impact_of_moving,
    impact_of_switching,
    move_policy,
    set_default,
    switch_policy,
)
from idp.access_rules import Current, decision_for, stored_rules
from idp.errors import ImpactChanged, ImpactNotConfirmed, ProviderNotFound
from idp.models import AccessDefault, AccessPerson, AccessPolicy, IdentityProvider
from idp.services import delete_provider
from tests.browsing import last_event
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.idp.test_routing import make_policy, make_provider_row
from tests.idp.test_routing_policies import group_of
from tests.second_factors import give_app
from tests.users.support import as_person, at_once, refused
from users.errors import DirectoryError, PermissionRefused, PersonNotFound
from users.group_errors import GroupNotFound
from users.groups import delete_group
from users.models import AdminRole, Group, User
from users.people import delete_person

pytestmark = pytest.mark.django_db


def given(name: str = "Policy", action: str = "deny", **facts: Any) -> AccessInput:
    """Return what an administrator enters: everyone, unless somebody is named."""
    facts.setdefault("everyone", not (facts.get("groups") or facts.get("people")))
    return AccessInput(name=name, action=action, **facts)


def add(name: str = "Policy", action: str = "deny", *, position: int | None = None, **facts: Any) -> AccessPolicy:
    """Return a policy that was added, with its impact confirmed."""
    return add_policy(actor=OPERATOR, given=given(name, action, **facts), position=position, understood=True)


def asked(person: User, *, ip: str | None = "203.0.113.9", provider: IdentityProvider | None = None) -> Decision:
    """Return what is said of a person now."""
    return decision_for(person, client_ip=ip, provider_id=provider.pk if provider else None, token_second_factor=False)


def order() -> list[str]:
    assert list(AccessPolicy.objects.values_list("position", flat=True)) == list(
        range(1, AccessPolicy.objects.count() + 1)
    )
    return list(AccessPolicy.objects.values_list("name", flat=True))


def test_without_a_policy_everybody_is_allowed_at_the_cost_of_one_statement() -> None:
    person = make_person()
    with CaptureQueriesContext(connection) as captured:
        assert asked(person) == Decision(Action.ALLOW)
    assert len(captured) == 1 and not AccessDefault.objects.exists()


def test_however_many_policies_there_are_a_decision_takes_two_statements_once_they_are_read() -> None:
    person, group = make_person(), Group.objects.create(name="Sales")
    for number in range(30):
        add(f"Policy {number}", groups=[group], networks=["203.0.113.0/24"], network_side="outside")
    with CaptureQueriesContext(connection) as first:
        assert asked(person).action == Action.ALLOW
    with CaptureQueriesContext(connection) as second:
        asked(person)
    # The row, the policies, whom they name, the row once more, her groups.
    assert (len(first), len(second)) == (5, 2)


def test_a_change_is_in_force_at_the_next_question() -> None:
    ada, grace = make_person(), make_person()
    group = group_of(ada)
    policy = add("Shut", groups=[group], except_people=[grace])
    decision = asked(ada)
    assert (decision.action, decision.rule and decision.rule.name) == (Action.DENY, "Shut")
    assert asked(grace).action == Action.ALLOW
    edit_policy(actor=OPERATOR, policy=policy, given=given("Shut", people=[grace]), understood=True)
    assert (asked(ada).action, asked(grace).action) == (Action.ALLOW, Action.DENY)
    switch_policy(actor=OPERATOR, policy=policy, enabled=False, understood=True)
    assert asked(grace).action == Action.ALLOW
    set_default(actor=OPERATOR, action="require_second_factor", understood=True)
    assert asked(grace) == Decision(Action.REQUIRE_SECOND_FACTOR)
    delete_policy(actor=OPERATOR, policy=policy, understood=True)
    assert not AccessPolicy.objects.exists()


def test_a_change_that_is_rolled_back_leaves_nothing_behind() -> None:
    ada = make_person()
    add("Harmless", "allow")
    with transaction.atomic():
        add("Shut", position=1)
        assert asked(ada).action == Action.DENY
        transaction.set_rollback(True)
    assert asked(ada).action == Action.ALLOW
    add("Other", "allow")
    assert asked(ada).action == Action.ALLOW


def test_what_changes_while_it_is_read_is_read_again() -> None:
    ada = make_person()
    add("Shut")
    overtaken = Current(uuid.uuid4(), Action.ALLOW)
    decision = decision_for(ada, client_ip=None, provider_id=None, token_second_factor=False, current=overtaken)
    assert decision.action == Action.DENY


def test_the_order_decides_and_can_be_changed() -> None:
    ada = make_person()
    add("One", "allow")
    two = add("Two")
    add("Three", "allow", position=2)
    assert order() == ["One", "Three", "Two"] and asked(ada).action == Action.ALLOW
    move_policy(actor=OPERATOR, policy=two, position=1, understood=True)
    assert order() == ["Two", "One", "Three"] and asked(ada).action == Action.DENY
    assert last_event(action="idp.access_policy.moved").details["to"] == 1
    delete_policy(actor=OPERATOR, policy=find_policy("one"), understood=True)
    assert order() == ["Two", "Three"]


def test_all_conditions_are_kept_and_read_again() -> None:
    ada, entra, group = make_person(), make_provider_row(1), group_of()
    add(
        "Everything",
        groups=[group],
        people=[ada],
        network_side="inside",
        networks=["203.0.113.0/24", " ::ffff:10.0.0.0/104 ", "203.0.113.0/24", ""],
        providers=[entra],
        local_sign_in=True,
        token_second_factor="absent",
        time_side="outside",
        weekdays=["fri", "mon"],
        time_from=time(22),
        time_to=time(6),
        time_zone="Europe/Berlin",
    )
    rule = stored_rules().listed[0]
    assert [str(network) for network in rule.networks] == ["203.0.113.0/24", "10.0.0.0/8"]
    assert (rule.sign_ins, rule.token_second_factor) == ({None, entra.pk}, False)
    assert rule.window and (rule.window.days, rule.window.zone, rule.window_side) == (
        {0, 4},
        "Europe/Berlin",
        "outside",
    )
    assert rule.is_conditional
    details = last_event(action="idp.access_policy.added").details
    assert details["hours"] == "mon, fri 22:00 to 06:00 Europe/Berlin"
    assert details["sign_ins"] == ["Provider 1", "local"] and details["networks"] == ["203.0.113.0/24", "10.0.0.0/8"]


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"name": " "}, "idp.access.name_invalid"),
        ({"name": "TAKEN"}, "idp.access.name_taken"),
        ({"description": "a\x07b"}, "idp.access.description_invalid"),
        ({"action": "explode"}, "idp.access.action_unknown"),
        ({"everyone": False}, "idp.access.audience_missing"),
        ({"network_side": "inside", "networks": ["203.0.113.7/24"]}, "idp.access.network_invalid"),
        ({"network_side": "inside", "networks": [" "]}, "idp.access.networks_missing"),
        ({"network_side": "inside", "networks": [f"10.0.0.{n}" for n in range(101)]}, "idp.access.too_many"),
        ({"time_side": "inside", "time_zone": "UTC", "time_to": time(8)}, "idp.access.time_incomplete"),
        (
            {"time_side": "inside", "time_zone": "Mars/Base", "time_from": time(8), "time_to": time(9)},
            "idp.access.time_zone_unknown",
        ),
        (
            {
                "time_side": "inside",
                "time_zone": "UTC",
                "time_from": time(8),
                "time_to": time(9),
                "weekdays": ["someday"],
            },
            "idp.access.weekdays_invalid",
        ),
    ],
)
def test_bad_input_is_refused(facts: dict[str, Any], code: str) -> None:
    add("Taken", enabled=False)
    with pytest.raises(DirectoryError) as raised:
        add(**facts)
    assert raised.value.code == code
    assert last_event(action="idp.access_policy.added", outcome="refused").error_code == code
    assert AccessPolicy.objects.count() == 1


def test_nobody_is_taken_and_excepted() -> None:
    group, ada = Group.objects.create(name="Sales"), make_person()
    for facts, field in (
        ({"groups": [group], "except_groups": [group]}, "except_groups"),
        ({"people": [ada], "except_people": [ada]}, "except_people"),
    ):
        with pytest.raises(DirectoryError) as raised:
            add(**facts)
        assert (raised.value.code, raised.value.field) == ("idp.access.contradictory", field)


def test_there_are_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    people = [User(company_email=f"{number}@contoso.example") for number in range(MOST_NAMED + 1)]
    with pytest.raises(DirectoryError) as raised:
        add(people=people)
    assert raised.value.code == "idp.access.too_many"
    AccessPolicy.objects.bulk_create(
        AccessPolicy(name=str(number), name_key=str(number), position=number, action="allow", enabled=False)
        for number in range(1, MOST_POLICIES + 1)
    )
    with pytest.raises(DirectoryError) as raised:
        add()
    assert raised.value.context["what"] == "access policies"


def test_the_database_keeps_what_the_services_promise() -> None:
    policy = add("Kept", enabled=False)
    for wrong in (
        {"action": "explode"},
        {"resource": "moon"},
        {"time_side": "inside"},
        {"network_side": "inside"},
        {"networks": ["10.0.0.0/8"]},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            AccessPolicy.objects.filter(pk=policy.pk).update(**wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        AccessDefault.objects.create(id=2)
    with pytest.raises(IntegrityError), transaction.atomic():
        AccessPolicy.objects.create(name="KEPT", position=2, action="deny")


def test_what_is_in_force_changes_only_when_it_is_confirmed() -> None:
    make_person()
    wanted = given("Shut")
    refused(ImpactNotConfirmed, add_policy, actor=OPERATOR, given=wanted)
    seen = impact_of_adding(wanted).fingerprint
    make_person()
    refused(ImpactChanged, add_policy, actor=OPERATOR, given=wanted, understood=True, fingerprint=seen)
    policy = add_policy(actor=OPERATOR, given=given("Shut", enabled=False))
    edit_policy(actor=OPERATOR, policy=policy, given=given("Closed", enabled=False))
    refused(ImpactNotConfirmed, switch_policy, actor=OPERATOR, policy=policy, enabled=True)
    seen = impact_of_switching(policy, enabled=True).fingerprint
    switch_policy(actor=OPERATOR, policy=policy, enabled=True, understood=True, fingerprint=seen)
    assert switch_policy(actor=OPERATOR, policy=policy, enabled=True).enabled
    edit_policy(actor=OPERATOR, policy=policy, given=given("Another name"))
    move_policy(actor=OPERATOR, policy=policy, position=1)
    refused(ImpactNotConfirmed, set_default, actor=OPERATOR, action="deny")
    refused(ImpactNotConfirmed, delete_policy, actor=OPERATOR, policy=policy)
    assert set_default(actor=OPERATOR, action="allow") == Action.ALLOW


def test_the_impact_says_who_is_denied_asked_and_without_a_second_factor() -> None:
    ada, grace, alan = (make_person(f"{name}@contoso.example", password=PASSWORD) for name in ("ada", "grace", "alan"))
    give_app(grace)
    staff, sent = group_of(ada, grace, alan, name="Staff"), group_of(alan, name="Sent")
    make_policy(make_provider_row(1), groups=(sent,))
    make_person("staged@contoso.example", state="staged")
    numbers = impact_of_adding(given("Two", "require_second_factor", groups=[staff])).numbers()
    assert numbers == {
        "concerned": 3,
        "second_factor": 3,
        "to_set_up": 2,
        "sessions_checked": 0,
    }
    sometimes = given("Away", groups=[staff], network_side="outside", networks=["10.0.0.0/8"])
    assert impact_of_adding(sometimes).numbers()["denied_sometimes"] == 3
    add("First", "allow", people=[ada])
    always = impact_of_adding(given("Shut"))
    lines = {line.key: line for line in always.lines}
    assert lines["denied"].count == 2 and lines["denied"].examples == (alan.label, grace.label)
    assert impact_of_adding(given("Shut"), 1).numbers()["denied"] == 3
    assert impact_of_adding(sometimes).numbers()["denied_sometimes"] == 2
    assert impact_of_default("deny").numbers()["denied"] == 2
    shut = add("Shut")
    assert impact_of_moving(shut, 1).numbers() == {"concerned": 1, "denied": 1, "sessions_checked": 0}
    assert impact_of_switching(shut, enabled=False).numbers()["let_in"] == 2
    assert impact_of_editing(shut, given("Shut", "allow")).numbers()["let_in"] == 2


@pytest.mark.parametrize("role", [AdminRole.HELP_DESK, AdminRole.READ_ONLY])
def test_only_administrators_change_them(role: AdminRole) -> None:
    policy, actor = add("Kept", enabled=False), as_person(make_administrator(role))
    for act, arguments in (
        (add_policy, {"given": given()}),
        (edit_policy, {"policy": policy, "given": given()}),
        (switch_policy, {"policy": policy, "enabled": True}),
        (move_policy, {"policy": policy, "position": 1}),
        (delete_policy, {"policy": policy}),
        (set_default, {"action": "deny"}),
    ):
        refused(PermissionRefused, act, actor=actor, **arguments)
    allowed = as_person(make_administrator(AdminRole.ADMINISTRATOR))
    assert switch_policy(actor=allowed, policy=policy, enabled=True, understood=True).enabled


def test_a_policy_that_is_gone_or_another_by_now_is_not_changed() -> None:
    policy = add("One", enabled=False)
    acts: list[Callable[[], object]] = [
        lambda: edit_policy(actor=OPERATOR, policy=policy, given=given("Two", enabled=False), seen_revision=7),
        lambda: move_policy(actor=OPERATOR, policy=policy, position=2),
        lambda: find_policy("nobody"),
        lambda: find_policy("a\x00b"),
    ]
    codes = []
    for act in acts:
        with pytest.raises(DirectoryError) as raised:
            act()
        codes.append(raised.value.code)
    assert codes == [
        "idp.access.changed_meanwhile",
        "idp.access.order_invalid",
        "idp.access.not_found",
        "idp.access.not_found",
    ]
    AccessPolicy.objects.all().delete()
    with pytest.raises(DirectoryError) as raised:
        delete_policy(actor=OPERATOR, policy=policy)
    assert raised.value.code == "idp.access.not_found"


def test_what_a_policy_names_is_kept_and_a_person_may_go() -> None:
    group, entra, ada = Group.objects.create(name="Sales"), make_provider_row(1), make_person()
    add("Shut", groups=[group], people=[ada], providers=[entra])
    with pytest.raises(DirectoryError) as raised:
        delete_group(actor=OPERATOR, group=group)
    assert "the access policy Shut" in str(raised.value.context)
    with pytest.raises(ProtectedError):
        group.delete()
    with pytest.raises(DirectoryError) as raised:
        delete_provider(actor=OPERATOR, provider=entra, confirm_name=entra.name)
    assert raised.value.code == "idp.access.provider_named" and "Shut" in raised.value.message
    with pytest.raises(ProtectedError):
        entra.delete()
    delete_person(actor=OPERATOR, person=ada, confirmation=ada.company_email)
    assert not AccessPerson.objects.exists()


def test_what_is_deleted_meanwhile_cannot_be_named() -> None:
    group, entra, ada = Group.objects.create(name="Sales"), make_provider_row(1), make_person()
    stale = [Group(pk=group.pk, name="Sales")], [User(pk=ada.pk)], [IdentityProvider(pk=entra.pk)]
    for row in (group, ada, entra):
        row.delete()
    for error, facts in (
        (GroupNotFound, {"groups": stale[0]}),
        (PersonNotFound, {"people": stale[1]}),
        (ProviderNotFound, {"everyone": True, "providers": stale[2]}),
    ):
        refused(error, add, **facts)
    assert not AccessPolicy.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_administrators_at_once_add_to_one_order() -> None:
    results = at_once(lambda: add("One", enabled=False), lambda: add("Two", enabled=False))
    assert not [result for result in results if isinstance(result, Exception)]
    assert sorted(order()) == ["One", "Two"]


def test_the_hours_are_those_of_now() -> None:
    ada = make_person()
    window = {"time_side": "inside", "time_from": time(8), "time_to": time(9), "time_zone": "UTC"}
    add("Morning", **window)
    with time_machine.travel(datetime(2030, 1, 7, 8, 59, tzinfo=UTC)):
        assert asked(ada).action == Action.DENY
    with time_machine.travel(datetime(2030, 1, 7, 9, 0, tzinfo=UTC)):
        assert asked(ada).action == Action.ALLOW
