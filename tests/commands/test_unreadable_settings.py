"""Settings that cannot be read: commands and the server name the one in a line, and show nothing of its value."""

import pytest

from portal.management.commands.run import APPLICATION, CONFIG
from tests.commands.starting import ROOT, ended
from tests.environment import TEST_ENVIRONMENT

CANARY = "canary-word-4711"
WRONG = [
    ("WORKERS", "abc", "must be a whole number"),
    ("WORKERS", "0", "must be 1 or more"),
    ("THREADS", "-1", "must be 1 or more"),
    ("DRAIN_SECONDS", "-1", "must be 0 or more"),
    ("RATE_LIMIT_FACTOR", "much", "must be a number"),
    ("LOG_FORMAT", "xml", "json or plain"),
    ("LOG_LEVEL", "loud", "INFO"),
    ("SECRET_KEY", "", "is not set"),
    ("SECRET_KEY", f"${CANARY}", "is not set"),  # the library takes it for the name of another setting
    ("PUBLIC_URL", "https://[::1", "https://"),
    ("DATABASE_URL", "nonsense", "postgres://"),
    ("DATABASE_URL", f"mysql://gatehouse:{CANARY}@db/gatehouse", "postgres://"),
    ("DATABASE_URL", f"nonsense://gatehouse:{CANARY}@db/gatehouse", "postgres://"),
    ("DATABASE_URL", f"postgres://gatehouse:{CANARY}/x@db:5432/gatehouse", "postgres://"),
    ("CACHE_URL", f"radish://:{CANARY}@cache/0", "redis://"),
    ("CACHE_URL", f"redis://:{CANARY}@[::1/0", "redis://"),
    ("EMAIL_URL", "foo", "smtp+tls://"),
    ("EMAIL_URL", f"smtp+tls://gatehouse:{CANARY}@mail:submission", "smtp+tls://"),
]
wrong = pytest.mark.parametrize(("name", "value", "said"), WRONG)


@wrong
def test_a_command_names_it(name: str, value: str, said: str) -> None:
    environment = {**TEST_ENVIRONMENT, name: value}
    refused = ended(ROOT, "manage.py", "doctor", "--offline", **environment)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"{name} ") and said in refused.stderr and refused.stderr.count("\n") == 1
    assert CANARY not in refused.stderr


@wrong
def test_the_server_names_it(name: str, value: str, said: str) -> None:
    command = ("-m", "gunicorn", "--config", CONFIG, "--check-config", APPLICATION)
    refused = ended(ROOT, *command, **{**TEST_ENVIRONMENT, name: value})
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"{name} ") and said in refused.stderr and refused.stderr.count("\n") == 1
    assert CANARY not in refused.stderr


@pytest.mark.parametrize("name", ["SECRET_KEY", "ENCRYPTION_KEYS"])
@pytest.mark.parametrize("command", ["users", "migrate", "check"])
def test_a_missing_key_is_named_by_every_command(name: str, command: str) -> None:
    environment = {key: value for key, value in TEST_ENVIRONMENT.items() if key != name}
    refused = ended(ROOT, "manage.py", command, **environment)
    assert refused.returncode == 2 and refused.stderr.startswith(f"{name} is not set"), refused.stderr
    assert refused.stderr.count("\n") == 1
