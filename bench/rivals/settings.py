"""What `startproject` writes, as far as both rivals need it. What differs from run to run is in the environment.

The database is opened as Gatehouse opens its own: with Django's defaults for SQLite sixteen browsers at once may meet
"database is locked".
"""

from bench.rivals import config

DEBUG = False
SECRET_KEY = config.SECRET_KEY
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
DATABASES = {"default": config.DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
STATIC_ROOT = config.STATIC_ROOT
TIME_ZONE = "UTC"
USE_TZ = True
LOGIN_REDIRECT_URL = "/"
