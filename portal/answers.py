"""The provider's answer as it reaches the redirect URI: a sign-in's or a rehearsal's."""

from django.http import HttpRequest

from idp.federation_errors import ParameterDuplicated

PARAMETERS = ("code", "state", "error", "error_description", "error_uri", "iss", "session_state")


def read_answer(request: HttpRequest) -> None:
    """Make sure that each parameter came once, be it in the address or in a posted form, and leave all in the query.

    Nobody asks for `response_mode=form_post`, but a provider may be set up to use it. Its form comes without our
    cookie, so that it finds no state, unless the provider is on our own site.

    Raises:
        ParameterDuplicated: see there.
    """
    answer = request.GET.copy()
    for name, values in request.POST.lists():
        answer.setlistdefault(name).extend(values)
    for name in PARAMETERS:
        if len(answer.getlist(name)) > 1:
            raise ParameterDuplicated(parameter=name)
    request.GET = answer  # type: ignore[assignment]
