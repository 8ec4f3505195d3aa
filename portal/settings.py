"""Every setting of Gatehouse. Nothing else reads the environment; `.env.example` lists every name used here."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from portal import __version__
from portal.readable import Readable, at_least, from_url, logging_of, not_empty, web_address

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = __version__

env = Readable()
ENV_PATH = os.environ.get("ENV_FILE", str(BASE_DIR / ".env"))
Readable.read_env(ENV_PATH)

DEBUG = env.bool("DEBUG", default=False)

# Secrets have no default: a guessable key is worse than a portal that refuses to start.
SECRET_KEY = not_empty("SECRET_KEY", env.str("SECRET_KEY"))
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS")

# Redirect URIs and links in output are built from it, never from the Host header.
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
_public = web_address("PUBLIC_URL", PUBLIC_URL)
IS_HTTPS = _public.scheme == "https"
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[_public.hostname or "127.0.0.1"])
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])

UPSTREAM_CA_FILE = env.str("UPSTREAM_CA_FILE", default="")
PRIVATE_ISSUER_HOSTS = env.list("PRIVATE_ISSUER_HOSTS", default=[])
INSECURE_ISSUER_ORIGINS = env.list("INSECURE_ISSUER_ORIGINS", default=[])

# How many processes portal/serving.py starts, and how many requests each of them answers at once.
WORKERS = at_least(1, "WORKERS", env.int("WORKERS", default=2))
THREADS = at_least(1, "THREADS", env.int("THREADS", default=8))
# For so long after SIGTERM /readyz says that the server ends, before it takes no more connections.
DRAIN_SECONDS = at_least(0, "DRAIN_SECONDS", env.int("DRAIN_SECONDS", default=0))

INSTALLED_APPS = [
    "users",
    "idp",
    "portal",
    "users.apps.QuietAuthConfig",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "csp",
]

MIDDLEWARE = [
    "portal.middleware.RequestIdMiddleware",
    "portal.security_headers.SecurityHeadersMiddleware",
    "portal.middleware.ContentSecurityPolicyMiddleware",
    "portal.proxies.ClientAddressMiddleware",
    "portal.observing.ObservingMiddleware",
    "portal.hosts.HostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.middleware.RealmCookiesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "portal.middleware.DirectoryErrorMiddleware",
    "portal.request_limits.RequestLimitsMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.middleware.SignInRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "portal.context.portal",
            ],
        },
    },
]

# --- storage -----------------------------------------------------------------------------------------------------

_database_url = env.str("DATABASE_URL", default="") or f"sqlite:///{BASE_DIR / 'var' / 'gatehouse.sqlite3'}"
_databases = ("sqlite", "postgres", "postgresql")
_example = "postgres://user:password@host:5432/name"
DATABASES = {"default": from_url("DATABASE_URL", _database_url, env.db_url_config, _databases, _example)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Immediate transactions take the write lock at BEGIN, so that two writers wait instead of failing half-way.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # The memory map is shared by all connections. What a statement could have to undo is noted in memory, because
        # with triggers there are notes for every row.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=1073741824; "
        "PRAGMA temp_store=MEMORY;",
    }
    # A file, because an in-memory database cannot be shared by threads the way that a real one is.
    DATABASES["default"]["TEST"] = {"NAME": str(BASE_DIR / "var" / "test.sqlite3")}
    # Nobody else on the machine has a reason to look in: password hashes and the audit log are there.
    (BASE_DIR / "var").mkdir(mode=0o700, exist_ok=True)
    # Closing the last connection of a WAL database checkpoints it: done at every request, that is most of its cost.
    DATABASES["default"]["CONN_MAX_AGE"] = 600
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # A server that does not answer at all would hold every thread for minutes: libpq waits without end.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# No security property rests on the cache: state, lock-outs and sessions live in the database.
# Both are caches of ours, because Django's own keep pickles: whoever can write to one runs code in what reads it.
_cache_url = env.str("CACHE_URL", default="")
if _cache_url:
    _example = "redis://host:6379/0"
    CACHES = {"default": from_url("CACHE_URL", _cache_url, env.cache_url_config, env.CACHE_SCHEMES, _example)}
    if CACHES["default"]["BACKEND"] != "django.core.cache.backends.redis.RedisCache":
        raise ImproperlyConfigured("CACHE_URL: Redis is the only cache server that Gatehouse works with (redis://…).")
    CACHES["default"]["BACKEND"] = "users.cache.ImpatientRedisCache"
else:
    # All processes share it. The table is made by a migration.
    CACHES = {
        "default": {
            "BACKEND": "users.database_cache.JsonDatabaseCache",
            "LOCATION": "users_cache",
            "OPTIONS": {"MAX_ENTRIES": 10_000},
        }
    }

# --- signing in --------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "users.backends.PasswordBackend",
    "idp.backends.FederatedBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
     "OPTIONS": {"user_attributes": ("user_name", "company_email", "display_name")}},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]  # fmt: skip
LOGIN_URL = "user_portal:sign_in"
LOGIN_REDIRECT_URL = "user_portal:home"

# Repeated failures lock the account and, at a higher count, the address; a company behind one address may mistype.
AXES_HANDLER = "users.lockout.LockoutHandler"
AXES_FAILURE_LIMIT = 5
AXES_ADDRESS_FAILURE_LIMIT = 50
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
AXES_COOLOFF_TIME = "users.lockout.cool_off"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_CALLABLE = "portal.errors.locked_out"
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "users.lockout.account_of"
AXES_CLIENT_IP_CALLABLE = "users.lockout.address_of"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

SESSION_ENGINE = "users.sessions"
# The longest that the organization's limits allow. How long a session counts is decided by its row (users/sessions.py).
SESSION_COOKIE_AGE = 720 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
_cookie_prefix = "__Host-" if IS_HTTPS else ""
SESSION_COOKIE_NAME = f"{_cookie_prefix}gatehouse_session"
CSRF_COOKIE_NAME = f"{_cookie_prefix}gatehouse_csrf"
# The Admin Portal has cookies of its own, so that one browser can hold both sign-ins and neither opens the other.
ADMIN_COOKIE_NAMES = {
    SESSION_COOKIE_NAME: f"{_cookie_prefix}gatehouse_admin_session",
    CSRF_COOKIE_NAME: f"{_cookie_prefix}gatehouse_admin_csrf",
}
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "portal.errors.csrf_failure"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# mozilla-django-oidc: what is the same for all providers. The rest comes from the provider's row (idp/backends.py).
OIDC_MAX_STATES = 20

# --- the web -----------------------------------------------------------------------------------------------------

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_SSL_HOST = _public.netloc
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^healthz/seen$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# The longest text that a page takes is a group's pasted emails: see PASTE_MAX_LENGTH. Most pages take far less, and
# visitors less still: see portal/limits.py, also for how many requests an address may send.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_097_152
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 1
RATE_LIMIT_FACTOR = env.float("RATE_LIMIT_FACTOR", default=1.0)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        # No script of ours writes markup, so none that slips in can either.
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["'none'"],
    },
}

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
# The files are for our own pages. By default WhiteNoise lets every site read them.
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "portal.storage.ModuleAwareStorage"},
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

_email_url = env.str("EMAIL_URL", default="") or "consolemail://"
_example = "smtp+tls://user:password@host:587"
vars().update(from_url("EMAIL_URL", _email_url, env.email_url_config, env.EMAIL_SCHEMES, _example))
# A mail server that does not answer must hold neither housekeeping nor the end of a process for long.
EMAIL_TIMEOUT = 10
# Until a sender is set, mail comes from this host: an address without a name in it would be refused by most servers.
_mail_host = _public.hostname or "localhost"
_mail_host = "localhost" if ":" in _mail_host or _mail_host.replace(".", "").isdigit() else _mail_host
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("MAIL_FROM", default="") or f"Gatehouse <gatehouse@{_mail_host}>"

# --- watching ----------------------------------------------------------------------------------------------------

LOG_FORMAT = env.str("LOG_FORMAT", default="") or "json"
LOG_LEVEL = env.str("LOG_LEVEL", default="") or "INFO"
LOG_COMMANDS = env.bool("LOG_COMMANDS", default=False)
LOGGING = logging_of(LOG_FORMAT, LOG_LEVEL)
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_DIR = env.str("METRICS_DIR", default="") or str(BASE_DIR / "var" / "metrics")

SILENCED_SYSTEM_CHECKS: list[str] = []
