"""The second step of a sign-in, in either portal."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from portal.actors import actor_of
from portal.errors import error_page
from portal.faces import Face
from portal.factor_checks import NO_GUESS, CodeForm, passkey_context, spend_posted_factor
from portal.half_open import ACTIONS, HALF_OPEN, HalfOpen, SignInStepOver, half_open_sign_in
from portal.lockout import counted_guess
from portal.sign_in import open_local_session
from users.audit import record_refusal
from users.errors import DirectoryError, SignInLocked
from users.models import User

PURPOSE = "sign in"


def second_step_page(request: HttpRequest, face: Face) -> HttpResponse:
    """Take a code or a passkey of a person whose password was right, and sign her in."""
    try:
        step = half_open_sign_in(request, face.realm)
    except SignInStepOver as over:
        _record(request, face, over)
        request.session.pop(HALF_OPEN)
        messages.error(request, f"{over.message} {over.hint}")
        return redirect(face.name("sign_in"))
    if step is None:
        return redirect(face.name("sign_in"))
    form = CodeForm(request.POST if request.method == "POST" and not request.POST.get("passkey") else None)
    error: DirectoryError | None = None
    if request.method == "POST" and (not form.is_bound or form.is_valid()):
        try:
            return _finish(request, face, step, form)
        except SignInLocked as locked:
            return error_page(request, locked)
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
    except DirectoryError as error:
        _record(request, face, error, step.person)
        raise
    open_local_session(request, step.person, realm=face.realm, method=f"password+{method}")
    return redirect(step.next_path)


def _record(request: HttpRequest, face: Face, error: DirectoryError, person: User | None = None) -> None:
    details = {"realm": face.realm.value, "step": "second factor"}
    if person is not None:
        details["email"] = person.company_email
    record_refusal(
        f"{ACTIONS[face.realm]}.failed", actor=actor_of(request), error=error, target=person, details=details
    )
