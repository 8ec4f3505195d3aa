"""When a person signed in last: exact to an hour, so that most sign-ins need not write it."""

from django.utils import timezone

from users.models import LAST_LOGIN_PRECISION, User


def note_last_login(person: User) -> None:
    """Note a sign-in on the person's row, where the last one noted is older than `LAST_LOGIN_PRECISION`."""
    now = timezone.now()
    if person.last_login is not None and now - person.last_login < LAST_LOGIN_PRECISION:
        return
    User.objects.filter(pk=person.pk).update(last_login=now)
    person.last_login = now
