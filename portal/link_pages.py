"""The pages behind one-time links, and the one that asks for such a link: the same in both portals.

Not Django's views for password resets: see `users.passwords`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from portal.actors import actor_of
from portal.admin_portal.forms import show_on_form
from portal.password_forms import ForgottenForm, NewPasswordForm
from users.errors import DirectoryError, PasswordManagedExternally, PersonNotActive
from users.link_errors import LinkInvalid
from users.models import ActionLink, Realm, User
from users.passwords import request_password_reset

SIGN_IN = {Realm.USER: "user_portal:sign_in", Realm.ADMIN: "admin_portal:sign_in"}
FORGOTTEN = {Realm.USER: "user_portal:forgot_password", Realm.ADMIN: "admin_portal:forgot_password"}


@dataclass(frozen=True)
class LinkPage:
    """What is particular to one kind of link.

    Attributes:
        find: returns the link behind a token, or refuses.
        use: spends it: the person has the password from then on.
        heading, button: words of the page.
    """

    realm: Realm
    find: Callable[[str], ActionLink]
    use: Callable[..., User]
    heading: str
    button: str


def choose_password(request: HttpRequest, token: str, page: LinkPage) -> HttpResponse:
    """Show the form behind a link that works, and spend the link once a good password is typed.

    Looking spends nothing: mail scanners open every link. Nobody is signed in by a link; the sign-in comes next, with
    everything that belongs to it.
    """
    link = page.find(token)
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            password = form.cleaned_data["password"]
            person = page.use(actor=actor_of(request), token=token, password=password)
        except (LinkInvalid, PasswordManagedExternally, PersonNotActive):
            raise
        except DirectoryError as error:
            show_on_form(form, error)
        else:
            _say_done(request, person)
            return redirect(SIGN_IN[page.realm])
    # The address is the secret: the site's own Referrer-Policy, same-origin, keeps it from everybody else. Stricter
    # ones make browsers send "Origin: null" with the form, which the CSRF check rightly refuses.
    context = {"form": form, "link": link, "page": page, "in_admin": page.realm == Realm.ADMIN}
    return render(request, "accounts/choose_password.html", context, status=_status(request))


def _say_done(request: HttpRequest, person: User) -> None:
    if person.is_active:
        messages.success(request, "Your password is set. Sign in with it.")
    else:
        messages.info(request, "Your password is set. You can sign in as soon as an administrator activates you.")


def forgot_password(request: HttpRequest, realm: Realm) -> HttpResponse:
    """Ask whose password is forgotten, and answer the same to everybody."""
    initial = {"email": request.session.get("sign_in_email", "")}
    form = ForgottenForm(request.POST or None, initial=initial)
    context = {"form": form, "in_admin": realm == Realm.ADMIN, "sign_in": SIGN_IN[realm], "is_sent": False}
    if request.method == "POST" and form.is_valid():
        request_password_reset(actor=actor_of(request), email=form.cleaned_data["email"])
        return render(request, "accounts/forgot_password.html", {**context, "is_sent": True})
    return render(request, "accounts/forgot_password.html", context, status=_status(request))


def _status(request: HttpRequest) -> int:
    return 422 if request.method == "POST" else 200
