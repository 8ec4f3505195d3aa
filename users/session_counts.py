"""How many sessions there are."""

from django.db.models import Count
from django.utils import timezone

from users.models import Realm, UserSession


def live_sessions() -> dict[str, int]:
    """Return how many sessions of people are good now, by realm, with one statement."""
    live = UserSession.objects.filter(person__isnull=False, expire_date__gt=timezone.now()).order_by()
    found = dict(live.values("realm").annotate(number=Count("pk")).values_list("realm", "number"))
    return {realm: found.get(realm, 0) for realm in Realm.values}
