"""Pictures made batch by batch, each batch by a program that is built for its kind. Nothing here starts TensorFlow."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from netlens.feature_visualization.store import Picture

Request = TypeVar("Request")
Taken_contra = TypeVar("Taken_contra", contravariant=True)
Kind = TypeVar("Kind", bound=Hashable)


class Program(Protocol[Taken_contra]):
    """Makes at most one batch of pictures."""

    def run(self, requests: Sequence[Taken_contra]) -> list[Picture]:
        """Return one picture per request, in their order."""
        ...


def dealt(indices: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Yield the indices in batches, of which the last one may be smaller."""
    yield from (list(indices[start : start + batch_size]) for start in range(0, len(indices), batch_size))


def made(
    requests: Sequence[Request],
    batches: Iterable[tuple[Kind, list[int]]],
    build: Callable[[Kind], Program[Request]],
) -> Iterator[dict[int, Picture]]:
    """Yield pictures batch by batch.

    Parameters
    ----------
    requests
        The requests.
    batches
        The kind of each batch and the indices of its requests. Batches of one kind should follow each other, since
        only the latest program is kept.
    build
        Builds the program for a kind of batch.

    Yields
    ------
    dict
        The pictures of one batch, by the index of their request.
    """
    built: tuple[Kind, Program[Request]] | None = None
    for kind, batch in batches:
        if built is None or built[0] != kind:
            built = (kind, build(kind))
        yield dict(zip(batch, built[1].run([requests[index] for index in batch]), strict=True))
