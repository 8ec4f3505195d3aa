"""When each task of housekeeping ran, so that a timer that has stopped does not go unnoticed."""

from django.db import models


class HousekeepingTask(models.Model):
    """A task of housekeeping, and how its last runs ended.

    Attributes:
        ran_at: when it ended last, well or not.
        succeeded_at: when it last ended well; None before the first time.
        code: why the last run failed, or "".
    """

    name = models.CharField(max_length=32, primary_key=True)
    ran_at = models.DateTimeField()
    succeeded_at = models.DateTimeField(null=True)
    code = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return self.name
