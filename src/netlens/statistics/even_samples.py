"""Even samples: which of many things in a row are used where there is no time or room for all of them."""

import numpy as np


def spread_evenly(count: int, most: int) -> list[int]:
    """Return at most `most` of the indices below `count`, spread evenly, the first and the last among them.

    Examples
    --------
    >>> spread_evenly(9, 3)
    [0, 4, 8]
    """
    if count <= most:
        return list(range(count))
    return [int(index) for index in np.linspace(0, count - 1, most).round()]


def part_starts(count: int, most: int) -> list[int]:
    """Return at most `most` of the indices below `count`: the first of each of as many parts of about the same size.

    Examples
    --------
    >>> part_starts(9, 3)
    [0, 3, 6]
    """
    parts_count = min(count, most)
    return [part * count // parts_count for part in range(parts_count)]
