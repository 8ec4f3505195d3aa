"""What can be done with access policies. Each change is tried out on the rules first: what it would mean for whom."""

import uuid
from collections.abc import Collection
from dataclasses import replace

from django.db import IntegrityError, transaction

from idp.access import Action, Rule
from idp.access_changes import (
    NEW,
    Change,
    known_action,
    place_of,
    with_moved,
    with_new,
    with_rule,
    with_switched,
    without,
)
from idp.access_errors import AccessChangedMeanwhile, AccessNameTaken, AccessPolicyNotFound, AccessTooMany
from idp.access_impact import AccessImpact, access_impact
from idp.access_input import MOST_POLICIES, AccessInput, Named, facts_of
from idp.access_rules import Rules, rule_of, stored_rules
from idp.errors import ProviderNotFound
from idp.impact import require_confirmed
from idp.models import (
    AccessDefault,
    AccessGroup,
    AccessPerson,
    AccessPolicy,
    AccessProvider,
    IdentityProvider,
)
from idp.routing_order import put_in_order, stored_order
from users.audit import Actor, audited, record
from users.errors import PersonNotFound
from users.group_errors import GroupNotFound
from users.locks import keep_rows, lock_name
from users.models import Group, User
from users.permissions import Permission
from users.services import require


def find_policy(identifier: str) -> AccessPolicy:
    """Return the policy with this id, or else with this name in any case; raises AccessPolicyNotFound."""
    try:
        found = AccessPolicy.objects.filter(pk=uuid.UUID(identifier)).first()
    except ValueError:
        key = AccessPolicy(name=identifier.strip().replace("\x00", "")).key()
        found = AccessPolicy.objects.filter(name_key=key).first()
    if found is None:
        raise AccessPolicyNotFound()
    return found


def impact_of_adding(given: AccessInput, position: int | None = None) -> AccessImpact:
    """Return what a new policy would change; raises as `add_policy` does on bad input."""
    rules = stored_rules()
    return access_impact(rules, with_new(_draft(AccessPolicy(pk=NEW), given), place_of(position, rules))(rules))


def impact_of_editing(policy: AccessPolicy, given: AccessInput) -> AccessImpact:
    """Return what a changed policy would change; raises as `edit_policy` does on bad input."""
    rules = stored_rules()
    return access_impact(rules, with_rule(_draft(AccessPolicy(pk=policy.pk), given))(rules))


def impact_of_switching(policy: AccessPolicy, *, enabled: bool) -> AccessImpact:
    """Return what switching a policy on or off would change."""
    rules = stored_rules()
    return access_impact(rules, with_switched(policy, enabled)(rules))


def impact_of_moving(policy: AccessPolicy, position: int) -> AccessImpact:
    """Return what another place in the order would change."""
    rules = stored_rules()
    return access_impact(rules, with_moved(policy, position)(rules))


def impact_of_deleting(policy: AccessPolicy) -> AccessImpact:
    """Return what the deletion of a policy would change."""
    rules = stored_rules()
    return access_impact(rules, without(policy)(rules))


def impact_of_default(action: str) -> AccessImpact:
    """Return what another default would change."""
    rules = stored_rules()
    return access_impact(rules, replace(rules, default=known_action(action)))


@audited("idp.access_policy.added")
def add_policy(
    *,
    actor: Actor,
    given: AccessInput,
    position: int | None = None,
    understood: bool = False,
    fingerprint: str | None = None,
) -> AccessPolicy:
    """Add a policy at a place in the order, or at its end.

    Raises:
        idp.access.*: bad input; see `AccessInput`.
        ImpactNotConfirmed, ImpactChanged: it would change something that is in force, and that was not confirmed.
        GroupNotFound, PersonNotFound, ProviderNotFound: what it names was deleted meanwhile.
    """
    require(actor, Permission.MANAGE_ACCESS_POLICIES)
    _lock()
    rules = stored_rules()
    if len(rules.listed) >= MOST_POLICIES:
        raise AccessTooMany(most=MOST_POLICIES, what="access policies")
    place = place_of(position, rules)
    numbers = _confirmed(rules, with_new(_draft(AccessPolicy(pk=NEW), given), place), understood, fingerprint)
    policy = AccessPolicy(position=len(rules.listed) + 1)
    given.fill(policy)
    _save(policy, force_insert=True)
    _name(policy, given.named())
    order = stored_order(AccessPolicy)
    order.insert(place, order.pop())
    put_in_order(order, AccessPolicy)
    details = {**facts_of(policy, given), **numbers, "position": place + 1}
    record("idp.access_policy.added", actor=actor, target=policy, details=details)
    return policy


