"""The mistakes that a user is told of in one line."""


class UserError(ValueError):
    """Something that the user can put right; its message is one line: what is wrong, where, what to do."""
