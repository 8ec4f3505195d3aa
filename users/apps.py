"""The floor of the house: people, roles, sessions and the audit log."""

from django.apps import AppConfig
from django.contrib.auth.apps import AuthConfig
from django.contrib.auth.signals import user_logged_in
from django.core.checks import Tags, register
from django.db.backends.signals import connection_created

from users.checks import rate_limit_factor
from users.networks import teach_sqlite


class UsersConfig(AppConfig):
    """People and everything that records what they do."""

    name = "users"
    default = True

    def ready(self) -> None:
        """Prepare each connection to the database, and have the settings checked."""
        register(rate_limit_factor, Tags.security)
        connection_created.connect(teach_sqlite, dispatch_uid="users.networks")


class QuietAuthConfig(AuthConfig):
    """Django's own, without its note of every sign-in on the person's row.

    A federated sign-in is noted on its link, one with a password by the service that checks it: noting the first kind
    twice would cost every sign-in a write of the most indexed table there is.
    """

    default = False

    def ready(self) -> None:
        """Connect what Django connects, but for `last_login`."""
        super().ready()
        user_logged_in.disconnect(dispatch_uid="update_last_login")
