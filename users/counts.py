"""Adding up the rows that PostgreSQL's triggers leave behind for every change of people."""

from django.db import connection, transaction

from users.models import PeopleCount

_COLUMNS = "state, admin_role, linked, signed_in"
# One statement: whoever counts meanwhile sees the rows before or the sums after.
_FOLD = f"""
    WITH gone AS (DELETE FROM users_peoplecount RETURNING {_COLUMNS}, amount)
    INSERT INTO users_peoplecount ({_COLUMNS}, amount)
    SELECT {_COLUMNS}, SUM(amount) FROM gone GROUP BY {_COLUMNS} HAVING SUM(amount) <> 0
"""  # noqa: S608  (our own names)


def fold_counts() -> int:
    """Replace the rows of `PeopleCount` by their sums, and return how many sums there are.

    SQLite's triggers keep sums from the start.
    """
    if connection.vendor != "postgresql":
        return PeopleCount.objects.count()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_FOLD)
        return int(cursor.rowcount)
