"""What belongs in a backup, and what does not: every table is decided on here, so that a new one is not forgotten."""

from django.db import models
from django.db.migrations.state import StateApps

from portal.backup.values import kind_of

# By model, with the reason. Everything else is kept.
LEFT_OUT = {
    "users.UserSession": "everybody signs in anew: a session that ended since the backup must not come back",
    "idp.UpstreamGrant": "refresh tokens of sessions, which are left out",
    "idp.HousekeepingTask": "when each task ended well on the machine that was backed up",
    "idp.SpentState": "a sign-in under way goes on in its session alone, and sessions are left out",
    "users.SetupToken": "good for an hour, and replaced with `manage.py admins setup-link`",
    "users.ResetRequest": "counts requests of the last hour",
    "users.RateCount": "counts requests of the last minutes",
    "users.CacheEntry": "the cache: what it knew is found out anew",
    "users.PeopleCount": "kept by triggers, and counted anew",
    "sessions.Session": "Django's own sessions, which Gatehouse does not use",
    "contenttypes.ContentType": "made anew; nothing of ours refers to it",
    "auth.Permission": "Django's own permissions, made anew; Gatehouse has its own",
    "auth.Group": "Django's own groups, which Gatehouse does not use",
    "auth.Group_permissions": "Django's own groups, which Gatehouse does not use",
}
# These are brought back, and changed by that.
CHANGED = {
    "users.ActionLink": "open links are made void: one that was used after the backup would work again",
}


def kept_models(apps: StateApps) -> list[type[models.Model]]:
    """Return the models whose rows belong in a backup, as they are at some state of the migrations, in a fixed order.

    Links come before pending links, whose trigger removes what is linked already.
    """
    kept = [model for model in apps.get_models(include_auto_created=True) if _is_kept(model)]
    return sorted(kept, key=lambda model: model._meta.db_table)


def _is_kept(model: type[models.Model]) -> bool:
    return model._meta.managed and not model._meta.proxy and model._meta.label not in LEFT_OUT


def columns_of(model: type[models.Model]) -> list[tuple[str, str]]:
    """Return the columns of a model, with the kind of each."""
    return [(field.column or "", kind_of(field)) for field in model._meta.local_concrete_fields]
