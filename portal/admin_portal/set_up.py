"""The one-time link that creates the first administrator."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.actors import actor_of
from portal.admin_portal.forms import SetUpForm, show_on_form
from users.administrators import check_setup_token, create_first_administrator
from users.errors import DirectoryError, SetupDone, SetupLinkInvalid


@login_not_required
@never_cache
@sensitive_post_parameters("password", "password_again")
@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest, token: str) -> HttpResponse:
    """Show the form behind a valid link, and create the first Administrator With Billing."""
    check_setup_token(token)
    form = SetUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            create_first_administrator(actor=actor_of(request), token=token, **form.values())
        except (SetupLinkInvalid, SetupDone):
            raise
        except DirectoryError as error:
            show_on_form(form, error)
        else:
            messages.success(request, "Your account is ready. Sign in with it.")
            return redirect("admin_portal:sign_in")
    status = 422 if request.method == "POST" else 200
    # The address is the secret: the site's own Referrer-Policy, same-origin, keeps it from everybody else. Stricter
    # ones make browsers send "Origin: null" with the form, which the CSRF check rightly refuses.
    return render(request, "admin_portal/set_up.html", {"form": form}, status=status)
