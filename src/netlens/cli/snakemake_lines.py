"""What the lines that Snakemake and its jobs print mean, as events: the only place that knows how they look."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

#: How every line of netlens' own begins.
PREFIX: Final = "netlens: "
_BAR: Final = re.compile(r"(?P<job>\S+): .*?(?P<percent>\d+)%\|.*?\| (?P<count>[^\[]*) \[[^,\]]*(?:, (?P<rate>.*))?\]")


@dataclass(frozen=True)
class Started:
    """A job has begun: its number, its rule and its outputs."""

    number: str
    rule: str
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Wildcards:
    """What tells a job that has begun from others of its rule, for readers: networks, and of a shard ``1/2``."""

    number: str
    words: str


@dataclass(frozen=True)
class Progress:
    """How far a job is: the name it calls itself, the share that is done, count and speed, and all of it in words."""

    job: str
    share: float
    count: str
    words: str


@dataclass(frozen=True)
class Finished:
    """A job has ended well."""

    number: str
    rule: str


@dataclass(frozen=True)
class Failing:
    """A job of this rule has failed; which one, `Failed` says."""

    rule: str


@dataclass(frozen=True)
class Failed:
    """The job with this number has failed."""

    number: str


@dataclass(frozen=True)
class Steps:
    """How many jobs are done, and how many there are; `done` is None where only the second is told."""

    done: int | None
    count: int


@dataclass(frozen=True)
class Resources:
    """Snakemake has told its resources, and begins."""


@dataclass(frozen=True)
class NothingToDo:
    """Everything is up to date."""


@dataclass(frozen=True)
class Note:
    """A line of netlens' own, without its prefix."""

    words: str


@dataclass(frozen=True)
class ErrorLine:
    """An error that netlens tells in one line, as it was printed."""

    line: str


@dataclass(frozen=True)
class Other:
    """Any other line that is not empty."""

    line: str


Event = (
    Started
    | Wildcards
    | Progress
    | Finished
    | Failing
    | Failed
    | Steps
    | Resources
    | NothingToDo
    | Note
    | ErrorLine
    | Other
)

#: Lines that say everything by themselves.
_ALONE: Final[Sequence[tuple[re.Pattern[str], Callable[[re.Match[str]], Event]]]] = (
    (
        re.compile(r"Finished jobid: (\d+)(?: \(Rule: (\w+)\))?"),
        lambda found: Finished(found[1], found[2] or ""),
    ),
    (re.compile(r"(\d+) of (\d+) steps"), lambda found: Steps(int(found[1]), int(found[2]))),
    (re.compile(r"^total +(\d+)$"), lambda found: Steps(None, int(found[1]))),
    (re.compile(r"^Provided resources:"), lambda _: Resources()),
    (re.compile(r"^Nothing to be done"), lambda _: NothingToDo()),
)


class SnakemakeLines:
    """Reader of lines, one after the other: a job is described by several of them."""

    def __init__(self) -> None:
        self._block = self._rule = self._last = ""
        self._outputs: tuple[str, ...] = ()

    def read(self, line: str) -> Event | None:
        """Return what a line says; None if it is empty."""
        line = line.rstrip()
        if line.startswith(PREFIX):
            return _own(line)
        if found := re.match(r"(?:(?:local)?rule|Error in rule) (\w+):", line):
            self._block, self._rule, self._outputs = line.split(maxsplit=1)[0], found[1], ()
            return Failing(found[1]) if self._block == "Error" else Other(line)
        if self._block and (found := re.match(r"    (\w+): (.*)", line)):
            return self._field(found[1], found[2].strip()) or Other(line)
        for pattern, event in _ALONE:
            if found := pattern.search(line):
                return event(found)
        return Other(line) if line else None

    def _field(self, name: str, value: str) -> Event | None:
        """What a field of a job's description says by itself."""
        if name == "output":
            self._outputs = tuple(value.split(", "))
        elif name == "jobid" and self._block == "Error":
            return Failed(value)
        elif name == "jobid" and self._outputs:
            self._last = value
            return Started(value, self._rule, self._outputs)
        elif name == "wildcards" and self._block != "Error":
            words = " ".join(re.findall(r"\w+=([^,]+)", value))
            return Wildcards(self._last, re.sub(r"(\d+) (\d+)", r"\1/\2", words))
        return None


def _own(line: str) -> Event:
    words = line.removeprefix(PREFIX)
    if words.startswith("error: "):
        return ErrorLine(line)
    if found := _BAR.match(words):
        told = "  ".join(part.strip() for part in (found["count"], found["rate"]) if part)
        return Progress(found["job"], float(found["percent"]) / 100, told, words)
    return Note(words)
