"""Filters of the audit log that administrators keep under a name."""

from urllib.parse import parse_qsl, urlencode

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from users.audit import Actor, audited, record
from users.audit_errors import (
    SavedFilterEmpty,
    SavedFilterNameTaken,
    SavedFilterNotFound,
    SavedFiltersTooMany,
    SavedFilterTooLong,
)
from users.audit_filter import AuditFilter
from users.models import SavedFilter, User
from users.names import clean_name
from users.permissions import Permission
from users.services import require

# A list of links, not a second log.
MOST = 50
# A saved filter is opened as an address, and web servers refuse a line of a request beyond 4,094 characters.
LONGEST_QUERY = 3500


def filters_for(person: User) -> "QuerySet[SavedFilter]":
    """Return the saved filters that an administrator sees: her own, and those shared with all, by name."""
    return (
        SavedFilter.objects.filter(Q(owner=person) | Q(is_shared=True)).select_related("owner").order_by(Lower("name"))
    )


def filter_of(saved: SavedFilter) -> AuditFilter:
    """Return what was saved."""
    return AuditFilter.of(dict(parse_qsl(saved.query)))


@audited("audit.filter.saved")
def save_filter(*, actor: Actor, name: str, wanted: AuditFilter, is_shared: bool = False) -> SavedFilter:
    """Keep a filter under a name. A relative range stays relative.

    Raises:
        NameInvalid: the name is empty or cannot be shown.
        SavedFilterEmpty: the filter finds everything, so that there is nothing to keep.
        SavedFilterTooLong: no address could hold the filter.
        SavedFilterNameTaken: this administrator has one of this name.
        SavedFiltersTooMany: this administrator has as many as she may have.
        PermissionRefused: the role does not cover the audit log.
    """
    owner = _owner(actor)
    name = clean_name(name, field="name")[:80].strip()
    if not wanted or not name:
        raise SavedFilterEmpty()
    query = urlencode(wanted.as_query())
    if len(query) > LONGEST_QUERY:
        raise SavedFilterTooLong()
    if SavedFilter.objects.filter(owner=owner).count() >= MOST:
        raise SavedFiltersTooMany(most=MOST)
    kept = {"query": query, "is_shared": is_shared}
    # The database compares without regard to case; two that come at once are told apart by its constraint.
    saved, is_new = SavedFilter.objects.get_or_create(owner=owner, name__iexact=name, defaults={"name": name, **kept})
    if not is_new:
        raise SavedFilterNameTaken(name=name)
    record("audit.filter.saved", actor=actor, target=saved, details={"filter": wanted.as_query(), "shared": is_shared})
    return saved


@audited("audit.filter.deleted")
def delete_filter(*, actor: Actor, pk: int) -> str:
    """Delete one's own filter, or a shared one where the role covers organization settings; return its name.

    Raises:
        SavedFilterNotFound: there is none among those that the administrator sees.
        PermissionRefused: it is somebody else's, and the role does not cover that.
    """
    saved = filters_for(_owner(actor)).filter(pk=pk).first()
    if saved is None:
        raise SavedFilterNotFound()
    if actor.person is None or saved.owner_id != actor.person.pk:
        require(actor, Permission.MANAGE_ORGANIZATION)
    record("audit.filter.deleted", actor=actor, target=saved, details={"owner": saved.owner.label})
    saved.delete()
    return saved.name


def _owner(actor: Actor) -> User:
    """Return the administrator who keeps filters: a shell has a history of its own."""
    require(actor, Permission.VIEW_AUDIT)
    if actor.person is None:
        raise SavedFilterNotFound()
    return actor.person
