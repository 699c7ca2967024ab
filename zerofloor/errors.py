"""The one error that ends a run with exit 2 and a single clear line."""


class InputError(Exception):
    """An input that can't be judged: what is wrong, where, and what to do, in one line without
    secret values (several lines only where a program tells its user several things)."""
