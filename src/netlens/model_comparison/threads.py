"""Threads for many small decompositions, each of them too small for BLAS's own threads."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

Task = TypeVar("Task")
Result = TypeVar("Result")


def mapped(function: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
    """Apply a function to tasks in as many threads as BLAS has, with BLAS limited to one thread in each of them.

    A single task is computed with BLAS's own threads.

    Returns
    -------
    list
        One result per task, in their order.
    """
    if len(tasks) == 1:
        # Starting a thread, and finding out which libraries are loaded, take longer than a small decomposition.
        return [function(tasks[0])]
    libraries = ThreadpoolController().select(user_api="blas")
    count = max((library.num_threads for library in libraries.lib_controllers), default=1)
    with libraries.limit(limits=1), ThreadPoolExecutor(count) as pool:
        return list(pool.map(function, tasks))
