"""The User Portal's addresses."""

from django.urls import path

from portal.user_portal import home, profile, security, sign_in

app_name = "user_portal"
urlpatterns = [
    path("", home.home, name="home"),
    path("login/", sign_in.sign_in, name="sign_in"),
    path("login/password/", sign_in.password, name="password"),
    path("logout/", sign_in.sign_out, name="sign_out"),
    path("signed-out/", sign_in.signed_out, name="signed_out"),
    path("profile/", profile.profile, name="profile"),
    path("profile/edit/", profile.edit, name="edit_profile"),
    path("security/", security.security, name="security"),
    path("security/sessions/end-others/", security.end_others, name="end_other_sessions"),
    path("security/sessions/end-all/", security.end_all, name="end_all_sessions"),
    path("security/sessions/<slug:key>/end/", security.end_one, name="end_session"),
]
