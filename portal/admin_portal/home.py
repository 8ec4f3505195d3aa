"""The first page of the Admin Portal: what needs attention, then how people sign in and how many there are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from idp.activity import Cause, failures_of_day, last_sign_in
from idp.guard_returns import settle_guards
from idp.models import IdentityProvider
from portal.actors import actor_of
from portal.admin_portal import attention
from portal.admin_portal.access import permission_required
from portal.charts import BarChart, Point, Series, bar_chart
from users.models import User
from users.people_list import LINKED, NO_ROLE, counts_by_state, linked_share
from users.permissions import Permission, permissions_of
from users.sign_in_days import last_days


@dataclass(frozen=True)
class Tile:
    """One number with what it counts, and where the people behind it are listed."""

    label: str
    value: str
    hint: str
    url: str


MOST_CAUSES = 10
STATE_HINTS = {"staged": "may not sign in yet", "active": "may sign in", "suspended": "may not sign in"}


@require_safe
@permission_required(Permission.OPEN_ADMIN_PORTAL)
def home(request: HttpRequest) -> HttpResponse:
    """Show what needs attention, how people sign in now, and how many there are by state."""
    settle_guards()
    # The row itself: the one that sign-ins read may be behind with the provider's health.
    providers, person = list(IdentityProvider.objects.active().order_by("name")), actor_of(request).person
    allowed = permissions_of(person) if person else frozenset()
    context: dict[str, Any] = {"providers": providers, "tiles": _people(allowed)}
    if Permission.VIEW_IDENTITY_PROVIDERS in allowed:
        context |= {
            "last_sign_in": max(filter(None, map(last_sign_in, providers)), default=None),
            "attention": [
                *attention.returns(),
                *(item for provider in providers for item in attention.items(provider)),
            ],
            "drafts": IdentityProvider.objects.filter(status="draft").count(),
        }
    if Permission.VIEW_AUDIT in allowed:
        causes = failures_of_day()
        context |= {"chart": _chart(), **_failures(causes)}
        context["attention"] = [*context.get("attention", []), *attention.failures(causes)]
    if Permission.VIEW_ADMINISTRATORS in allowed:
        context["attention"] = [
            *context.get("attention", []),
            *attention.second_factors(),
            *attention.unreadable_apps(),
        ]
    return render(request, "admin_portal/home.html", context)


def _failures(causes: Sequence[Cause]) -> dict[str, Any]:
    """Return the most frequent causes with the way to the audit log, and how much the others come to."""
    return {
        "failures": [(cause, attention.failures_url(cause)) for cause in causes[:MOST_CAUSES]],
        "further_causes": len(causes[MOST_CAUSES:]),
        "further_failures": sum(cause.count for cause in causes[MOST_CAUSES:]),
    }


def _people(allowed: Collection[Permission]) -> list[Tile]:
    """Return the people in each state, administrators apart, and the administrators."""
    url = reverse("admin_portal:people")
    tiles = [
        Tile(f"{state.capitalize()} people", f"{number:,}", STATE_HINTS[state], f"{url}?state={state}&role={NO_ROLE}")
        for state, number in counts_by_state().items()
    ]
    federated = _federated()
    tiles += [federated] if federated else []
    administrators = User.objects.administrators().active().count()
    theirs = reverse("admin_portal:administrators") if Permission.VIEW_ADMINISTRATORS in allowed else f"{url}?role=any"
    return [*tiles, Tile("Administrators", f"{administrators:,}", "sign in with their own password", theirs)]


def _federated() -> Tile | None:
    """Return how many of the active people are linked to an account at a provider; None where nobody is active."""
    linked, active = linked_share()
    if not active:
        return None
    # Nobody is told "100 %" while somebody is missing, nor "0 %" while somebody is there.
    percent = round(100 * linked / active)
    percent = min(percent, 99) if linked < active else percent
    percent = max(percent, 1) if linked else percent
    url = f"{reverse('admin_portal:people')}?{urlencode({'state': 'active', 'role': 'none', 'sign_in': LINKED})}"
    hint = f"{linked:,} of {active:,} active people {'is' if linked == 1 else 'are'} linked"
    return Tile("Federated", f"{percent} %", hint, url)


def _chart() -> BarChart:
    points = [Point(f"{day.day:%-d %b}", (day.succeeded, day.refused)) for day in last_days()]
    series = (Series("Sign-ins", "accent", one="Sign-in"), Series("Refused", "danger"))
    return bar_chart(points, series=series, title="The last 30 days, by day", label_heading="Day (UTC)")
