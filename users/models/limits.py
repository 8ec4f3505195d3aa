"""What is counted against the limits on requests, and the cache's own table where there is no Redis."""

from django.db import models


class RateCount(models.Model):
    """How many requests of one kind came from one address in the window at hand: one row for both, used again.

    Attributes:
        key: the limit and the address.
        ends_at: when the window ends. A row whose window is over counts for nothing, and housekeeping removes it.
    """

    key = models.CharField(max_length=160, primary_key=True)
    ends_at = models.DateTimeField(db_index=True)
    hits = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.key}: {self.hits} until {self.ends_at:%Y-%m-%d %H:%M:%S} UTC"


class CacheEntry(models.Model):
    """One entry of the cache in the database, which all processes share where CACHE_URL is not set. Its value is JSON.

    Django reads and writes the table itself and asks for these three columns. It is a model so that the migrations
    make it: nobody has to remember `createcachetable`.
    """

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        """The name that the settings give to the cache."""

        db_table = "users_cache"

    def __str__(self) -> str:
        return self.cache_key
