"""What becomes of a session in the User Portal when the access policies say something else than when it was opened."""

from typing import cast

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from idp.access_errors import AccessRefused
from idp.models import IdentityProvider
from portal.actors import actor_of
from portal.admission import admit
from portal.errors import error_page
from users.audit import record, record_refusal
from users.factors import has_second_factor
from users.models import User
from users.sessions import shown_second_factor

SET_ONE_UP = "Your company asks for a second factor. Set one up here; then everything else opens."
SIGN_IN_AGAIN = "Your company asks for your second factor at Gatehouse now. Sign in again."


def refused_by_policies(
    request: HttpRequest, provider: IdentityProvider | None, *, may_enrol: bool, before_enrolment: bool
) -> HttpResponse | None:
    """Return the answer to a person whom the policies do not let open a page as she is signed in, or None.

    Denied, she is signed out: so the audit log has it once for each session, and the next page is the sign-in again.

    Args:
        provider: which signed her in; None for a Gatehouse password.
        may_enrol: whether a second factor is hers to set up: not while her password stands in for a provider.
        before_enrolment: whether the page is one on which a second factor is set up.
    """
    person = cast(User, request.user)
    try:
        admission = admit(
            request,
            person,
            provider_id=provider.pk if provider else None,
            token_second_factor=bool(request.session.get("federation", {}).get("second_factor")),
            local_second_factor=shown_second_factor(request.session),
        )
        if not admission.needs_second_factor:
            return None
        has_one = has_second_factor(person)
        if not may_enrol and not has_one:
            raise admission.missing()
    except AccessRefused as refusal:
        return _shut_out(request, person, refusal)
    if has_one:
        details = {"reason": "a policy asks for the second factor", "policy": admission.policy or "Default policy"}
        record("portal.session.ended", actor=actor_of(request), details=details)
        logout(request)
        messages.warning(request, SIGN_IN_AGAIN)
        return redirect("user_portal:sign_in")
    if before_enrolment:
        return None
    messages.warning(request, SET_ONE_UP)
    return redirect("user_portal:second_factor")


def _shut_out(request: HttpRequest, person: User, refusal: AccessRefused) -> HttpResponse:
    record_refusal("portal.access.refused", actor=actor_of(request), target=person, error=refusal)
    logout(request)
    return error_page(request, refusal, actions=[("Back to the sign-in page", reverse("user_portal:sign_in"))])
