"""Identity Providers > an act > who exactly: the people behind the numbers of its impact, by name and as CSV."""

from collections.abc import Iterator
from typing import cast
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from idp import impact_people
from idp.activation_scope import EVERYBODY, Scope
from idp.impact import Act, ProviderImpact, impact_of
from idp.impact_people import Verdict
from idp.models import IdentityProvider
from idp.queries import find_provider
from portal.actors import actor_of
from portal.admin_portal.access import permission_required
from portal.admin_portal.scopes import query_of, scope_of
from portal.errors import RequestMalformed
from users.permissions import Permission

manage_permission = permission_required(Permission.MANAGE_IDENTITY_PROVIDERS)


@require_safe
@manage_permission
def people(request: HttpRequest, pk: UUID) -> HttpResponse:
    """List whom an act on a provider would concern, with how each is matched or why not."""
    provider, act, scope = _asked(request, pk)
    impact = impact_of(act, provider, scope=scope)
    chosen = request.GET.get("who", "")
    verdict = Verdict(chosen) if chosen in list(Verdict) else None
    after = request.GET.get("after", "")[:254].replace("\x00", "")
    page = impact_people.page_of(impact, provider, verdict=verdict, after=after)
    query = query_of(act, scope)
    filtered = {**query, **({"who": verdict.value} if verdict else {})}
    context = {
        "provider": provider,
        "act": act.value,
        "rows": page.rows,
        "counts": impact_people.counts_of(impact, provider).items(),
        "verdict": verdict,
        "query": query,
        "first_url": f"?{urlencode(filtered)}" if after else "",
        "next_url": f"?{urlencode({**filtered, 'after': page.next})}" if page.next else "",
        "csv_url": f"{reverse('admin_portal:impact_csv', args=[pk])}?{urlencode(query)}",
        "back_url": f"{reverse(f'admin_portal:{act}_identity_provider', args=[pk])}?{urlencode(query)}",
    }
    return render(request, "admin_portal/identity_providers/impact_people.html", context)


@require_safe
@manage_permission
def export(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Stream whom an act on a provider would concern as CSV."""
    provider, act, scope = _asked(request, pk)
    if request.method == "HEAD":
        return HttpResponse(content_type="text/csv; charset=utf-8")
    return csv_of(request, provider, impact_of(act, provider, scope=scope))


def csv_of(request: HttpRequest, provider: IdentityProvider, impact: ProviderImpact) -> HttpResponse:
    """Return the file with everybody whom an act concerns."""
    lines: Iterator[str] = impact_people.export(actor=actor_of(request), impact=impact, provider=provider)
    name = f"{provider.slug}-{impact.act}-{timezone.now():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)
    return cast(HttpResponse, answer)


def _asked(request: HttpRequest, pk: UUID) -> tuple[IdentityProvider, Act, Scope]:
    """Return which act is asked about; raises RequestMalformed for none that there is."""
    act = request.GET.get("act", Act.ACTIVATE.value)
    if act not in list(Act):
        raise RequestMalformed()
    scope, error = scope_of(request) if act == Act.ACTIVATE else (EVERYBODY, None)
    if error is not None:
        raise error
    return find_provider(str(pk)), Act(act), scope
