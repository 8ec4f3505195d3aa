"""Four addresses."""

from django.urls import path

from bench.rivals.minimal import views

urlpatterns = [
    path("sign-in/", views.begin, name="begin"),
    path("callback", views.callback, name="callback"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("", views.home, name="home"),
]
