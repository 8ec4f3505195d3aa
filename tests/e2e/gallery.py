"""A page for tests that holds the components which have to do with much: lists, selections, progress, codes."""

from pathlib import Path

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import RequestContext, Template
from django.urls import include, path
from django.utils.safestring import mark_safe

from portal import urls

PEOPLE = [
    ("ada", "Ada Lovelace", "ada@contoso.example"),
    ("alan", "Alan Turing", "alan@contoso.example"),
    ("rebecca", "Rebecca F.-C.", "rebecca.featherstonehaugh-cholmondeley@europe.contoso.example"),
]
CODES = [f"abcd-efgh-ijk{number}" for number in range(10)]
SVG = mark_safe('<svg viewBox="0 0 9 9"><path d="M1 1h2v2H1zM5 1h1v1H5zM4 4h3v1H4zM1 6h1v2H1z"/></svg>')  # noqa: S308
ROWS = 10_000
TEMPLATE = Path(__file__).with_name("gallery.html")


class FilterForm(forms.Form):
    """What the list is filtered by."""

    q = forms.CharField(label="Search", required=False)
    state = forms.MultipleChoiceField(label="State", choices=[("active", "Active"), ("staged", "Staged")])


class Work:
    """Long work, a quarter of which is done whenever somebody asks."""

    done = 0


def gallery(request: HttpRequest) -> HttpResponse:
    """Show every component; with ?work, one that goes on meanwhile."""
    Work.done = 0
    context = {
        "query": request.GET,
        "form": FilterForm(request.GET),
        "people": PEOPLE * 8,
        "sort": request.GET.get("sort", "name"),
        "codes": CODES,
        "svg": SVG,
        "rows": ROWS,
        "working": "work" in request.GET,
    }
    return HttpResponse(Template(TEMPLATE.read_text()).render(RequestContext(request, context)))


def work(request: HttpRequest) -> JsonResponse:
    """Say how far the work is."""
    Work.done += ROWS // 4
    url = "/admin/gallery/sent/?finished" if Work.done == ROWS else None
    return JsonResponse({"value": Work.done, "maximum": ROWS, "text": f"{Work.done:,} rows", "url": url})


def sent(request: HttpRequest) -> HttpResponse:
    """Say what was sent."""
    return HttpResponse(f"<!DOCTYPE html><title>Sent</title><p>Sent: {', '.join(request.POST.getlist('selected'))}</p>")


urlpatterns = [
    path("admin/gallery/", gallery),
    path("admin/gallery/work/", work),
    path("admin/gallery/sent/", sent),
    path("", include(urls.urlpatterns)),
]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
