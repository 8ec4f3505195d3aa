"""Looking at guesses: passwords and second factors count against the same limits, five failures and fifteen minutes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from axes.handlers.proxy import AxesProxyHandler
from django.http import HttpRequest

from users.errors import DirectoryError, SignInLocked
from users.lockout import LockoutHandler


@contextmanager
def counted_guess(
    request: HttpRequest, account: str, *, no_guess: tuple[type[DirectoryError], ...] = ()
) -> Iterator[None]:
    """Look at somebody's password or second factor, or at both, in the block: a refusal there counts as one failure.

    It counts from the beginning, so that many guesses at once are no way around the limit. One that turns out to be
    right is taken back; that forgets no failure before it.

    Args:
        account: a company email, as typed.
        no_guess: refusals that tell nothing about whether it was right.

    Raises:
        SignInLocked: there were too many failures for the account or the address, or this one was the last.
    """
    handler = cast(LockoutHandler, AxesProxyHandler.get_implementation())
    credentials = {"username": account}
    if not AxesProxyHandler.is_allowed(request, credentials):
        raise SignInLocked()
    guess = handler.begin_guess(request, account)
    try:
        if guess.is_one_too_many:
            raise SignInLocked()
        yield
    except DirectoryError as error:
        if isinstance(error, (SignInLocked, *no_guess)):
            raise
        handler.fail_guess(request, account, guess)
        if handler.is_locked(request, credentials):
            raise SignInLocked() from error
        raise
    finally:
        handler.end_guess(request, guess)
