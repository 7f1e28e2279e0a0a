"""Sums of the groups of images that are done, kept so that a job that was killed goes on where it was."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from netlens.pattern_attribution.patterns.statistics import PatternSums, load_sums, save_sums


def kept_or_summed(
    folder: str | Path,
    shards: Sequence[int],
    sums_of: Callable[[Sequence[int]], Iterator[PatternSums]],
    least_s: float = 5.0,
) -> Iterator[PatternSums]:
    """Sums of several shards, of which those that are kept are read and the others are computed and kept.

    Parameters
    ----------
    folder
        It need not exist. Whoever gives it makes sure that what it holds is of the same network and images, and
        removes it in the end.
    shards
        Which shards.
    sums_of
        Computes the sums of some of them, one after the other: `sums_by_shard` of
        `netlens.pattern_attribution.patterns.accumulation`.
    least_s
        Sums that took less than this many seconds are not kept.

    Yields
    ------
    netlens.pattern_attribution.patterns.statistics.PatternSums
        Of each shard, in their order; one at a time is in memory if the caller keeps none.

    Raises
    ------
    netlens.files.arrays.ArrayFileError
        A file of the folder is damaged.
    """
    files = {shard: Path(folder) / f"{shard}.npz" for shard in shards}
    made = sums_of([shard for shard in shards if not files[shard].is_file()])
    for shard in shards:
        if files[shard].is_file():
            yield load_sums(files[shard])
            continue
        begun = time.monotonic()
        sums = next(made)
        if time.monotonic() - begun >= least_s:
            save_sums(files[shard], sums)
        yield sums
