"""Conditional access policies: who may open a resource, under which circumstances."""

import uuid

from django.db import models
from django.utils import timezone

from idp.models.providers import IdentityProvider
from users.models import Group, User
from users.name_key import CaseKeyField, case_key


class Resource(models.TextChoices):
    """What a policy is about."""

    USER_PORTAL = "user_portal", "User Portal"


class AccessAction(models.TextChoices):
    """What a policy does with those whom it fits."""

    ALLOW = "allow", "Allow"
    DENY = "deny", "Deny"
    REQUIRE_SECOND_FACTOR = "require_second_factor", "Require a local second factor"


class AccessSide(models.TextChoices):
    """On which side of a condition somebody must be; empty where there is no such condition."""

    INSIDE = "inside", "Inside"
    OUTSIDE = "outside", "Outside"


class TokenFactor(models.TextChoices):
    """What the provider's token must say of a second factor; empty where it does not matter."""

    PRESENT = "present", "Present"
    ABSENT = "absent", "Absent"


class AccessDefault(models.Model):
    """What happens where no policy fits: one row, which nobody can delete.

    Without the row there is no policy, and everybody is allowed: whoever adds the first policy makes it.

    Attributes:
        version: another one with every change of any policy: what was read before is believed as long as it stands.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    action = models.CharField(max_length=24, choices=AccessAction, default=AccessAction.ALLOW)
    version = models.UUIDField(default=uuid.uuid4)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """There is one."""

        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="idp_access_one_default"),
            models.CheckConstraint(condition=models.Q(action__in=AccessAction.values), name="idp_access_default_known"),
        ]

    def __str__(self) -> str:
        return "Default policy"

    @property
    def label(self) -> str:
        """The name that the audit log copies."""
        return str(self)


class AccessPolicy(models.Model):
    """Some people, some conditions, and what is done where all of them hold. The first in the order that fits decides.

    Attributes:
        name_key: the name without case, for finding it.
        position: its place in the order, from 1.
        everyone: whether it takes everybody who is not excepted; groups and people are none then.
        networks, network_side: client addresses, as networks in normal form.
        local_sign_in: whether a Gatehouse password is one of the ways to sign in that it asks for.
        token_second_factor: what the token must say.
        weekdays: on which its hours begin, such as "01234" for Monday to Friday.
        time_from, time_to, time_zone, time_side: its hours, by the clocks of an IANA time zone.
        revision: goes up with every change; a form that shows an older one is refused.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    name_key = CaseKeyField()
    description = models.CharField(max_length=500, blank=True)
    enabled = models.BooleanField(default=True)
    position = models.PositiveIntegerField()
    resource = models.CharField(max_length=24, choices=Resource, default=Resource.USER_PORTAL)
    action = models.CharField(max_length=24, choices=AccessAction)
    everyone = models.BooleanField(default=False)
    network_side = models.CharField(max_length=8, choices=AccessSide, blank=True)
    networks = models.JSONField(default=list, blank=True)
    local_sign_in = models.BooleanField(default=False)
    token_second_factor = models.CharField(max_length=8, choices=TokenFactor, blank=True)
    time_side = models.CharField(max_length=8, choices=AccessSide, blank=True)
    weekdays = models.CharField(max_length=7, blank=True)
    time_from = models.TimeField(null=True, blank=True)
    time_to = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """One order of all policies, names that are unique without regard to case, and conditions that are whole."""

        ordering = ["position"]
        verbose_name_plural = "access policies"
        constraints = [
            models.UniqueConstraint(fields=["name_key"], name="idp_access_name_unique"),
            models.UniqueConstraint(fields=["position"], name="idp_access_position_unique"),
            models.CheckConstraint(condition=models.Q(action__in=AccessAction.values), name="idp_access_action_known"),
            models.CheckConstraint(condition=models.Q(resource__in=Resource.values), name="idp_access_resource_known"),
            models.CheckConstraint(
                condition=models.Q(time_side="", time_from=None, time_to=None, time_zone="", weekdays="")
                | models.Q(time_side__in=AccessSide.values, time_from__isnull=False, time_to__isnull=False)
                & ~models.Q(time_zone="")
                & ~models.Q(weekdays=""),
                name="idp_access_time_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(network_side="", networks=[])
                | models.Q(network_side__in=AccessSide.values) & ~models.Q(networks=[]),
                name="idp_access_networks_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """The name that the audit log copies."""
        return self.name

    def key(self) -> str:
        """Return the name without case."""
        return case_key(self.name)

    def name_is_taken(self) -> bool:
        """Return whether another policy has this name, without regard to case."""
        return AccessPolicy.objects.filter(name_key=self.key()).exclude(pk=self.pk).exists()


class AccessGroup(models.Model):
    """A group whose members a policy takes, or excepts. The database keeps a group that a policy names."""

    policy = models.ForeignKey(AccessPolicy, on_delete=models.CASCADE, related_name="named_groups", db_index=False)
    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="access_policies")
    is_exception = models.BooleanField(default=False)

    class Meta:
        """A policy names a group once: it cannot take and except it."""

        constraints = [models.UniqueConstraint(fields=["policy", "group"], name="idp_access_group_once")]

    def __str__(self) -> str:
        return f"{self.policy}: {'except ' if self.is_exception else ''}{self.group}"


class AccessPerson(models.Model):
    """A person whom a policy takes, or excepts."""

    policy = models.ForeignKey(AccessPolicy, on_delete=models.CASCADE, related_name="named_people", db_index=False)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="access_policies")
    is_exception = models.BooleanField(default=False)

    class Meta:
        """A policy names a person once: it cannot take and except her."""

        constraints = [models.UniqueConstraint(fields=["policy", "person"], name="idp_access_person_once")]

    def __str__(self) -> str:
        return f"{self.policy}: {'except ' if self.is_exception else ''}{self.person}"


class AccessProvider(models.Model):
    """A provider with which somebody must have signed in for a policy to fit.

    The database keeps a provider that a policy names: without it the condition would be gone, and the policy wider.
    """

    policy = models.ForeignKey(AccessPolicy, on_delete=models.CASCADE, related_name="named_providers", db_index=False)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.PROTECT, related_name="access_policies")

    class Meta:
        """A policy names a provider once."""

        constraints = [models.UniqueConstraint(fields=["policy", "provider"], name="idp_access_provider_once")]

    def __str__(self) -> str:
        return f"{self.policy}: with {self.provider}"
