"""What a provider's claims change here: fields of people, memberships of groups, and whom they bring into being."""

from django.db import models
from django.utils import timezone

from idp.models.providers import IdentityProvider
from users.models import Group


class PersonField(models.TextChoices):
    """The fields of a person that a claim may keep."""

    GIVEN_NAME = "given_name", "Given name"
    FAMILY_NAME = "family_name", "Family name"
    DISPLAY_NAME = "display_name", "Display name"
    DEPARTMENT = "department", "Department"
    TITLE = "title", "Job title"
    LOCALE = "locale", "Locale"


class ClaimMapping(models.Model):
    """A claim that keeps one field of the people who sign in through a provider."""

    provider = models.ForeignKey(
        IdentityProvider, on_delete=models.CASCADE, related_name="claim_mappings", db_index=False
    )
    claim = models.CharField(max_length=200)
    field = models.CharField(max_length=16, choices=PersonField)

    class Meta:
        """A field has one keeper at a provider."""

        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "field"], name="idp_claim_field_once"),
            models.CheckConstraint(condition=models.Q(field__in=PersonField.values), name="idp_claim_field_known"),
            models.CheckConstraint(condition=~models.Q(claim=""), name="idp_claim_named"),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.claim} to {self.field}"


class ClaimGroup(models.Model):
    """A value of a claim whose bearers are members of a group. The database keeps a group that a rule names."""

    provider = models.ForeignKey(
        IdentityProvider, on_delete=models.CASCADE, related_name="claim_groups", db_index=False
    )
    claim = models.CharField(max_length=200)
    value = models.CharField(max_length=255)
    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="claim_rules")

    class Meta:
        """A rule is there once."""

        ordering = ["claim", "value", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "claim", "value", "group"], name="idp_claim_group_once"),
            models.CheckConstraint(condition=~models.Q(claim="") & ~models.Q(value=""), name="idp_claim_group_whole"),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.claim} {self.value} to {self.group}"


class ClaimOverage(models.Model):
    """That a provider left a claim out of a token because it had too many values: administrators are to be told.

    Attributes:
        last_at: when it happened last, exact to an hour.
    """

    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="overages", db_index=False)
    claim = models.CharField(max_length=200)
    last_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """One row for a claim, however often."""

        constraints = [models.UniqueConstraint(fields=["provider", "claim"], name="idp_claim_overage_once")]

    def __str__(self) -> str:
        return f"{self.provider}: {self.claim}"


class JitGroup(models.Model):
    """A group that people join whom a provider's first sign-in brings into being."""

    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="jit_groups", db_index=False)
    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="jit_of")

    class Meta:
        """A group is named once."""

        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["provider", "group"], name="idp_jit_group_once")]

    def __str__(self) -> str:
        return f"{self.provider}: {self.group}"
