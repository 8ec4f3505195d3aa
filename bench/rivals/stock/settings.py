"""The library's quick start: RS256 with a JWKS endpoint, PKCE on, sessions in the database."""

from bench.registration import CLIENT_ID, CLIENT_SECRET
from bench.rivals import settings as shared
from bench.rivals.config import PROVIDER
from bench.rivals.settings import *  # noqa: F403

INSTALLED_APPS = [*shared.INSTALLED_APPS, "mozilla_django_oidc", "bench.rivals.stock"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "bench.rivals.stock.urls"
AUTHENTICATION_BACKENDS = ["mozilla_django_oidc.auth.OIDCAuthenticationBackend"]

OIDC_RP_CLIENT_ID = CLIENT_ID
OIDC_RP_CLIENT_SECRET = CLIENT_SECRET
OIDC_RP_SIGN_ALGO = "RS256"
OIDC_OP_JWKS_ENDPOINT = PROVIDER.jwks
OIDC_OP_AUTHORIZATION_ENDPOINT = PROVIDER.authorization
OIDC_OP_TOKEN_ENDPOINT = PROVIDER.token
OIDC_OP_USER_ENDPOINT = PROVIDER.userinfo
OIDC_USE_PKCE = True
LOGIN_URL = "oidc_authentication_init"
