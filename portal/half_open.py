"""A sign-in between its two steps: password or provider said who it is, the second factor is still to come.

It is kept in the visitor's session, opens no page but that of the second step, and lasts ten minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from idp.held_answers import Answer, unsealed
from idp.models import IdentityProvider
from idp.routing import Route, route_of
from portal.actors import actor_of
from portal.faces import FACES
from users.audit import record
from users.errors import DirectoryError
from users.factor_errors import SecretUnreadable
from users.factors import Factors, factors_of
from users.log_context import note
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
    """Who it is, what she has for the second step, and where she goes then.

    Attributes:
        answer: of the provider that says who it is, or None where she gave her password.
        route: to a provider that is down, in whose place the password is taken.
    """

    person: User
    factors: Factors
    next_path: str
    answer: Answer | None = None
    route: Route | None = None


def begin_second_step(
    request: HttpRequest,
    person: User,
    *,
    realm: Realm,
    next_path: str,
    answer: Answer | None = None,
    keep: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Note who somebody is so far, and lead to the second step. Nobody is signed in by that.

    Args:
        answer: of the provider that says who it is; None: her password was right.
        keep: what else stays in the visitor's session.
    """
    request.session.flush()
    request.session.update(keep or {})
    request.session[HALF_OPEN] = {
        "person": str(person.pk),
        "realm": realm.value,
        "role": person.admin_role,
        "password": person.get_session_auth_hash(),
        "answer": answer.sealed() if answer else "",
        "next": next_path,
        "at": timezone.now().isoformat(),
    }
    details = {"account": person.company_email}
    action = f"{ACTIONS[realm]}.password_accepted"
    if answer:
        details["provider"], action = answer.provider.name, "portal.sign_in.provider_accepted"
    record(action, actor=actor_of(request), target=person, details=details)
    return redirect(FACES[realm].name("second_step"))


def half_open_sign_in(request: HttpRequest, realm: Realm) -> HalfOpen | None:
    """Return the sign-in that waits in this session for its second step, or None where there is none.

    Raises:
        SignInStepOver: it is older than ten minutes, or meanwhile the person was suspended, got another role or
            password, lost her second factor, or signs in another way; or her provider is not what was asked, or in
            whose place the password was taken is down no longer.
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
    factors, route = factors_of(person), route_of(person)
    sealed = noted.get("answer", "")
    answer = _answer(sealed, route.provider if route else None) if sealed else None
    # A provider's answer is one of the provider to which she is sent now, or it would not have been unsealed.
    is_her_way = answer is not None or route is None or route.passwords_open
    if not factors or not is_her_way:
        raise SignInStepOver(reason="the way to sign in changed")
    return HalfOpen(person, factors, noted["next"], answer, None if answer else route)


def _answer(sealed: str, provider: IdentityProvider | None) -> Answer:
    try:
        answer = unsealed(sealed, provider)
    except SecretUnreadable as error:
        raise SignInStepOver(reason="the encryption keys changed") from error
    if answer is None:
        raise SignInStepOver(reason="the provider changed")
    note(provider=answer.provider.slug)
    return answer
