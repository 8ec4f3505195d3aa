"""Who stands in for somebody who does not exist, where the answer must not tell that.

The sign-in page answers by what is known of a person: her groups decide where she is sent. If it answered an unknown
email in a way of its own, anybody could find out who works here. So an unknown email is answered as if it were that of
a colleague of the same domain, always the same one: among many addresses, those of nobody then look like the others.
"""

import uuid
from typing import Any

from django.db import connection
from django.utils.crypto import salted_hmac

from users.email_domain import domain_of, domain_sql
from users.models import User
from users.plain_sql import as_uuid, stored

_SALT = "stand-ins"


def person_or_stand_in(email: str) -> uuid.UUID:
    """Return the id of the person with this company email, or of her stand-in; of nobody where the domain has no one.

    One statement that looks for all of them, whoever there is: also the time that it takes tells nothing. The stand-in
    is the next person by id after a point that the email has under the installation's own key. Ids are random, so that
    the choice is fair, and another colleague more or less changes it for few emails.
    """
    email = email.strip().lower()
    point = uuid.UUID(bytes=salted_hmac(_SALT, email, algorithm="sha256").digest()[:16])
    domain = domain_of(email)
    with connection.cursor() as cursor:
        cursor.execute(_FIND.format(domain=domain_sql("company_email")), [email, domain, _key(point), domain])
        row = cursor.fetchone()
    return as_uuid(row[0]) if row else point


def _key(pk: uuid.UUID) -> Any:
    return stored(User, "id", pk)


_FIND = """
    SELECT id FROM (
        SELECT id, 1 AS choice FROM users_user WHERE company_email = %s
        UNION ALL SELECT id, 2 FROM (
            SELECT id FROM users_user WHERE {domain} = %s AND id >= %s ORDER BY id LIMIT 1
        ) AS following
        UNION ALL SELECT id, 3 FROM (
            SELECT id FROM users_user WHERE {domain} = %s ORDER BY id LIMIT 1
        ) AS first
    ) AS found ORDER BY choice LIMIT 1
"""
