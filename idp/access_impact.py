"""What a change of the access policies would mean, in numbers and names, before it is confirmed."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When

from idp.access import Action, Rule
from idp.access_rules import Rules
from idp.routing_plan import members_of
from users.impact import EXAMPLES, Impact, Line
from users.models import AuthenticatorApp, Passkey, Realm, State, User
from users.schedules import after_scheduled_states
from users.sessions import live_sessions

NEVER = Q(pk__in=[])


@dataclass(frozen=True)
class AccessImpact(Impact):
    """The impact of one change. Page, command and audit row all render this.

    Attributes:
        after: the policies as they would be.
        changes_something: whether any policy that is on, the order of those, or the default would be another.
    """

    after: Rules
    changes_something: bool

    @property
    def fingerprint(self) -> str:
        """What a confirmation refers to: the policies as they would be, and the same numbers.

        Sessions are left out: where people sign in all day their number never stands still, and nobody could confirm.
        """
        numbers = {key: count for key, count in self.numbers().items() if key != "sessions_checked"}
        facts = [self.after.default, [_facts(rule) for rule in self.after.listed], sorted(numbers.items())]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


@after_scheduled_states
def access_impact(before: Rules, after: Rules) -> AccessImpact:
    """Compute what becomes of the active people by a change from one list of policies to another."""
    if before.in_force == after.in_force and before.default == after.default:
        return AccessImpact((), after, changes_something=False)
    people = User.objects.filter(state=State.ACTIVE).annotate(before=_always(before), after=_always(after))
    changed = _changed(before.in_force, after.in_force)
    concerned = people.filter(_any(changed) | ~Q(before=F("after")))
    denied = people.filter(after=Action.DENY).exclude(before=Action.DENY)
    asked = people.filter(after=Action.REQUIRE_SECOND_FACTOR).exclude(before=Action.REQUIRE_SECOND_FACTOR)
    sometimes = {action: people.filter(_reached(changed, after.in_force, action)) for action in Action}
    asked_at_all = people.filter(
        Q(pk__in=asked.values("pk")) | Q(pk__in=sometimes[Action.REQUIRE_SECOND_FACTOR].values("pk"))
    )
    lines = [
        _people("concerned", concerned),
        _people("denied", denied, tone="danger"),
        _people("denied_sometimes", sometimes[Action.DENY], tone="warning"),
        _people("let_in", people.filter(before=Action.DENY).exclude(after=Action.DENY), tone="success"),
        _people("allowed_sometimes", sometimes[Action.ALLOW]),
        _people("second_factor", asked),
        _people("second_factor_sometimes", sometimes[Action.REQUIRE_SECOND_FACTOR]),
        *_without_factor(asked_at_all),
    ]
    told = [line for line in lines if line.count or line.key == "concerned"]
    sessions = live_sessions(realm=Realm.USER, person__in=concerned.values("pk"))
    return AccessImpact((*told, _line("sessions_checked", sessions)), after, changes_something=True)


def condition_of(rule: Rule) -> Q:
    """Return the condition that a rule names a person, whatever the circumstances."""
    takes = Q(pk__isnull=False) if rule.everyone else NEVER
    if rule.groups:
        takes |= Q(pk__in=members_of(rule.groups))
    if rule.people:
        takes |= Q(pk__in=sorted(rule.people))
    if rule.except_groups:
        takes &= ~Q(pk__in=members_of(rule.except_groups))
    if rule.except_people:
        takes &= ~Q(pk__in=sorted(rule.except_people))
    return takes


def _always(rules: Rules) -> Any:
    """Return what happens to a person where no policy with conditions says otherwise."""
    whens = []
    for rule in rules.in_force:
        if not rule.is_conditional:
            whens.append(When(condition_of(rule), then=Value(rule.action.value)))
            if rule.everyone and not (rule.except_groups or rule.except_people):
                break
    default = Value(rules.default.value, CharField())
    return Case(*whens, default=default, output_field=CharField()) if whens else default


def _changed(before: Sequence[Rule], after: Sequence[Rule]) -> Sequence[Rule]:
    """Return the rules that are others than before, or have another place."""
    if set(before) != set(after):
        return [rule for rule in [*before, *after] if rule not in set(before) & set(after)]
    moved = [rule for rule in before if _without(before, rule) == _without(after, rule)]
    return moved[:1] or list(before if list(before) != list(after) else ())


def _without(rules: Sequence[Rule], rule: Rule) -> list[Rule]:
    return [each for each in rules if each != rule]


def _any(rules: Iterable[Rule]) -> Q:
    condition = NEVER
    for rule in rules:
        condition |= condition_of(rule)
    return condition


def _reached(changed: Sequence[Rule], rules: Sequence[Rule], action: Action) -> Q:
    """Return the condition that one of the changed rules may do this to a person, where its own conditions hold.

    It does not where a rule without conditions decides about her before.
    """
    condition, decided = NEVER, NEVER
    for rule in rules:
        if not rule.is_conditional:
            decided |= condition_of(rule)
        elif rule.action == action and rule in changed:
            condition |= condition_of(rule) & ~decided
    return condition


def _without_factor(people: "QuerySet[User]") -> list[Line]:
    """Return who of those who are asked for a second factor has none yet."""
    has_app = Exists(AuthenticatorApp.objects.filter(person=OuterRef("pk")))
    has_passkey = Exists(Passkey.objects.filter(person=OuterRef("pk")))
    none = people.exclude(has_app | has_passkey)
    return [_people("to_set_up", none, tone="warning")]


def _people(key: str, people: "QuerySet[User]", *, tone: str = "neutral") -> Line:
    count = people.count()
    named = people.order_by("company_email")[:EXAMPLES] if count else []
    return _line(key, count, tone, tuple(person.label for person in named))


def _line(key: str, count: int, tone: str = "neutral", examples: tuple[str, ...] = ()) -> Line:
    one, many = _WORDS[key]
    return Line(count, one if count == 1 else many, tone if count else "neutral", examples, key)


def _facts(rule: Rule) -> list[Any]:
    """Return what a rule says as JSON types, always in the same order."""
    window = rule.window and [
        sorted(rule.window.days),
        str(rule.window.begins),
        str(rule.window.ends),
        rule.window.zone,
    ]
    sets = (rule.groups, rule.people, rule.except_groups, rule.except_people, rule.sign_ins, rule.networks)
    plain = [rule.action, rule.enabled, rule.everyone, rule.network_side, rule.token_second_factor, rule.window_side]
    return [str(rule.policy_id), *plain, window, *(sorted(map(str, ids)) for ids in sets)]


# What each number means: for one, and for none or several.
_WORDS = {
    "concerned": ("active person whom this is about", "active people whom this is about"),
    "denied": (
        "of them can no longer open the User Portal, unless an earlier policy lets them in",
        "of them can no longer open the User Portal, unless an earlier policy lets them in",
    ),
    "denied_sometimes": (
        "of them is denied the User Portal where the conditions hold",
        "of them are denied the User Portal where the conditions hold",
    ),
    "let_in": ("of them is not denied any more", "of them are not denied any more"),
    "allowed_sometimes": (
        "of them is let in where the conditions hold",
        "of them are let in where the conditions hold",
    ),
    "second_factor": (
        "of them is asked for a second factor at Gatehouse from then on",
        "of them are asked for a second factor at Gatehouse from then on",
    ),
    "second_factor_sometimes": (
        "of them is asked for a second factor at Gatehouse where the conditions hold",
        "of them are asked for a second factor at Gatehouse where the conditions hold",
    ),
    "to_set_up": (
        "of those who are asked has no second factor, and must set one up before anything else opens",
        "of those who are asked have no second factor, and must set one up before anything else opens",
    ),
    "sessions_checked": (
        "session of theirs is open in the User Portal; none ends now, and the next page asks these policies",
        "sessions of theirs are open in the User Portal; none ends now, and the next page asks these policies",
    ),
}
