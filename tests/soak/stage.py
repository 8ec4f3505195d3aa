"""The stage: private servers on free ports of the loopback interface, each of which can be killed and started again."""

import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from cryptography.fernet import Fernet

from bench.running import Failed, Server, clean_environment, in_own_process
from tests import postgres
from tests.commands.starting import free_port
from tests.redis_server import RedisServer
from tests.soak.nginx import nginx_command

READY_WITHIN = 60


@dataclass
class Instance:
    """One instance of Gatehouse, served as `manage.py run` serves it: gunicorn's master and its processes."""

    name: str
    port: int
    processes: int
    environment: dict[str, str]
    log: Path
    server: Server | None = None

    def start(self) -> None:
        """Start it, and wait until it can work."""
        options = ["-c", "python:portal.serving", "--bind", f"127.0.0.1:{self.port}", "--workers", str(self.processes)]
        command = [sys.executable, "-m", "gunicorn", *options, "portal.wsgi:application"]
        self.server = Server.start(self.name, command, self.environment, self.log)
        self.wait()

    def wait(self) -> None:
        """Wait until it can work.

        Raises:
            Failed: it ended, or took too long.
        """
        ends_at = time.monotonic() + READY_WITHIN
        while time.monotonic() < ends_at:
            if _answers(self.port, "/readyz"):
                return
            time.sleep(0.05)
        raise Failed(f"{self.name} is not ready:\n{self.log.read_text()[-4000:]}")

    @property
    def workers(self) -> list[int]:
        """The process ids of its workers."""
        if self.server is None or self.server.process.poll() is not None:
            return []
        pid = self.server.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def kill(self) -> None:
        """End it as a power failure would: SIGKILL to all its processes at once."""
        if self.server is not None:
            os.killpg(self.server.process.pid, signal.SIGKILL)
            self.server.process.wait(timeout=10)

    def kill_worker(self) -> None:
        """End one of its processes; its master starts another one."""
        os.kill(self.workers[0], signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order."""
        if self.server is not None:
            self.server.stop()


@dataclass
class Stage:
    """Everything that runs."""

    directory: Path
    port: int
    provider: Server
    provider_port: int
    instances: list[Instance]
    environment: dict[str, str]
    database: Path | None = None
    redis: RedisServer | None = None
    nginx: Server | None = None
    people: int = field(default=0)

    @property
    def ports(self) -> tuple[int, ...]:
        """Where the instances themselves listen."""
        return tuple(instance.port for instance in self.instances)

    def tell_provider(self, what: str) -> None:
        """Let the provider fail, work, or sign with another key."""
        if not _answers(self.provider_port, f"/soak/{what}"):
            raise Failed("the provider does not do as it is told")

    def restart_database(self, mode: str, away: float = 1.0) -> None:
        """Stop PostgreSQL and start it again.

        Args:
            mode: as `tests.postgres.halt` takes it.
            away: for how many seconds there is none.
        """
        assert self.database is not None
        postgres.halt(self.database, mode)
        time.sleep(away)
        postgres.start_again(self.database)

    def logs(self) -> str:
        """Return the end of what each instance wrote."""
        return "\n".join(f"{made.name}:\n{made.log.read_text()[-3000:]}" for made in self.instances)


def _answers(port: int, target: str) -> bool:
    """Return whether a server of ours answers 200."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", target)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


@contextmanager
def stage(*, on_postgresql: bool, instances: int, processes: int, people: int, threads: int = 8) -> Iterator[Stage]:
    """Start everything, with so many people in the directory, and clear it away whatever happens.

    Args:
        on_postgresql: with Redis beside it; else a SQLite file and no Redis.
        processes: of each instance.
        threads: of each process.
    """
    with ExitStack() as last:
        directory = Path(tempfile.mkdtemp(prefix="gatehouse-soak-"))
        last.callback(shutil.rmtree, directory, ignore_errors=True)
        database = redis = None
        url, cache = f"sqlite:///{directory / 'soak.sqlite3'}", ""
        if on_postgresql:
            database = Path(tempfile.mkdtemp(prefix="gatehouse-soak-postgres-"))
            last.callback(postgres.stop, database)
            url = postgres.start(database, free_port(), "log_min_messages=panic")
            redis = RedisServer(directory)
            last.callback(redis.stop)
            redis.start()
            cache = redis.url
        command = [sys.executable, "-m", "tests.soak.provider"]
        provider = Server.start("provider", command, clean_environment(), directory / "provider.log")
        last.callback(provider.stop)
        assert provider.process.stdout is not None
        line = provider.process.stdout.readline()
        if not line:
            raise Failed(f"The provider did not start:\n{provider.log_tail()}")
        port = free_port()
        environment = _environment(port, int(line), url, cache)
        in_own_process("tests.soak.prepare", {"people": people}, environment)
        made = Stage(directory, port, provider, int(line), [], environment, database, redis, people=people)
        for number in range(instances):
            own = environment | {"METRICS_DIR": str(directory / f"metrics-{number}"), "THREADS": str(threads)}
            instance = Instance(f"instance {number + 1}", free_port(), processes, own, directory / f"{number}.log")
            made.instances.append(instance)
            last.callback(instance.stop)
            instance.start()
        nginx = nginx_command(directory, port=port, instances=(made.ports[0], made.ports[-1]))
        made.nginx = Server.start("nginx", nginx, clean_environment(), directory / "nginx.log")
        last.callback(made.nginx.stop)
        made.nginx.wait_for_port(port)
        yield made


def _environment(port: int, provider_port: int, database_url: str, cache_url: str) -> dict[str, str]:
    """Return what the processes of Gatehouse get: nothing of the tests' own settings."""
    return clean_environment() | {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "ENV_FILE": os.devnull,
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DATABASE_URL": database_url,
        "CACHE_URL": cache_url,
        "TRUSTED_PROXIES": "127.0.0.1",
        "INSECURE_ISSUER_ORIGINS": f"http://127.0.0.1:{provider_port}",
        "SOAK_PROVIDER": f"http://127.0.0.1:{provider_port}",
        "PYTHONUNBUFFERED": "1",
    }
