"""The User Portal's addresses."""

from django.urls import path

from portal.user_portal import account, home, profile, security, sign_in

app_name = "user_portal"
urlpatterns = [
    path("", home.home, name="home"),
    path("login/", sign_in.sign_in, name="sign_in"),
    path("login/password/", sign_in.password, name="password"),
    path("password/reset/", account.forgot_password, name="forgot_password"),
    path("password/reset/<slug:token>/", account.reset, name="reset_password"),
    path("invitation/<slug:token>/", account.accept_invitation, name="accept_invitation"),
    path("logout/", sign_in.sign_out, name="sign_out"),
    path("signed-out/", sign_in.signed_out, name="signed_out"),
    path("profile/", profile.profile, name="profile"),
    path("security/", security.security, name="security"),
    path("security/password/", account.password, name="own_password"),
    path("security/sessions/end-others/", security.end_others, name="end_other_sessions"),
    path("security/sessions/end-all/", security.end_all, name="end_all_sessions"),
    path("security/sessions/<slug:key>/end/", security.end_one, name="end_session"),
]
