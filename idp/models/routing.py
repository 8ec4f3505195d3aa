"""Routing policies: which people are sent to which provider."""

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from idp.models.guards import RoutingGuard
from idp.models.providers import IdentityProvider, Status
from users.models import Group, User
from users.name_key import CaseKeyField, case_key


class RoutingPolicyQuerySet(models.QuerySet["RoutingPolicy"]):
    """Reads of policies."""

    def in_force(self, *, now: datetime | None = None) -> "RoutingPolicyQuerySet":
        """Return the policies that can take somebody: on, of an active provider, and under no guard that is over."""
        holds = Q(guard__isnull=True) | Q(guard__until__gt=now or timezone.now())
        return self.filter(holds, enabled=True, provider__status=Status.ACTIVE)


class RoutingPolicy(models.Model):
    """Some people, and the provider with which they sign in. The first policy in the order that fits decides.

    It fits who is in one of its groups or has an email of one of its domains, or everyone, and is not excepted.
    While it is off, or its provider is not active, or a guard over it has run out, it fits nobody.

    Attributes:
        name_key: the name without case, for finding it.
        position: its place in the order, from 1.
        everyone: whether it takes everybody who is not excepted; groups and domains are none then.
        password_while_down: whether a person whom it takes may use a Gatehouse password that she has, as long as
            health checks say that the provider is down.
        guard: what watches over it, and takes it back unless it is confirmed.
        revision: goes up with every change; a form that shows an older one is refused.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    name_key = CaseKeyField()
    description = models.CharField(max_length=500, blank=True)
    enabled = models.BooleanField(default=True)
    position = models.PositiveIntegerField()
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="routing_policies")
    everyone = models.BooleanField(default=False)
    password_while_down = models.BooleanField(default=False, db_default=False)
    guard = models.ForeignKey(RoutingGuard, null=True, on_delete=models.SET_NULL, related_name="policies")
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager["RoutingPolicy"]] = RoutingPolicyQuerySet.as_manager()

    class Meta:
        """One order of all policies, and names that are unique without regard to case."""

        ordering = ["position"]
        verbose_name_plural = "routing policies"
        constraints = [
            models.UniqueConstraint(fields=["name_key"], name="idp_routing_name_unique"),
            models.UniqueConstraint(fields=["position"], name="idp_routing_position_unique"),
        ]
        # Every decision asks for those that take everyone, who are few among many that name some people.
        indexes = [models.Index(fields=["everyone"], condition=models.Q(everyone=True), name="idp_routing_everyone")]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """The name that the audit log copies."""
        return self.name

    @property
    def is_enabled_now(self) -> bool:
        """Whether it is on, and no guard over it has run out."""
        return self.enabled and (self.guard is None or self.guard.until > timezone.now())

    @property
    def is_in_force(self) -> bool:
        """Whether it can take somebody now."""
        return self.is_enabled_now and self.provider.is_active

    @property
    def opens_passwords(self) -> bool:
        """Whether people whom it takes may use their Gatehouse passwords now."""
        return self.password_while_down and self.is_in_force and self.provider.down_now is not None

    def key(self) -> str:
        """Return the name without case."""
        return case_key(self.name)

    def name_is_taken(self) -> bool:
        """Return whether another policy has this name, without regard to case."""
        return RoutingPolicy.objects.filter(name_key=self.key()).exclude(pk=self.pk).exists()


class RoutingGroup(models.Model):
    """A group whose members a policy takes, or excepts. The database keeps a group that a policy names."""

    policy = models.ForeignKey(RoutingPolicy, on_delete=models.CASCADE, related_name="named_groups", db_index=False)
    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="routing")
    is_exception = models.BooleanField(default=False)

    class Meta:
        """A policy names a group once: it cannot take and except it."""

        constraints = [models.UniqueConstraint(fields=["policy", "group"], name="idp_routing_group_once")]

    def __str__(self) -> str:
        return f"{self.policy}: {'except ' if self.is_exception else ''}{self.group}"


class RoutingDomain(models.Model):
    """An email domain whose people a policy takes."""

    policy = models.ForeignKey(RoutingPolicy, on_delete=models.CASCADE, related_name="named_domains", db_index=False)
    domain = models.CharField(max_length=253, db_index=True)

    class Meta:
        """A policy names a domain once."""

        constraints = [models.UniqueConstraint(fields=["policy", "domain"], name="idp_routing_domain_once")]

    def __str__(self) -> str:
        return f"{self.policy}: {self.domain}"


class RoutingException(models.Model):
    """A person whom a policy excepts."""

    policy = models.ForeignKey(RoutingPolicy, on_delete=models.CASCADE, related_name="named_people", db_index=False)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="routing_exceptions")

    class Meta:
        """A policy excepts a person once."""

        constraints = [models.UniqueConstraint(fields=["policy", "person"], name="idp_routing_person_once")]

    def __str__(self) -> str:
        return f"{self.policy}: except {self.person}"
