"""What both portals' sign-in pages share: the password check with lock-out, and opening a session."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import authenticate, login
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from idp.routing import Route, route_of
from portal import standing_in
from portal.actors import actor_of, client_ip
from portal.admission import Admission, admit
from portal.browsers import browser_of
from portal.fresh import mark_fresh
from portal.half_open import ACTIONS, begin_second_step
from portal.lockout import counted_guess
from users import sessions
from users.audit import record, record_refusal
from users.errors import DirectoryError, PasswordManagedExternally, SignInFailed
from users.factors import has_second_factor
from users.last_login import note_last_login
from users.log_context import note
from users.models import Realm, User
from users.own_sign_ins import account_holder

PASSWORD_BACKEND = "users.backends.PasswordBackend"  # noqa: S105  (a class)


def sign_in_with_password(
    request: HttpRequest, *, email: str, password: str, realm: Realm, next_path: str
) -> HttpResponse:
    """Check a password, open a session in this portal, and go on; or to the second step for who has a second factor.

    Raises:
        SignInFailed: wrong, unknown, suspended, or no administrator: always the same words.
        SignInLocked: too many failures for the account or the address.
        PasswordManagedExternally: the right password of a person who signs in through a provider, unless that is down
            and her routing policy lets passwords in then.
        AccessDenied: the right password of a person whom an access policy shuts out.
    """
    try:
        with counted_guess(request, email):
            person, route = _checked(request, email, password, realm)
        if has_second_factor(person):
            return begin_second_step(request, person, realm=realm, next_path=next_path)
        open_local_session(request, person, realm=realm, given="password", route=route)
    except DirectoryError as error:
        details = {"email": email.strip().lower()[:254], "realm": realm.value, "browser": browser_of(request)}
        # Whose account it was about: she sees it among her own sign-ins.
        about = account_holder(email)
        record_refusal(f"{ACTIONS[realm]}.failed", actor=actor_of(request), target=about, error=error, details=details)
        raise
    return redirect(next_path)


def open_local_session(
    request: HttpRequest, person: User, *, realm: Realm, given: str, route: Route | None = None
) -> None:
    """Open the session of somebody who gave her own password.

    Of whom a policy asks for a second factor that she has not, the User Portal's pages lead to setting one up.

    Args:
        given: `password`, and the second factor behind it: `password+totp`.
        route: to a provider that is down, in whose place the password is taken.

    Raises:
        AccessDenied: a policy shuts her out of the User Portal.
    """
    person.backend = PASSWORD_BACKEND
    admission = admit(request, person, local_second_factor="+" in given) if realm == Realm.USER else None
    method = standing_in.method_of(given, route)
    facts, keep = standing_in.facts_of(route), standing_in.note_of(route)
    open_session(request, person, realm=realm, method=method, admission=admission, facts=facts, keep=keep)


def _checked(request: HttpRequest, email: str, password: str, realm: Realm) -> tuple[User, Route | None]:
    """Return whose password it is, and in which provider's place it is taken, if in any."""
    person = authenticate(request, username=email, password=password)
    if not isinstance(person, User):
        raise SignInFailed()
    if realm == Realm.ADMIN:
        if person.admin_role is None:
            raise SignInFailed()
        return person, None
    route = route_of(person)
    if route is not None and not route.passwords_open:
        raise PasswordManagedExternally(label=person.label, provider=route.provider.name)
    return person, route


def open_session(
    request: HttpRequest,
    person: User,
    *,
    realm: Realm,
    method: str,
    admission: Admission | None,
    provider_id: str | None = None,
    upstream_sid: str = "",
    keep: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    is_confirmed: bool = False,
) -> None:
    """Sign a person in to one portal: a new session key, a tagged session row, an audit row, in one transaction.

    Nothing of the visitor's former session is kept but what the caller names.

    Args:
        method: how the person was recognised: `password`, or the rule that matched a token, with a second factor; or
            `sessions.BREAK_GLASS`.
        admission: that the access policies let her in. No session of the User Portal opens without.
        provider_id, upstream_sid: the provider that vouched for her, and its name for her session there.
        keep: what else the session holds from the beginning.
        facts: what else the audit row says.
        is_confirmed: whether her provider was asked to make sure who sits there.
    """
    if realm == Realm.USER and (admission is None or admission.person != person):
        raise ValueError("nobody asked the access policies")
    vouched_by = _vouched_by(person, method, provider_id)
    details = {"method": method, "browser": browser_of(request), **vouched_by, **(facts or {})}
    with transaction.atomic(savepoint=False):
        request.session.flush()
        # Of a person without a backend no password was right: django-axes then forgets none of her failures.
        login(request, person, backend=getattr(person, "backend", PASSWORD_BACKEND))
        sessions.tag(
            request.session,
            person=person,
            realm=realm,
            client_ip=client_ip(request),
            user_agent=request.headers.get("User-Agent", ""),
            method=method,
            provider_id=provider_id,
            upstream_sid=upstream_sid,
        )
        request.session.update(keep or {})
        # Of whom a provider signs in: a second factor shown here, the first one still to be set up, or asked once more.
        asks_one = admission is not None and admission.needs_second_factor
        if provider_id is None or asks_one or is_confirmed or "+" in method:
            mark_fresh(request.session)
        request.session.save()
        note(person=str(person.pk))
        note_last_login(person)
        record(f"{ACTIONS[realm]}.succeeded", actor=actor_of(request).as_person(person), target=person, details=details)


def _vouched_by(person: User, method: str, provider_id: str | None) -> dict[str, str]:
    """Return what showed who she is: an address where her own password or factor was right is known to the lock-out."""
    if provider_id:
        return {"provider_id": provider_id, **({"account": person.company_email} if "+" in method else {})}
    return {} if method == sessions.BREAK_GLASS else {"account": person.company_email}


def safe_next(request: HttpRequest, candidate: str | None, fallback: str) -> str:
    """Return a path of this site to go on to, or the fallback for anything that could lead elsewhere.

    Only a plain absolute path is taken: no scheme, no host, no backslash (browsers read it as a slash), no control
    characters, and nothing that becomes one of these when it is decoded once more.
    """
    if not candidate or len(candidate) > 2000 or not candidate.isprintable():
        return fallback
    lowered = candidate.lower()
    suspicious = ("\\", "%5c", "%2f%2f", "%00", "%09", "%0a", "%0d", "/..", "%2e%2e", "/.%2e", "/%2e.")
    if not candidate.startswith("/") or candidate.startswith("//") or any(part in lowered for part in suspicious):
        return fallback
    if lowered.startswith(("/%2f", "/%5c")):
        return fallback
    allowed = url_has_allowed_host_and_scheme(candidate, allowed_hosts=None, require_https=request.is_secure())
    return candidate if allowed else fallback
