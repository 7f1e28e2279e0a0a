"""Errors that are reported to the user in one line, without a traceback."""


class UserError(ValueError):
    """A mistake that the user can correct; the message says in one line what is wrong, where, and what to do."""
