"""The library's addresses, and one page behind a sign-in."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Greet the person."""
    return render(request, "stock/home.html")


urlpatterns = [path("oidc/", include("mozilla_django_oidc.urls")), path("", home, name="home")]
