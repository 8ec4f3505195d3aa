"""The second step of a sign-in, in either portal."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from idp.access_errors import AccessRefused
from idp.claim_sign_in import apply_claims_first
from idp.federation import match_person
from idp.held_answers import Answer
from portal.actors import actor_of
from portal.admission import admit
from portal.errors import error_page
from portal.faces import Face
from portal.factor_checks import NO_GUESS, CodeForm, passkey_context, spend_posted_factor
from portal.federated_session import open_federated_session
from portal.half_open import ACTIONS, HALF_OPEN, HalfOpen, SignInStepOver, half_open_sign_in
from portal.lockout import counted_guess
from portal.sign_in import open_local_session
from users.audit import record_refusal
from users.errors import DirectoryError, SignInLocked
from users.models import User

PURPOSE = "sign in"


def second_step_page(request: HttpRequest, face: Face) -> HttpResponse:
    """Take a code or a passkey of a person of whom the first step is known, and sign her in."""
    try:
        step = half_open_sign_in(request, face.realm)
    except SignInStepOver as over:
        return _begin_again(request, face, over)
    if step is None:
        return redirect(face.name("sign_in"))
    form = CodeForm(request.POST if request.method == "POST" and not request.POST.get("passkey") else None)
    error: DirectoryError | None = None
    if request.method == "POST" and (not form.is_bound or form.is_valid()):
        try:
            return _finish(request, face, step, form)
        except SignInStepOver as over:
            return _begin_again(request, face, over)
        except (SignInLocked, AccessRefused) as final:
            return error_page(request, final)
        except DirectoryError as refused:
            error, form = refused, CodeForm()  # no page says again what was typed: it may be almost a recovery code
    context = {
        "face": face,
        "step": step,
        "form": form,
        "error": error,
        "sign_in_url": face.name("sign_in"),
        **passkey_context(request, step.person, step.factors, purpose=PURPOSE),
    }
    status = error.http_status if error else 422 if form.errors else 200
    return render(request, "second_factor/step.html", context, status=status)


def _finish(request: HttpRequest, face: Face, step: HalfOpen, form: CodeForm) -> HttpResponse:
    try:
        code = form.cleaned_data["code"] if form.is_bound else ""
        with counted_guess(request, step.person.company_email, no_guess=NO_GUESS):
            method = spend_posted_factor(request, step.person, purpose=PURPOSE, code=code)
        if step.answer is None:
            open_local_session(request, step.person, realm=face.realm, given=f"password+{method}", route=step.route)
        else:
            _open_federated(request, step.person, step.answer, method)
    except DirectoryError as error:
        _record(request, face, error, step.person)
        raise
    return redirect(step.next_path)


def _open_federated(request: HttpRequest, person: User, answer: Answer, factor: str) -> None:
    """Open the session that the provider's answer was for. Everything is looked at again: there were ten minutes."""
    try:
        match = match_person(provider=answer.provider, claims=answer.claims)
    except DirectoryError as error:
        raise SignInStepOver(reason=error.code) from error
    if match.person != person:
        raise SignInStepOver(reason="the link changed")
    facts = apply_claims_first(
        actor=actor_of(request), provider=answer.provider, claims=answer.claims, person=match.person
    )
    admission = admit(
        request,
        person,
        provider_id=answer.provider.pk,
        token_second_factor=answer.second_factor,
        local_second_factor=True,
    )
    other_tabs = request.session.get("oidc_states", {})
    open_federated_session(request, answer, match, admission, other_tabs=other_tabs, factor=factor, facts=facts)


def _begin_again(request: HttpRequest, face: Face, over: SignInStepOver) -> HttpResponse:
    if not over.reference:
        _record(request, face, over)
    request.session.pop(HALF_OPEN, None)
    messages.error(request, f"{over.message} {over.hint}")
    return redirect(face.name("sign_in"))


def _record(request: HttpRequest, face: Face, error: DirectoryError, person: User | None = None) -> None:
    details = {"realm": face.realm.value, "step": "second factor"}
    if person is not None:
        details["email"] = person.company_email
    record_refusal(
        f"{ACTIONS[face.realm]}.failed", actor=actor_of(request), error=error, target=person, details=details
    )
