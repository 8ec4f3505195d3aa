"""A service that is away is asked by one caller now and then, and by nobody in between."""

from users.breaker import Breaker


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_it_opens_at_the_first_failure_and_one_caller_tries_again() -> None:
    clock = Clock()
    breaker = Breaker(5, clock=clock)
    assert breaker.may_try() and breaker.may_try() and not breaker.answered()
    assert breaker.failed() and not breaker.failed()
    assert not breaker.may_try()
    clock.now += 5
    assert [breaker.may_try() for _ in range(3)] == [True, False, False]
    assert not breaker.failed()
    clock.now += 4.9
    assert not breaker.may_try()
    clock.now += 0.1
    assert breaker.may_try()
    assert breaker.answered() and not breaker.answered()
    assert all(breaker.may_try() for _ in range(3))


def test_a_caller_that_never_says_how_it_went_does_not_keep_it_open() -> None:
    clock = Clock()
    breaker = Breaker(5, clock=clock)
    breaker.failed()
    for _ in range(3):
        clock.now += 5
        assert [breaker.may_try(), breaker.may_try()] == [True, False]
