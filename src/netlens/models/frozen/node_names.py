"""Names in graphs: an operation takes outputs of others, and names them with more than those operations' own names."""


def node_of(source: str) -> str:
    """Name of the operation that an input refers to: ``name``, ``name:1`` or ``^name``."""
    return source.removeprefix("^").split(":")[0]
