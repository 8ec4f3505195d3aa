"""People chosen from a list, for an act on many of them at once."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import QuerySet

from users.models import User
from users.people_errors import SelectionEmpty, SelectionTooLarge
from users.people_list import PeopleFilter, everybody_fitting

# More at once would keep everybody who signs in waiting for SQLite's one writer.
MOST = 10_000


@dataclass(frozen=True)
class Selection:
    """Either some people by their ids, or everybody whom a filter of the list finds."""

    ids: Collection[uuid.UUID] = ()
    fitting: PeopleFilter | None = None

    def people(self) -> QuerySet[User]:
        """Return the people chosen; the acts that change states leave out those who have a role.

        Raises:
            SelectionEmpty: nobody was chosen.
            SelectionTooLarge: the filter finds too many for one act.
        """
        chosen = User.objects.filter(pk__in=self.ids) if self.fitting is None else everybody_fitting(self.fitting)
        ids = list(chosen.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
        if not ids:
            raise SelectionEmpty()
        if len(ids) > MOST:
            raise SelectionTooLarge(most=f"{MOST:,}")
        return User.objects.filter(pk__in=ids).order_by("pk")
