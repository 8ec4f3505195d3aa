"""Federation: the providers, the links to them, and the sign-in through them."""

from django.apps import AppConfig


class IdpConfig(AppConfig):
    """Registers the system checks of federation."""

    name = "idp"

    def ready(self) -> None:
        """Register the system checks, the owners of federated people's passwords and factors, and what names a group.

        Django calls this once the models exist; both modules import models, so they cannot be imported above.
        """
        from idp import checks, factor_owners, queries  # noqa: F401, PLC0415
        from users import factor_owner, group_uses, password_owner  # noqa: PLC0415

        password_owner.register(queries.password_owner)
        factor_owner.register(factor_owners.factor_owner)
        group_uses.register(queries.policies_naming)
        group_uses.register(queries.claim_rules_naming)
