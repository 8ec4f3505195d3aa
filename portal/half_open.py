"""A sign-in between its two steps: the password was right, the second factor is still to come.

It is kept in the visitor's session, opens no page but that of the second step, and lasts ten minutes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from idp.queries import password_owner
from portal.actors import actor_of
from portal.faces import FACES
from users.audit import record
from users.errors import DirectoryError
from users.factors import Factors, factors_of
from users.models import Realm, User

ACTIONS = {Realm.USER: "portal.sign_in", Realm.ADMIN: "admin_portal.sign_in"}
HALF_OPEN = "half_open"
LIFETIME = timedelta(minutes=10)


class SignInStepOver(DirectoryError):
    """The first step was too long ago, or the person may not sign in so any more."""

    code = "portal.sign_in_step_over"
    message = "This sign-in has to begin again."
    hint = "Give your email and password once more. Between the two steps there may be ten minutes."
    http_status = 401
    exit_status = 3


@dataclass(frozen=True)
class HalfOpen:
    """Who gave her password, what she has for the second step, and where she goes then."""

    person: User
    factors: Factors
    next_path: str


def begin_second_step(request: HttpRequest, person: User, *, realm: Realm, next_path: str) -> HttpResponse:
    """Note that a person's password was right, and lead to the second step. Nobody is signed in by that."""
    request.session.flush()
    request.session[HALF_OPEN] = {
        "person": str(person.pk),
        "realm": realm.value,
        "role": person.admin_role,
        "password": person.get_session_auth_hash(),
        "next": next_path,
        "at": timezone.now().isoformat(),
    }
    details = {"account": person.company_email}
    record(f"{ACTIONS[realm]}.password_accepted", actor=actor_of(request), target=person, details=details)
    return redirect(FACES[realm].name("second_step"))


def half_open_sign_in(request: HttpRequest, realm: Realm) -> HalfOpen | None:
    """Return the sign-in that waits in this session for its second step, or None where there is none.

    Raises:
        SignInStepOver: it is older than ten minutes, or meanwhile the person was suspended, got another role or
            password, lost her second factor, or came under federation.
    """
    noted = request.session.get(HALF_OPEN)
    if not noted or noted["realm"] != realm.value:
        return None
    if timezone.now() - datetime.fromisoformat(noted["at"]) >= LIFETIME:
        raise SignInStepOver(reason="too late")
    person = User.objects.filter(pk=noted["person"]).first()
    if person is None or not person.is_active or person.admin_role != noted["role"]:
        raise SignInStepOver(reason="the person changed")
    if not constant_time_compare(noted["password"], person.get_session_auth_hash()):
        raise SignInStepOver(reason="the password changed")
    factors = factors_of(person)
    if not factors or password_owner(person) is not None:
        raise SignInStepOver(reason="the way to sign in changed")
    return HalfOpen(person, factors, noted["next"])
