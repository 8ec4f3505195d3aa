"""Who keeps a federated person's second factor: her provider alone, or Gatehouse as well."""

from idp.access import Action
from idp.access_rules import groups_of, stored_rules
from idp.queries import password_owner
from users.factors import has_second_factor
from users.models import User


def factor_owner(person: User) -> str | None:
    """Return the name of the provider that alone asks a person for a second factor, or None where Gatehouse may.

    Gatehouse does of whom it signs in itself, of whom an access policy may ask for one, whatever the circumstances, and
    of who has set one up already.
    """
    provider = password_owner(person)
    if provider is None or has_second_factor(person) or may_be_asked(person):
        return None
    return provider


def may_be_asked(person: User) -> bool:
    """Return whether some access policy that is on, or the default, may ask a person for a second factor here."""
    rules = stored_rules()
    if rules.default == Action.REQUIRE_SECOND_FACTOR:
        return True
    asking = [rule for rule in rules.in_force if rule.action == Action.REQUIRE_SECOND_FACTOR]
    if not asking:
        return False
    groups = groups_of(person)
    return any(rule.names(person.pk, groups) for rule in asking)
