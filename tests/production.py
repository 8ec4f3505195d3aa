"""The settings of a production installation, in the process of a test."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from tests.browsing import Browser

HOST = "gatehouse.example"
SETTINGS = Path(__file__).resolve().parent.parent / "portal" / "settings.py"
ENVIRONMENT = {"PUBLIC_URL": f"https://{HOST}", "ALLOWED_HOSTS": HOST, "TRUSTED_PROXIES": "127.0.0.1"}
# What a test chooses for itself, and what a process reads once.
OF_THE_TEST = {
    "DATABASES",
    "CACHES",
    "STORAGES",
    "PASSWORD_HASHERS",
    "LOGGING",
    "INSECURE_ISSUER_ORIGINS",
    "ROOT_URLCONF",
}


def production_settings(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, Any]:
    """Return what `portal/settings.py` makes of the environment of a production installation."""
    for name, value in {**ENVIRONMENT, **environment}.items():
        monkeypatch.setenv(name, value)
    return {name: value for name, value in runpy.run_path(str(SETTINGS)).items() if name.isupper()}


def put_in_production(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the portal of this test be https behind a proxy on this machine, as `portal/settings.py` says."""
    for name, value in production_settings(monkeypatch).items():
        if name not in OF_THE_TEST and getattr(settings, name, None) != value:
            setattr(settings, name, value)


class ProxiedBrowser(Browser):
    """A browser behind a proxy that speaks https with it."""

    def __init__(self, **defaults: Any) -> None:
        super().__init__(**{"HTTP_HOST": HOST, "HTTP_X_FORWARDED_PROTO": "https", **defaults})
