"""Sums that are kept, so that nobody counts a million rows."""

from django.db import models


class PeopleCount(models.Model):
    """How many people there are of each sort: sums over these rows, so that a million need not be counted.

    Database triggers keep them. SQLite has one writer, and there one row for each sort is counted up and down. On
    PostgreSQL every change adds rows, because those who change people must not wait for each other at one number;
    `manage.py housekeeping` adds them up.

    Attributes:
        admin_role: "" for none.
    """

    state = models.CharField(max_length=16)
    admin_role = models.CharField(max_length=32)
    linked = models.BooleanField()
    signed_in = models.BooleanField()
    amount = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.amount} {self.state}"


class SignInDay(models.Model):
    """How many sign-ins to the User Portal a past day had: kept, so that nobody counts a month of audit rows."""

    day = models.DateField(primary_key=True)
    succeeded = models.PositiveIntegerField()
    refused = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.day}: {self.succeeded} sign-ins, {self.refused} refused"