@audited("idp.access_policy.edited")
def edit_policy(
    *,
    actor: Actor,
    policy: AccessPolicy,
    given: AccessInput,
    seen_revision: int | None = None,
    understood: bool = False,
    fingerprint: str | None = None,
) -> AccessPolicy:
    """Change a policy; it keeps its place.

    Args:
        seen_revision: the revision that the form showed; None where the caller showed none.

    Raises:
        AccessPolicyNotFound, AccessChangedMeanwhile: it is not what it was.
        the same as `add_policy`.
    """
    require(actor, Permission.MANAGE_ACCESS_POLICIES)
    policy = _locked(policy)
    if seen_revision not in (None, policy.revision):
        raise AccessChangedMeanwhile()
    rule = _draft(AccessPolicy(pk=policy.pk), given)
    numbers = _confirmed(stored_rules(), with_rule(rule), understood, fingerprint)
    given.fill(policy)
    policy.revision += 1
    _save(policy)
    for named in (AccessGroup, AccessPerson, AccessProvider):
        named._default_manager.filter(policy=policy).delete()
    _name(policy, given.named())
    record("idp.access_policy.edited", actor=actor, target=policy, details={**facts_of(policy, given), **numbers})
    return policy


@audited("idp.access_policy.switched")
def switch_policy(
    *, actor: Actor, policy: AccessPolicy, enabled: bool, understood: bool = False, fingerprint: str | None = None
) -> AccessPolicy:
    """Switch a policy on or off. Doing it twice changes nothing.

    Raises:
        AccessPolicyNotFound, ImpactNotConfirmed, ImpactChanged: see `add_policy`.
    """
    require(actor, Permission.MANAGE_ACCESS_POLICIES)
    policy = _locked(policy)
    if policy.enabled == enabled:
        return policy
    numbers = _confirmed(stored_rules(), with_switched(policy, enabled), understood, fingerprint)
    policy.enabled, policy.revision = enabled, policy.revision + 1
    policy.save(update_fields=["enabled", "revision", "updated_at"])
    record("idp.access_policy.switched", actor=actor, target=policy, details={"enabled": enabled, **numbers})
    return policy


@audited("idp.access_policy.moved")
def move_policy(
    *, actor: Actor, policy: AccessPolicy, position: int, understood: bool = False, fingerprint: str | None = None
) -> AccessPolicy:
    """Give a policy another place in the order, counted from 1.

    Raises:
        AccessPolicyNotFound, AccessOrderInvalid, ImpactNotConfirmed, ImpactChanged.
    """
    require(actor, Permission.MANAGE_ACCESS_POLICIES)
    policy = _locked(policy)
    before = policy.position
    numbers = _confirmed(stored_rules(), with_moved(policy, position), understood, fingerprint)
    if before != position:
        order = [pk for pk in stored_order(AccessPolicy) if pk != policy.pk]
        order.insert(position - 1, policy.pk)
        put_in_order(order, AccessPolicy)
        details = {"from": before, "to": position, **numbers}
        record("idp.access_policy.moved", actor=actor, target=policy, details=details)
    policy.position = position
    return policy


