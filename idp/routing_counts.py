"""How many people each routing policy decides for, counted in one statement, with a million people and 200 policies.

Asking of every person where she goes would put 200 questions a million times. Instead the policies are asked for the
people whom they name, which groups and domains know; who is left belongs to the first that takes everyone. Whom they
except is taken away as a set: to look for an exception of each would be a million looks again.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import connection

from idp.models import RoutingPolicy
from idp.routing import GUARD_HOLDS, guard_clock
from idp.routing_plan import reached, stored_plan
from users.email_domain import domain_sql
from users.models import State
from users.plain_sql import stored


@dataclass(frozen=True)
class Counts:
    """How many active people each policy decides for, and how many none does: those sign in locally."""

    by_policy: dict[uuid.UUID, int]
    local: int


def people_per_policy() -> Counts:
    """Count the active people without a role by the policy that decides for them."""
    places = dict(RoutingPolicy.objects.values_list("pk", "position"))
    everyone = [rule.policy_id for rule in reached(stored_plan()) if rule.everyone]
    statement = _COUNT.format(
        domain=domain_sql("person.company_email"), decided=_decided(len(everyone)), holds=GUARD_HOLDS
    )
    values: list[Any] = [guard_clock()]
    for policy in everyone:
        key = stored(RoutingPolicy, "id", policy)
        values += [places[policy], key, key, places[policy]]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, State.ACTIVE.value])
        counts = dict(cursor.fetchall())
    local = counts.pop(None, 0)
    return Counts({policy: counts[place] for policy, place in places.items() if place in counts}, local)


def _decided(everyone: int) -> str:
    """Return SQL for the place of the policy that decides: the first that names her, or one before it for everyone."""
    return f"CASE {_EVERYONE * everyone} ELSE named.place END" if everyone else "named.place"


_EVERYONE = """
    WHEN named.place < %s THEN named.place
    WHEN person.id NOT IN (
        SELECT member.person_id FROM idp_routinggroup excepted
        JOIN users_groupmembership member ON member.group_id = excepted.group_id
        WHERE excepted.policy_id = %s AND excepted.is_exception
        UNION ALL SELECT person_id FROM idp_routingexception WHERE policy_id = %s
    ) THEN %s
"""
_COUNT = """
    WITH naming AS (
        SELECT policy.id, policy.position FROM idp_routingpolicy policy
        JOIN idp_identityprovider provider ON provider.id = policy.provider_id
        WHERE policy.enabled AND NOT policy.everyone AND provider.status = 'active' AND {holds}
    ), candidate AS (
        SELECT member.person_id, naming.position FROM naming
        JOIN idp_routinggroup taken ON taken.policy_id = naming.id AND NOT taken.is_exception
        JOIN users_groupmembership member ON member.group_id = taken.group_id
        UNION ALL
        SELECT person.id, naming.position FROM naming
        JOIN idp_routingdomain taken ON taken.policy_id = naming.id
        JOIN users_user person ON {domain} = taken.domain
    ), excepted AS (
        SELECT member.person_id, naming.position FROM naming
        JOIN idp_routinggroup named ON named.policy_id = naming.id AND named.is_exception
        JOIN users_groupmembership member ON member.group_id = named.group_id
        UNION ALL
        SELECT exception.person_id, naming.position FROM naming
        JOIN idp_routingexception exception ON exception.policy_id = naming.id
    ), named AS (
        SELECT person_id, MIN(position) AS place FROM (
            SELECT person_id, position FROM candidate EXCEPT SELECT person_id, position FROM excepted
        ) taken GROUP BY person_id
    )
    SELECT decided, COUNT(*) FROM (
        SELECT {decided} AS decided FROM users_user person LEFT JOIN named ON named.person_id = person.id
        WHERE person.admin_role IS NULL AND person.state = %s
    ) AS everybody GROUP BY decided
"""
