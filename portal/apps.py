"""The web of Gatehouse as Django knows it."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Registers the system checks of an installation."""

    name = "portal"

    def ready(self) -> None:
        """Register the system checks; Django calls this once the settings are complete."""
        from portal import checks  # noqa: F401, PLC0415
