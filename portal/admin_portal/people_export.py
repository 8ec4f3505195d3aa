"""Users > Export: everybody whom the list's filter finds, as CSV."""

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.people_forms import PeopleFilterForm
from portal.errors import RequestMalformed
from users.people_export import export_people
from users.permissions import Permission


@require_safe
@permission_required(Permission.EXPORT_PEOPLE)
def export(request: HttpRequest) -> HttpResponse:
    """Stream a CSV file. A filter that cannot be meant is refused, rather than answered with everybody."""
    form = PeopleFilterForm(request.GET)
    if not form.is_valid():
        raise RequestMalformed()
    if request.method == "HEAD":
        return HttpResponse(content_type="text/csv; charset=utf-8")
    lines = export_people(actor=actor_of(request), wanted=form.wanted())
    name = f"people-{timezone.now():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)  # type: ignore[return-value]
