"""The order of routing policies and of access policies: every place from 1 on, each taken once."""

import uuid
from collections.abc import Sequence

from django.db.models import Case, F, Value, When

from idp.models import AccessPolicy, RoutingPolicy
from users.locks import lock_name

Ordered = type[RoutingPolicy] | type[AccessPolicy]
# Beyond every place that there is: the policies go there first, because no two may ever have the same.
_ASIDE = 1_000_000


def lock_routing() -> None:
    """Let nobody else change who is sent where until the end of the transaction."""
    lock_name("routing policies")


def put_in_order(policies: Sequence[uuid.UUID], kind: Ordered = RoutingPolicy) -> None:
    """Give the policies the places 1, 2, 3 … in this order."""
    kind.objects.filter(pk__in=policies).update(position=F("position") + _ASIDE)
    places = [When(pk=pk, then=Value(place)) for place, pk in enumerate(policies, start=1)]
    if places:
        kind.objects.filter(pk__in=policies).update(position=Case(*places))


def stored_order(kind: Ordered = RoutingPolicy) -> list[uuid.UUID]:
    """Return the policies in their order."""
    return list(kind.objects.order_by("position").values_list("pk", flat=True))
