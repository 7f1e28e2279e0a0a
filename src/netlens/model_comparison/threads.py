"""Threads for many small decompositions, each of them too small for BLAS's own threads."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]


@contextmanager
def workers() -> Iterator[Executor]:
    """Yield a pool of as many threads as BLAS has, with BLAS limited to one thread in each of them meanwhile."""
    libraries = ThreadpoolController().select(user_api="blas")
    count = max((library.num_threads for library in libraries.lib_controllers), default=1)
    with libraries.limit(limits=1), ThreadPoolExecutor(count) as pool:
        yield pool
