"""Groups of people."""

import uuid

from django.db import models
from django.utils import timezone

from users.models.people import User
from users.name_key import CaseKeyField


class Group(models.Model):
    """People who belong together, for whatever an administrator needs to name them at once.

    Attributes:
        name_key: the name without case, for finding, searching and sorting.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    name_key = CaseKeyField()
    description = models.CharField(max_length=500, blank=True)
    people = models.ManyToManyField(User, through="GroupMembership", related_name="groups")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """Names are unique without regard to case."""

        constraints = [models.UniqueConstraint(fields=["name_key"], name="users_group_name_key_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """The name that the audit log copies."""
        return self.name


class GroupMembership(models.Model):
    """One person in one group.

    Attributes:
        given_by: the provider whose claims gave it and may take it back; None where an administrator did.
    """

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="memberships", db_index=False)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    added_at = models.DateTimeField(default=timezone.now, editable=False)
    given_by = models.UUIDField(null=True, editable=False)

    class Meta:
        """A person is in a group once."""

        constraints = [models.UniqueConstraint(fields=["group", "person"], name="users_membership_once")]

    def __str__(self) -> str:
        return f"{self.person} in {self.group}"
