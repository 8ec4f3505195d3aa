"""To whom an act on a provider applies, as addresses and forms of the Admin Portal say it."""

from django.http import HttpRequest

from idp.activation_scope import EVERYBODY, Scope
from idp.impact import Act
from users.errors import DirectoryError
from users.group_errors import GroupNotFound
from users.group_list import find_group


def scope_of(request: HttpRequest) -> tuple[Scope, DirectoryError | None]:
    """Return to whom an activation applies, as it was chosen; everybody at once unless something else was."""
    chosen = request.POST if request.method == "POST" else request.GET
    if chosen.get("scope") == "policies":
        return Scope(as_policies_say=True), None
    if chosen.get("scope") != "group":
        return EVERYBODY, None
    try:
        return Scope(group=find_group(chosen.get("group", "")[:100])), None
    except GroupNotFound as error:
        return EVERYBODY, error


def query_of(act: Act, scope: Scope) -> dict[str, str]:
    """Return the parameters that say again which act on whom is meant."""
    query = {"act": act.value}
    if scope.group is not None:
        query |= {"scope": "group", "group": str(scope.group.pk)}
    elif act == Act.ACTIVATE:
        query["scope"] = "policies" if scope.as_policies_say else "everybody"
    return query