@audited("idp.access_policy.deleted")
def delete_policy(
    *, actor: Actor, policy: AccessPolicy, understood: bool = False, fingerprint: str | None = None
) -> None:
    """Delete a policy; those after it move up.

    Raises:
        AccessPolicyNotFound, ImpactNotConfirmed, ImpactChanged: see `add_policy`.
    """
    require(actor, Permission.MANAGE_ACCESS_POLICIES)
    policy = _locked(policy)
    numbers = _confirmed(stored_rules(), without(policy), understood, fingerprint)
    record("idp.access_policy.deleted", actor=actor, target=policy, details=numbers)
    policy.delete()
    put_in_order(stored_order(AccessPolicy), AccessPolicy)


@audited("idp.access_policy.default_set")
def set_default(*, actor: Actor, action: str, understood: bool = False, fingerprint: str | None = None) -> Action:
    """Say what happens where no policy fits. Doing it twice changes nothing.

    Raises:
        AccessActionUnknown, ImpactNotConfirmed, ImpactChanged: see `add_policy`.
    """
    require(actor, Permission.MANAGE_ACCESS_POLICIES)
    default, rules, wanted = _lock(), stored_rules(), known_action(action)
    if rules.default == wanted:
        return wanted
    numbers = _confirmed(rules, lambda rules: replace(rules, default=wanted), understood, fingerprint)
    default.action = wanted.value
    default.save(update_fields=["action", "updated_at"])
    details = {"from": rules.default.value, "to": wanted.value, **numbers}
    record("idp.access_policy.default_set", actor=actor, target=default, details=details)
    return wanted


def _confirmed(rules: Rules, change: Change, understood: bool, fingerprint: str | None) -> dict[str, int]:
    """Return the numbers of a change, for the audit row; what is not in force needs no confirmation."""
    impact = access_impact(rules, change(rules))
    if impact.changes_something:
        require_confirmed(impact, understood=understood, fingerprint=fingerprint)
    return {key: count for key, count in impact.numbers().items() if count}


def _draft(policy: AccessPolicy, given: AccessInput) -> Rule:
    """Return as a rule what a policy would say."""
    given.fill(policy)
    return rule_of(policy, given.named())


def _lock() -> AccessDefault:
    """Let nobody else change a policy until the end of the transaction, and give the list another version."""
    lock_name("access policies")
    default = AccessDefault.objects.filter(pk=1).first() or AccessDefault()
    default.version = uuid.uuid4()
    default.save()
    return default


def _locked(policy: AccessPolicy) -> AccessPolicy:
    """Return the policy as stored now; nobody else changes one until the end of the transaction."""
    _lock()
    found = AccessPolicy.objects.filter(pk=policy.pk).first()
    if found is None:
        raise AccessPolicyNotFound()
    return found


def _save(policy: AccessPolicy, **options: bool) -> None:
    try:
        with transaction.atomic():
            policy.save(**options)  # type: ignore[arg-type]
    except IntegrityError as error:
        raise AccessNameTaken(name=policy.name) from error


def _name(policy: AccessPolicy, named: Collection[Named]) -> None:
    """Store whom and what the policy names. What is deleted in the same moment cannot be named any more."""
    ids = {kind: {pk for each, _, pk in named if each == kind} for kind in ("group", "person", "provider")}
    if not keep_rows(Group.objects.all(), ids["group"]):
        raise GroupNotFound()
    if not keep_rows(User.objects.all(), ids["person"]):
        raise PersonNotFound(identifier="any more whom it names")
    if not keep_rows(IdentityProvider.objects.all(), ids["provider"]):
        raise ProviderNotFound(identifier="any more that it names")
    AccessGroup.objects.bulk_create(
        AccessGroup(policy=policy, group_id=pk, is_exception=out) for kind, out, pk in named if kind == "group"
    )
    AccessPerson.objects.bulk_create(
        AccessPerson(policy=policy, person_id=pk, is_exception=out) for kind, out, pk in named if kind == "person"
    )
    AccessProvider.objects.bulk_create(
        AccessProvider(policy=policy, provider_id=pk) for kind, _, pk in named if kind == "provider"
    )
