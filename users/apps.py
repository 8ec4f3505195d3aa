"""The floor of the house: people, roles, sessions and the audit log."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """People and everything that records what they do."""

    name = "users"
