"""What Gatehouse knows about a person, and what of it she changes herself."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from idp.queries import password_owner
from portal.actors import actor_of
from portal.user_portal.access import person_required
from portal.user_portal.forms import OwnProfileForm
from users.errors import DirectoryError
from users.models import User
from users.own_profile import EDITABLE, ProfileManagedExternally, edit_own_profile


@require_safe
@person_required
def profile(request: HttpRequest) -> HttpResponse:
    """Show the person's own details, and say of each that she cannot change why that is and who can."""
    person = cast(User, request.user)
    context = {
        "identities": person.federated_identities.select_related("provider"),
        "groups": person.groups.order_by("name"),
        "owner": password_owner(person),
    }
    return render(request, "user_portal/profile.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@person_required
def edit(request: HttpRequest) -> HttpResponse:
    """Change what is the person's own to change. Somebody whose provider keeps her account is told so."""
    person = cast(User, request.user)
    owner = password_owner(person)
    if owner is not None and request.method != "POST":
        # Looking is no attempt: the profile says of each fact whose it is.
        explanation = ProfileManagedExternally(provider=owner)
        messages.info(request, f"{explanation.message} {explanation.hint}")
        return redirect("user_portal:profile")
    form = OwnProfileForm(request.POST or None, initial={name: getattr(person, name) for name in EDITABLE})
    if request.method == "POST" and form.is_valid():
        try:
            edit_own_profile(actor=actor_of(request), **form.cleaned_data)
        except ProfileManagedExternally:
            raise
        except DirectoryError as error:
            form.add_error(error.field, f"{error.message} {error.hint}")
        else:
            messages.success(request, "Your profile was saved.")
            return redirect("user_portal:profile")
    status = 422 if request.method == "POST" else 200
    return render(request, "user_portal/edit_profile.html", {"form": form}, status=status)
