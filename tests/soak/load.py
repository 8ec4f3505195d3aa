"""The load: so many browsers at once, one sign-in after the other, each tried again after a clear page."""

import copy
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench.people import Person
from tests.soak.browser import Browser, Page, Refused, SignedIn, Unclear

# A person is patient, but not without end.
TRIES = 60
LONGEST_PAUSE = 1.0
# So many seconds after the last sign-in may have begun, none is tried again.
GRACE = 30.0
PAUSE = 0.2
# Every so manyth answer of the provider is brought to both instances at once, or brought again afterwards.
TWICE_AT_ONCE, AGAIN = 5, 5
REFUSED_AGAIN = frozenset({"federation.state_used", "federation.state_unknown"})


@dataclass
class Result:
    """What the browsers saw.

    Attributes:
        seconds: how long each sign-in took, with all its tries.
        signed_in: person, number of the request, and address of every complete sign-in whose callback was seen.
        refused: code and reference number of every error page.
        traced: sign-ins of which nginx said which instance took which part.
        elsewhere: those that began at one instance and came back to the other.
        replays: how many answers of the provider were brought twice, all but one of them refused.
        problems: what may not happen.
    """

    elapsed: float = 0.0
    seconds: list[float] = field(default_factory=list)
    retries: int = 0
    signed_in: list[tuple[str, str, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    traced: int = 0
    elsewhere: int = 0
    replays: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def codes(self) -> Counter[str]:
        """How many error pages had which code."""
        return Counter(code for code, _ in self.refused)


@dataclass(frozen=True)
class Load:
    """What is to be done.

    Attributes:
        first: the number of the first person; every person signs in twice, at about the same time.
        instances: the ports behind nginx, for what is brought to both.
        seconds: no sign-in begins later than this.
    """

    port: int
    provider_port: int
    instances: tuple[int, ...]
    first: int
    sign_ins: int
    concurrency: int
    seconds: float
    replays: bool = False


class Crowd:
    """The browsers of one phase."""

    def __init__(self, load: Load, after: Callable[[int], None]) -> None:
        self.load, self.after = load, after
        self.result = Result()
        self.lock = threading.Lock()
        self.numbers: Iterator[int] = iter(range(load.sign_ins))
        self.begun = time.monotonic()

    def run(self) -> Result:
        """Let everybody sign in, and return what came of it."""
        threads = [threading.Thread(target=self._browse) for _ in range(self.load.concurrency)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.result.elapsed = time.monotonic() - self.begun
        missing = self.load.sign_ins - len(self.result.seconds)
        if missing:
            self._problem(f"{missing} sign-ins were not complete in time")
        return self.result

    def _browse(self) -> None:
        while time.monotonic() - self.begun < self.load.seconds:
            with self.lock:
                number = next(self.numbers, None)
            if number is None:
                return
            # An address for everybody, in every phase: what is counted by address is not the subject here.
            place = 2 * self.load.first + number
            address = f"127.1.{place // 250}.{1 + place % 250}"
            person = Person(self.load.first + number // 2)
            self._one(number, Browser(self.load.port, self.load.provider_port, person, address))

    def _one(self, number: int, browser: Browser) -> None:
        begun = time.monotonic()
        for _ in range(TRIES):
            if time.monotonic() - self.begun > self.load.seconds + GRACE:
                break
            try:
                done = self._way_of(number)(browser)
            except Refused as refused:
                self._seen(refused.page)
                time.sleep(_pause_after(refused.page))
                continue
            except Unclear as error:
                self._problem(f"{browser.person.email}: {error}")
                return
            self._complete(browser, done, time.monotonic() - begun)
            return
        self._problem(f"{browser.person.email} was refused again and again, for {time.monotonic() - begun:.0f} s")

    def _way_of(self, number: int) -> Callable[[Browser], SignedIn]:
        if self.load.replays and number % TWICE_AT_ONCE == 1:
            return self._twice_at_once
        if self.load.replays and number % AGAIN == 3:
            return self._again
        return Browser.sign_in

    def _twice_at_once(self, browser: Browser) -> SignedIn:
        """Bring the provider's answer to both instances at the same moment: it opens one of them."""
        began = browser.begin()
        if began is None:
            return browser.sign_in()
        back = browser.callback_of(began)
        twins = [copy.deepcopy(browser) for _ in range(2)]
        outcomes: list[Page | Refused | Unclear] = []

        def bring(twin: Browser, port: int) -> None:
            try:
                outcomes.append(twin.come_back(back, port))
            except (Refused, Unclear) as error:
                outcomes.append(error)

        ports = (self.load.instances[0], self.load.instances[-1])
        threads = [threading.Thread(target=bring, args=pair) for pair in zip(twins, ports, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        opened = [outcome for outcome in outcomes if isinstance(outcome, Page)]
        for outcome in outcomes:
            if isinstance(outcome, Unclear):
                raise outcome
            if isinstance(outcome, Refused):
                self._replayed(browser, outcome)
        if len(opened) != 1:
            raise Unclear(f"an answer that came twice at once opened {len(opened)} sessions")
        browser.cookies = next(twin for twin in twins if len(twin.cookies) > 1 and _opens(twin)).cookies
        browser.see_home()
        return SignedIn(opened[0].request_id)

    def _again(self, browser: Browser) -> SignedIn:
        """Sign in, and bring the same answer of the provider again, to the other instance, with the cookies of then."""
        began = browser.begin()
        if began is None:
            return browser.sign_in()
        back, before = browser.callback_of(began), copy.deepcopy(browser)
        answer = browser.come_back(back)
        browser.see_home()
        for who in (before, copy.deepcopy(browser)):
            for port in self.load.instances:
                try:
                    who.come_back(back, port)
                    raise Unclear("an answer that came again opened a session")
                except Refused as refused:
                    self._replayed(browser, refused)
        return SignedIn(answer.request_id, began.instance, answer.instance)

    def _replayed(self, browser: Browser, refused: Refused) -> None:
        if refused.page.code not in REFUSED_AGAIN:
            self._problem(f"{browser.person.email}: an answer that came twice was refused as {refused.page.code}")
        with self.lock:
            self.result.replays += 1
            self.result.refused.append((refused.page.code, refused.page.reference))

    def _seen(self, page: Page) -> None:
        with self.lock:
            self.result.retries += 1
            self.result.refused.append((page.code, page.reference))

    def _complete(self, browser: Browser, done: SignedIn, seconds: float) -> None:
        with self.lock:
            result = self.result
            result.seconds.append(seconds)
            result.traced += bool(done.began_at)
            result.elsewhere += bool(done.began_at) and done.began_at != done.came_back_to
            if done.request_id:
                result.signed_in.append((browser.person.email, done.request_id, browser.address))
            count = len(result.seconds)
        self.after(count)

    def _problem(self, text: str) -> None:
        with self.lock:
            self.result.problems.append(text)


def _opens(twin: Browser) -> bool:
    return twin.get("/").status == 200


def _pause_after(page: Page) -> float:
    return min(float(page.headers.get("retry-after", PAUSE)), LONGEST_PAUSE)
