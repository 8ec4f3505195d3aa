"""The environment of the tests: nothing from the machine but DATABASE_URL. Loaded before Django's settings.

`python -m tests.environment COMMAND …` runs a `manage.py` command in the settings of a production installation.
"""

import base64
import os
import secrets
import sys

# Keys of no value anywhere else.
TEST_ENVIRONMENT = {
    "ENV_FILE": os.devnull,
    "SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ",
    "ENCRYPTION_KEYS": "Zm9yLXRlc3RzLW9ubHktMDEyMzQ1Njc4OS1hYmNkZWY=",
    "PUBLIC_URL": "http://127.0.0.1:8000",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "DEBUG": "false",
    "CACHE_URL": "",
    # All tests post from one address. Those of the limits set it to 1.
    "RATE_LIMIT_FACTOR": "1000",
    "EMAIL_URL": "memorymail://",
    "MAIL_FROM": "",
    "TRUSTED_PROXIES": "",
    "UPSTREAM_CA_FILE": "",
    "PRIVATE_ISSUER_HOSTS": "",
    "INSECURE_ISSUER_ORIGINS": "",
    "WORKERS": "2",
    "THREADS": "8",
    "DRAIN_SECONDS": "0",
    "LOG_FORMAT": "json",
    "LOG_LEVEL": "INFO",
    "LOG_COMMANDS": "false",
    "METRICS_TOKEN": "",
    "METRICS_DIR": "",
}


def apply(**changes: str) -> None:
    """Put the test environment in place."""
    os.environ.update({**TEST_ENVIRONMENT, **changes})
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"


if __name__ == "__main__":
    # Keys as an installation makes them: those of the tests are refused by the deploy checks.
    apply(
        PUBLIC_URL="https://gatehouse.example",
        ALLOWED_HOSTS="gatehouse.example",
        TRUSTED_PROXIES="127.0.0.1",
        SECRET_KEY=secrets.token_urlsafe(50),
        ENCRYPTION_KEYS=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    )

    from django.core.management import execute_from_command_line  # noqa: PLC0415  (after the environment is set)

    execute_from_command_line(["manage.py", *sys.argv[1:]])
else:
    # Playwright runs an event loop in the test's thread, and Django then refuses its database there.
    apply(DJANGO_ALLOW_ASYNC_UNSAFE="true")
