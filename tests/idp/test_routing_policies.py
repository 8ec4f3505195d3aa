"""What can be done with routing policies, and what is refused."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from idp import activation, credentials, routing
from idp.activation_scope import Scope
from idp.errors import EmailDomainInvalid, ImpactChanged, ImpactNotConfirmed, NoLocalAdministrator, ProviderArchived
from idp.impact import Act, impact_of
from idp.models import FederatedIdentity, IdentityProvider, RoutingPolicy
from idp.routing_changes import impact_of_adding, impact_of_moving
from idp.routing_inputs import MOST_NAMED, PolicyInput
from idp.routing_policies import (
    MOST_POLICIES,
    add_policy,
    delete_policy,
    edit_policy,
    find_policy,
    move_policy,
    switch_policy,
)
from tests.browsing import Browser, assert_refused, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person, make_provider
from tests.idp.test_routing import make_policy, make_provider_row
from users.audit import Actor
from users.errors import DirectoryError, PermissionRefused, PersonNotFound
from users.group_errors import GroupNotFound
from users.groups import delete_group
from users.models import AdminRole, Group, GroupMembership, Organization, User, UserSession

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def somebody_can_repair(administrator: User) -> None:
    """An Administrator With Billing, without whom nobody may be sent away."""


@pytest.fixture
def entra() -> IdentityProvider:
    """An active provider that nobody is sent to yet."""
    return make_provider_row(1)


def group_of(*people: User, name: str = "Pilot") -> Group:
    """Return a group with these members."""
    group = Group.objects.create(name=name)
    for person in people:
        GroupMembership.objects.create(group=group, person=person)
    return group


def add(
    provider: IdentityProvider, name: str = "Policy", *, position: int | None = None, **given: object
) -> RoutingPolicy:
    """Return a policy that was added, with its impact confirmed."""
    wanted = PolicyInput(name=name, **{"everyone": True, **given})  # type: ignore[arg-type]
    return add_policy(actor=OPERATOR, provider=provider, given=wanted, position=position, understood=True)


def begun(browser: Browser, provider: IdentityProvider, person: User) -> str:
    """Return where "Continue with …" leads a person, whatever the routing policies say."""
    return browser.get(f"/oauth/login/{provider.slug}/", {"login_hint": person.company_email})["Location"]


def order() -> list[str]:
    """Return the names in their order."""
    assert list(RoutingPolicy.objects.values_list("position", flat=True)) == list(
        range(1, RoutingPolicy.objects.count() + 1)
    )
    return list(RoutingPolicy.objects.values_list("name", flat=True))


def test_a_policy_sends_whom_it_names(entra: IdentityProvider) -> None:
    ada, grace, alan = (make_person(f"{name}@contoso.example") for name in ("ada", "grace", "alan"))
    linus = make_person("linus@fabrikam.example")
    add(
        entra,
        everyone=False,
        groups=[group_of(ada, grace)],
        domains=["Fabrikam.example"],
        except_groups=[group_of(grace, name="Not them")],
        except_people=[],
    )
    assert [bool(routing.provider_of(person)) for person in (ada, grace, alan, linus)] == [True, False, False, True]
    event = last_event(action="idp.routing_policy.added")
    assert event.details["groups"] == ["Pilot"] and event.details["domains"] == ["fabrikam.example"]
    assert event.details["people_sent"] == 2


def test_whom_a_policy_excepts_the_next_one_may_take(entra: IdentityProvider) -> None:
    ada, other = make_person(), make_provider_row(2)
    add(entra, "First", except_people=[ada])
    add(other, "Second")
    assert routing.provider_of(ada) == other


def test_the_order_decides_and_can_be_changed(entra: IdentityProvider) -> None:
    ada, other = make_person(), make_provider_row(2)
    add(entra, "One")
    two = add(other, "Two")
    add(entra, "Three", position=2)
    assert order() == ["One", "Three", "Two"] and routing.provider_of(ada) == entra
    assert impact_of_moving(two, 1).numbers()["people_sent"] == 1
    move_policy(actor=OPERATOR, policy=two, position=1, understood=True)
    assert order() == ["Two", "One", "Three"] and routing.provider_of(ada) == other
    assert last_event(action="idp.routing_policy.moved").details["to"] == 1
    delete_policy(actor=OPERATOR, policy=find_policy("one"), understood=True)
    assert order() == ["Two", "Three"]


def test_switching_off_and_on(entra: IdentityProvider) -> None:
    ada = make_person(password=PASSWORD)
    policy = add(entra)
    browser = Browser()
    switch_policy(actor=OPERATOR, policy=policy, enabled=False, understood=True)
    assert routing.provider_of(ada) is None
    browser.sign_in_with_password(ada)
    assert browser.is_signed_in
    switch_policy(actor=OPERATOR, policy=policy, enabled=True, understood=True)
    assert routing.provider_of(ada) == entra
    assert not UserSession.objects.filter(person=ada).exists(), "the session that was opened in the other way ends"
    events = last_event(action="idp.routing_policy.switched")
    switch_policy(actor=OPERATOR, policy=policy, enabled=True)
    assert last_event(action="idp.routing_policy.switched") == events, "doing it twice changes nothing"


def test_an_edit_says_anew_whom_it_takes(entra: IdentityProvider) -> None:
    ada, grace = make_person(), make_person()
    policy = add(entra, everyone=False, groups=[group_of(ada)])
    given = PolicyInput(name="Others", groups=[group_of(grace, name="Others")])
    edited = edit_policy(actor=OPERATOR, policy=policy, given=given, seen_revision=1, understood=True)
    assert (edited.name, edited.revision) == ("Others", 2)
    assert (routing.provider_of(ada), routing.provider_of(grace)) == (None, entra)
    with pytest.raises(DirectoryError) as caught:
        edit_policy(actor=OPERATOR, policy=policy, given=given, seen_revision=1, understood=True)
    assert caught.value.code == "idp.routing.changed_meanwhile"


def test_what_moves_somebody_is_confirmed_first(entra: IdentityProvider) -> None:
    given = PolicyInput(name="Everyone", everyone=True)
    assert add_policy(actor=OPERATOR, provider=entra, given=given), "there is nobody to move"
    make_person()
    acts: list[Callable[[], object]] = [
        lambda: add_policy(
            actor=OPERATOR, provider=make_provider_row(2), given=PolicyInput("B", everyone=True), position=1
        ),
        lambda: edit_policy(
            actor=OPERATOR, policy=find_policy("Everyone"), given=PolicyInput("A", domains=["x.example"])
        ),
        lambda: switch_policy(actor=OPERATOR, policy=find_policy("Everyone"), enabled=False),
        lambda: delete_policy(actor=OPERATOR, policy=find_policy("Everyone")),
    ]
    for act in acts:
        with pytest.raises(ImpactNotConfirmed):
            act()


def test_a_stale_confirmation_changes_nothing(entra: IdentityProvider) -> None:
    make_person()
    given = PolicyInput(name="Everyone", everyone=True)
    seen = impact_of_adding(entra, given).fingerprint
    make_person()
    with pytest.raises(ImpactChanged):
        add_policy(actor=OPERATOR, provider=entra, given=given, understood=True, fingerprint=seen)
    assert not RoutingPolicy.objects.exists()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"name": ""}, "idp.routing.name_invalid"),
        ({"name": "line\nbreak"}, "idp.routing.name_invalid"),
        ({"name": "TAKEN"}, "idp.routing.name_taken"),
        ({"description": "x" * 501}, "idp.routing.description_invalid"),
        ({"everyone": False}, "idp.routing.audience_missing"),
        ({"everyone": False, "domains": ["nonsense"]}, EmailDomainInvalid.code),
        ({"everyone": False, "domains": [f"d{n}.example" for n in range(MOST_NAMED + 1)]}, "idp.routing.too_many"),
    ],
)
def test_bad_input_is_refused(entra: IdentityProvider, given: dict[str, object], code: str) -> None:
    make_policy(entra).save()
    RoutingPolicy.objects.update(name="Taken", name_key="taken")
    with pytest.raises(DirectoryError) as caught:
        add(entra, **{"name": "New", **given})  # type: ignore[arg-type]
    assert caught.value.code == code
    assert RoutingPolicy.objects.count() == 1
    assert last_event(action="idp.routing_policy.added").error_code == code


def test_a_group_is_not_taken_and_excepted(entra: IdentityProvider) -> None:
    group = group_of()
    with pytest.raises(DirectoryError) as caught:
        add(entra, everyone=False, groups=[group], except_groups=[group])
    assert caught.value.code == "idp.routing.group_contradictory"


def test_there_are_not_more_than_a_page_can_show(entra: IdentityProvider) -> None:
    for position in range(1, MOST_POLICIES + 1):
        make_policy(entra, position=position, enabled=False)
    with pytest.raises(DirectoryError) as caught:
        add(entra)
    assert caught.value.code == "idp.routing.too_many"


def test_places_and_policies_that_there_are_not(entra: IdentityProvider) -> None:
    policy = add(entra)
    acts: list[tuple[Callable[[], object], str]] = [
        (lambda: move_policy(actor=OPERATOR, policy=policy, position=2), "idp.routing.order_invalid"),
        (lambda: add(entra, "Other", position=3), "idp.routing.order_invalid"),
        (lambda: find_policy("nowhere"), "idp.routing.not_found"),
        (lambda: delete_policy(actor=OPERATOR, policy=RoutingPolicy()), "idp.routing.not_found"),
    ]
    for act, code in acts:
        with pytest.raises(DirectoryError) as caught:
            act()
        assert caught.value.code == code


@pytest.mark.parametrize("role", [AdminRole.ADMINISTRATOR, AdminRole.HELP_DESK, AdminRole.READ_ONLY])
def test_only_billing_administrators_change_policies(entra: IdentityProvider, role: AdminRole) -> None:
    person, policy = make_administrator(role), add(entra)
    actor = Actor(person=person, label=person.label)
    acts: list[Callable[[], object]] = [
        lambda: add_policy(actor=actor, provider=entra, given=PolicyInput(name="X", everyone=True)),
        lambda: edit_policy(actor=actor, policy=policy, given=PolicyInput(name="X", everyone=True)),
        lambda: switch_policy(actor=actor, policy=policy, enabled=False),
        lambda: move_policy(actor=actor, policy=policy, position=1),
        lambda: delete_policy(actor=actor, policy=policy),
        lambda: activation.archive_provider(actor=actor, provider=entra),
        lambda: activation.restore_provider(actor=actor, provider=entra),
    ]
    for act in acts:
        with pytest.raises(PermissionRefused):
            act()


def test_nobody_is_sent_away_while_nobody_could_repair(entra: IdentityProvider, administrator: User) -> None:
    make_person()
    User.objects.filter(pk=administrator.pk).update(state="suspended")
    with pytest.raises(NoLocalAdministrator):
        add(entra)


def test_what_sends_nobody_away_needs_nobody_who_could_repair(entra: IdentityProvider, administrator: User) -> None:
    ada, policy = make_person(), add(entra)
    User.objects.filter(pk=administrator.pk).update(state="suspended")
    switch_policy(actor=OPERATOR, policy=policy, enabled=False, understood=True)
    assert routing.provider_of(ada) is None
    delete_policy(actor=OPERATOR, policy=policy, understood=True)


def test_a_second_factor_is_needed_where_it_is_required(entra: IdentityProvider) -> None:
    make_person()
    Organization.objects.update_or_create(pk=1, defaults={"second_factor_required": True})
    with pytest.raises(NoLocalAdministrator):
        add(entra)


def test_what_was_deleted_meanwhile_cannot_be_named(entra: IdentityProvider) -> None:
    group, person = group_of(), make_person()
    User.objects.filter(pk=person.pk).delete()
    with pytest.raises(PersonNotFound, match="There is no person any more whom it excepts"):
        add(entra, except_people=[person])
    Group.objects.filter(pk=group.pk).delete()
    with pytest.raises(GroupNotFound):
        add(entra, except_groups=[group])
    assert not RoutingPolicy.objects.exists()


def test_a_group_that_a_policy_names_is_not_deleted(entra: IdentityProvider) -> None:
    group = group_of()
    policy = add(entra, "Sales to Entra", everyone=False, groups=[group])
    with pytest.raises(DirectoryError) as caught:
        delete_group(actor=OPERATOR, group=group)
    assert caught.value.code == "users.group_in_use"
    assert "the routing policy Sales to Entra" in caught.value.message
    with pytest.raises(ProtectedError):
        group.delete()
    delete_policy(actor=OPERATOR, policy=policy, understood=True)
    delete_group(actor=OPERATOR, group=group)


def test_the_database_keeps_order_and_names_unique(entra: IdentityProvider) -> None:
    make_policy(entra, position=1)
    for values in ({"name": "Other", "position": 1}, {"name": "POLICY 1", "position": 2}):
        with pytest.raises(IntegrityError), transaction.atomic():
            RoutingPolicy.objects.create(provider=entra, **values)


def test_activation_for_everybody_is_the_policy_everyone(tenant: PracticeTenant) -> None:
    provider = make_provider(tenant)
    policy = RoutingPolicy.objects.get()
    assert (policy.name, policy.everyone, policy.enabled) == ("Everyone to Contoso Entra", True, True)
    assert last_event(action="idp.provider.activated").details["policy"] == policy.name
    activation.deactivate_provider(actor=OPERATOR, provider=provider)
    activation.activate_provider(actor=OPERATOR, provider=provider, understood=True, fingerprint=None)
    assert RoutingPolicy.objects.get() == policy


def test_a_second_provider_for_everybody_goes_before_the_first_for_everyone(tenant: PracticeTenant) -> None:
    ada, grace = make_person(), make_person()
    first = make_provider(tenant)
    make_policy(first, position=2, groups=(group_of(grace),))
    RoutingPolicy.objects.filter(position=1).update(position=3)
    RoutingPolicy.objects.filter(position=2).update(position=1)
    RoutingPolicy.objects.filter(position=3).update(position=2)
    second = make_provider(tenant, active=False, name="Second")
    numbers = impact_of(Act.ACTIVATE, second).numbers()
    assert (numbers["people_sent"], numbers["from_other"]) == (1, 1)
    activation.activate_provider(actor=OPERATOR, provider=second, understood=True, fingerprint=None)
    assert order() == ["Policy 2", "Everyone to Second", "Everyone to Contoso Entra"]
    assert (routing.provider_of(ada), routing.provider_of(grace)) == (second, first)
    numbers = impact_of(Act.DEACTIVATE, second).numbers()
    assert (numbers["to_other"], numbers["locked_out"]) == (1, 0)


def test_a_pilot_group_first(tenant: PracticeTenant) -> None:
    ada, grace = make_person(), make_person()
    provider, pilot = make_provider(tenant, active=False), group_of(ada)
    scope = Scope(group=pilot)
    numbers = impact_of(Act.ACTIVATE, provider, scope=scope).numbers()
    assert (numbers["people_sent"], numbers["kept_local"]) == (1, 1)
    activation.activate_provider(actor=OPERATOR, provider=provider, understood=True, fingerprint=None, scope=scope)
    assert order() == ["Pilot to Contoso Entra"]
    assert (routing.provider_of(ada), routing.provider_of(grace)) == (provider, None)


def test_as_the_policies_say(tenant: PracticeTenant) -> None:
    ada, grace = make_person(), make_person()
    provider = make_provider(tenant, active=False)
    make_policy(provider, groups=(group_of(grace),))
    scope = Scope(as_policies_say=True)
    activation.activate_provider(actor=OPERATOR, provider=provider, understood=True, fingerprint=None, scope=scope)
    assert RoutingPolicy.objects.count() == 1
    assert (routing.provider_of(ada), routing.provider_of(grace)) == (None, provider)


def test_an_archived_provider_keeps_its_links_and_comes_back(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    numbers = impact_of(Act.ARCHIVE, provider).numbers()
    assert (numbers["links_kept"], numbers["locked_out"]) == (1, 1)
    activation.archive_provider(actor=OPERATOR, provider=provider)
    provider.refresh_from_db()
    assert provider.status == "archived" and not browser_client.is_signed_in
    assert routing.provider_of(ada) is None and FederatedIdentity.objects.count() == 1
    assert_refused(Browser().get(f"/oauth/login/{provider.slug}/"), "federation.provider_unavailable")
    with pytest.raises(ProviderArchived) as caught:
        activation.activate_provider(actor=OPERATOR, provider=provider, understood=True, fingerprint=None)
    assert caught.value.code == "idp.archived"
    activation.restore_provider(actor=OPERATOR, provider=provider)
    assert routing.provider_of(ada) is None, "nobody is sent there before it is activated"
    activation.activate_provider(actor=OPERATOR, provider=provider, understood=True, fingerprint=None)
    Browser().federated_sign_in()
    assert FederatedIdentity.objects.count() == 1
    assert last_event(action="idp.provider.restored").target_label == "Contoso Entra"


def test_an_archived_provider_is_not_changed(provider: IdentityProvider, tenant: PracticeTenant) -> None:
    activation.archive_provider(actor=OPERATOR, provider=provider)
    with pytest.raises(ProviderArchived):
        credentials.set_client_secret(actor=OPERATOR, provider=provider, client_secret=tenant.add_secret())


def test_a_person_of_another_policy_is_refused_at_the_callback(provider: IdentityProvider, ada: User) -> None:
    """An exception is one at every door: the provider's word for the account does not open this one."""
    policy = RoutingPolicy.objects.get()
    edit_policy(
        actor=OPERATOR,
        policy=policy,
        given=PolicyInput(name=policy.name, everyone=True, except_people=[ada]),
        understood=True,
    )
    browser = Browser()
    answer = browser.come_back(browser.at_provider(begun(browser, provider, ada)))
    assert_refused(answer, "federation.routed_elsewhere")
    assert not FederatedIdentity.objects.exists()
    assert last_event(action="portal.sign_in.failed").target_id == str(ada.pk)


def test_a_linked_person_who_joins_an_excepted_group_is_refused_from_then_on(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    group = group_of(name="Locals")
    policy = RoutingPolicy.objects.get()
    given = PolicyInput(name=policy.name, everyone=True, except_groups=[group])
    edit_policy(actor=OPERATOR, policy=policy, given=given, understood=True)
    assert browser_client.is_signed_in
    GroupMembership.objects.create(group=group, person=ada)
    assert browser_client.get("/")["Location"] == "/login/"
    again = Browser()
    answer = again.come_back(again.at_provider(begun(again, provider, ada)))
    assert_refused(answer, "federation.routed_elsewhere")
