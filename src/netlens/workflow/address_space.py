"""Limits of the address space of processes (``ulimit -v``), which libraries fail at in many ways and none clearly."""

import resource
from typing import Final

from netlens.workflow.errors import UserError

#: What the process of a small network reserves, and hardly uses: TensorFlow takes 1.2 GB when it is imported.
NEEDED_BYTES: Final = 2 * 2**30


def address_space_limit() -> int | None:
    """Limit for each process started from here, in bytes; None if there is none."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def check_address_space() -> None:
    """Check that processes may reserve as much address space as jobs need.

    Raises
    ------
    UserError
        They may not.
    """
    limit = address_space_limit()
    if limit is not None and limit < NEEDED_BYTES:
        raise UserError(
            f"`ulimit -v` limits processes to {limit / 2**20:.0f} MB of addresses, but those of small networks reserve "
            f"{NEEDED_BYTES / 2**20:.0f} MB and others more, whatever they use; remove it (ulimit -v unlimited), "
            "or limit what is used by a container"
        )


def limit_words() -> str:
    """What to add to the message of a job that failed under a limit; empty without one."""
    limit = address_space_limit()
    return "" if limit is None else f"; `ulimit -v` limits processes to {limit / 2**20:.0f} MB of addresses"
