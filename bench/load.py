"""The load: browsers that sign in completely, one after the other each, in a process of their own.

A complete sign-in is four requests in a fresh browser (no cookies): the start (`GET /oauth/login/<slug>/` and its
likes, the address behind "Continue with ..."), the provider's authorization endpoint, the callback, the landing page.
Connections are kept alive, as browsers keep them. `python -m bench.load` takes a job as JSON on standard input and
prints its result as JSON.
"""

import itertools
import json
import ssl
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

from bench.people import PEOPLE
from bench.running import cpu_seconds
from bench.wire import Answer, BrokenSignIn, Connection


@dataclass(frozen=True)
class Job:
    """What to do: so many sign-ins, but none begun after so many seconds.

    Attributes:
        server_pid: whose CPU time, with that of its children, is read.
        reset: the address at which the provider begins to count afresh.
    """

    origin: str
    start: str
    provider_origin: str
    ca_file: str
    concurrency: int
    sign_ins: int
    seconds: float
    server_pid: int
    reset: str


@dataclass
class Result:
    """What came of it, in seconds; `cpu` is the contestant's."""

    elapsed: float = 0.0
    cpu: float = 0.0
    sign_ins: list[float] = field(default_factory=list)
    failure: str = ""


class Browser:
    """One browser: two kept-alive connections, and cookies that last for one sign-in; `cookies` are the last one's."""

    def __init__(self, job: Job, tls: ssl.SSLContext | None) -> None:
        self.job = job
        self.portal = Connection(job.origin)
        self.provider = Connection(job.provider_origin, tls)
        self.cookies: dict[str, str] = {}

    def sign_in(self, number: int) -> float:
        """Sign somebody in, and return how long that took."""
        person = PEOPLE[number % len(PEOPLE)]
        begun = time.perf_counter()
        cookies = self.cookies = {}
        to_provider = self._follow(self.portal, self.job.start, cookies, self.job.provider_origin)
        back = self._follow(self.provider, to_provider, {"person": str(person.number - 1)}, self.job.origin)
        landing = self._follow(self.portal, back, cookies, self.job.origin)
        page = self.portal.get(landing, cookies)
        took = time.perf_counter() - begun
        if page.status != 200 or not person.is_on(page.body):
            raise BrokenSignIn(f"the landing page {landing} of {person.name}: {described(page)}")
        return took

    def _follow(self, connection: Connection, target: str, cookies: dict[str, str], origin: str) -> str:
        """Send a GET that must redirect to this origin, and return the path to go on with there."""
        answer = connection.get(target, cookies)
        cookies |= answer.cookies
        if answer.status not in {302, 303} or not answer.location:
            raise BrokenSignIn(f"no redirect from {connection.origin}{target.partition('?')[0]}: {described(answer)}")
        parts = urlsplit(answer.location)
        if parts.netloc and f"{parts.scheme}://{parts.netloc}" != origin:
            raise BrokenSignIn(f"redirected to {answer.location}, not to {origin}")
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def close(self) -> None:
        """Close both connections."""
        self.portal.close()
        self.provider.close()


def described(answer: Answer) -> str:
    """Return an unexpected answer for an error message."""
    return f"status {answer.status}, location {answer.location!r}, body {answer.body[:600]!r}"


def run(job: Job) -> Result:
    """Let all browsers sign in until the sign-ins are done or the time is over; the first failure ends everything.

    Each browser signs in once before the clock starts, so that no connection of anybody is new by then.
    """
    tls = ssl.create_default_context(cafile=job.ca_file)
    result, numbers = Result(), itertools.count()
    begun = cpu_before = 0.0

    def begin() -> None:
        nonlocal begun, cpu_before
        control = Connection(job.provider_origin, tls)
        control.get(job.reset, {})
        control.close()
        begun, cpu_before = time.perf_counter(), cpu_seconds(job.server_pid)

    everyone = threading.Barrier(job.concurrency, action=begin)

    def browse() -> None:
        browser = Browser(job, tls)
        try:
            browser.sign_in(next(numbers))
            everyone.wait()
            while not result.failure and time.perf_counter() - begun < job.seconds:
                number = next(numbers)  # one step of the interpreter: no lock is needed
                if number >= job.sign_ins + job.concurrency:
                    break
                result.sign_ins.append(browser.sign_in(number))
        except threading.BrokenBarrierError:
            pass
        except Exception as error:  # noqa: BLE001  (whatever it is, the others must not wait for this browser)
            result.failure = result.failure or f"{type(error).__name__}: {error}"
            everyone.abort()
        finally:
            browser.close()

    in_threads(browse, job.concurrency)
    result.elapsed = time.perf_counter() - begun
    result.cpu = 0.0 if result.failure else cpu_seconds(job.server_pid) - cpu_before
    return result


def in_threads(work: Callable[[], None], count: int) -> None:
    """Do the work in so many threads at once, and wait for them."""
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(run(Job(**json.load(sys.stdin))))))
