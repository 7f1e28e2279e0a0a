"""What can be written on the command line, and what is said where it cannot be read."""

import argparse
import difflib
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Protocol

from netlens import __version__
from netlens.cli import commands
from netlens.cli.place import Place
from netlens.workflow.catalogue import SECTIONS
from netlens.workflow.errors import UserError

_ITEMS = "names as `netlens list` prints them"


class OneLineParser(argparse.ArgumentParser):
    """Parser that tells a mistake in one line, like every other; so do the parsers of its commands."""

    def error(self, message: str, near: str = "") -> NoReturn:
        """Raise what is wrong with the arguments, with what was meant if something is near to it."""
        raise UserError(f"{message}; {near or f'`{self.prog} --help` says what can be written'}")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[argparse.Namespace, list[str]]:  # type: ignore[override]
        """Read arguments, of which none may be unknown."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            near = _did_you_mean(unknown[0].partition("=")[0], list(self._option_string_actions))
            self.error(f"{self.prog} takes no {unknown[0]}", near)
        return parsed, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Check a choice; the list of all commands is too long for a line."""
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            # Commands without help are not for users.
            near = _did_you_mean(value, [command.dest for command in action._choices_actions])
            written = f"{self.prog} {value}".removeprefix("netlens ")
            self.error(f"there is no command {written!r}", near or f"`{self.prog} --help` lists all commands")
        super()._check_value(action, value)


def _did_you_mean(given: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(given, known, n=2, cutoff=0.6)
    return f"did you mean {' or '.join(near)}?" if near else ""


class _Add(Protocol):
    """Adds a command: its name, what runs it, and what it is for."""

    def __call__(
        self, name: str, function: Callable[[argparse.Namespace], int], words: str
    ) -> argparse.ArgumentParser: ...


def command_line(place: Place) -> OneLineParser:
    """Parser of the command line, whose result has the function that runs the command as ``command``.

    Parameters
    ----------
    place
        Where the command is given, on which the meaning of paths depends.
    """
    parser = OneLineParser(
        prog="netlens", description="Looking inside image classifiers: a reproducible paper artifact."
    )
    parser.add_argument("--version", action="version", version=__version__)
    named = parser.add_subparsers(required=True, metavar="COMMAND")
    add = _adder(named, place)
    _add_listing(add)
    _add_building(add)
    _add_starting(add)
    _add_review(add)
    words = "keep the intermediate results of a study for others, or take those of others"
    cache = named.add_parser("cache", help=words, description=words)
    _add_cache(_adder(cache.add_subparsers(required=True, metavar="ACTION"), place))
    _add_archive(add)
    _add_machine(add)
    _add_internal(named)
    return parser


def _adder(named: Any, place: Place) -> _Add:
    """Return what adds a command to `named`, whose parser knows the kinds of arguments that are paths."""

    def add(name: str, function: Callable[[argparse.Namespace], int], words: str) -> argparse.ArgumentParser:
        command: argparse.ArgumentParser = named.add_parser(name, help=words, description=words)
        command.set_defaults(command=function)
        for kind, convert in place.types().items():
            command.register("type", kind, convert)
        return command

    return add


def _take_study(command: argparse.ArgumentParser, words: str = "name or file of a study") -> None:
    command.add_argument("--study", type="study", default="demo", help=f"{words} (default: demo)")


def _take_items(command: argparse.ArgumentParser, words: str = f"{_ITEMS} (default: all)") -> None:
    command.add_argument("items", nargs="*", metavar="ITEM", help=words)


def _take_json(command: argparse.ArgumentParser, words: str = "print plain data") -> None:
    command.add_argument("--json", action="store_true", help=words)


def _take_cores(command: argparse.ArgumentParser) -> None:
    command.add_argument("--cores", default="all", help="number of cores to use (default: all)")


def _add_listing(add: _Add) -> None:
    """Add the commands that say what there is."""
    listing = add(
        "list", commands.list_items, "list every figure, macro and page, what it shows, and whether it has been made"
    )
    _take_study(listing)
    listing.add_argument(
        "--state",
        action="append",
        choices=["made", "stale", "edited", "missing", "absent"],
        help="only items in this state; can be repeated",
    )
    listing.add_argument("--section", action="append", choices=SECTIONS, help="only this section; can be repeated")
    listing.add_argument(
        "--kind", action="append", choices=["figure", "macro", "page"], help="only items of this kind; can be repeated"
    )
    _take_json(listing)

    why = add(
        "why", commands.why, "say why items are missing, stale, edited or absent: which file or module has changed"
    )
    _take_items(why)
    _take_study(why)
    _take_json(why)

    explain = add(
        "explain", commands.explain, "say where an item comes from: value, notebook, parameters, inputs, code, machine"
    )
    explain.add_argument("item", metavar="ITEM", help="a name as `netlens list` prints it")
    explain.add_argument("--diff", action="store_true", help="what differs from the published version in reference/")
    _take_study(explain)
    _take_json(explain)

    cost = add(
        "cost", commands.cost, "say what the jobs that would run cost: time, memory and disk, and where that is from"
    )
    _take_items(cost)
    _take_study(cost)
    _take_cores(cost)
    cost.add_argument("--all", action="store_true", help="a line for each job")
    _take_json(cost)


def _add_building(add: _Add) -> None:
    """Add the commands that make items and the paper."""
    run = add("run", commands.run, "make the named items, or everything")
    _take_items(run, _ITEMS)
    run.add_argument("--force", action="store_true", help="make the named items even if they are up to date")
    _take_wishes(run)

    paper = add("paper", commands.paper, "make everything and the paper's PDF")
    paper.add_argument(
        "--draft", action="store_true", help="write paper/STUDY-draft.pdf, with what is edited or stale in red boxes"
    )
    paper.add_argument("--yes", action="store_true", help="do not ask before a run of more than an hour")
    _take_wishes(paper)

    site = add("site", commands.site, "make the supplement, site/STUDY/, of what has been made so far")
    _take_study(site)


def _take_wishes(command: argparse.ArgumentParser) -> None:
    """Take how a run is done."""
    command.add_argument(
        "--cache",
        type="source",
        metavar="SOURCE",
        help="take intermediate results from here, as `netlens cache import` does",
    )
    command.add_argument("--dry-run", action="store_true", help="list the jobs that would run, and why")
    command.add_argument("--keep-going", action="store_true", help="after a failure, go on with what does not need it")
    _take_study(command)
    _take_cores(command)


def _add_starting(add: _Add) -> None:
    """Add the commands with which one's own network or notebook is tried."""
    new = add("new", commands.new, "write the study of a network and a folder of images, after looking at both")
    new.add_argument("name", help="name of the study; its file is config/NAME.yaml")
    new.add_argument(
        "--network",
        type="path",
        required=True,
        metavar="FILE",
        help="a Keras model (.h5, .keras) or frozen graph (.pb)",
    )
    new.add_argument(
        "--images", type="path", required=True, metavar="FOLDER", help="folder or zip with one subfolder per class"
    )
    new.add_argument("--preprocessing", default="", metavar="MODE", help="caffe, tf, torch, unit (0 to 1) or none")
    new.add_argument("--size-px", nargs=2, type=int, metavar=("HEIGHT", "WIDTH"), help="if the network takes any size")
    new.add_argument(
        "--class-names", type="file_or_word", default="", metavar="FILE", help="names of the outputs, or `imagenet`"
    )
    new.add_argument("--title", default="", help="what the paper's first page calls the study")
    new.add_argument("--images-are", default="", help="one sentence about the images")

    notebook = add("notebook", commands.notebook, "run a single notebook, with its own defaults")
    notebook.add_argument("notebook", type="path")
    notebook.add_argument(
        "--set", type="setting", action="append", default=[], metavar="NAME=VALUE", help="a parameter, as YAML"
    )
    notebook.add_argument("--stem", type="path", help="path of the output, without suffix")
    notebook.add_argument("--log", type="path", help="path of the executed notebook (default: in results/tried/)")


def _add_review(add: _Add) -> None:
    """Add the commands that compare a study with what it published."""
    verify = add(
        "verify", commands.verify, "compare what has been made with what was published, and judge the paper's claims"
    )
    _take_items(verify)
    _take_study(verify)
    _take_json(verify, "print plain data, with the distance of every part")
    verify.add_argument("--all", action="store_true", help="a line also for each item that is identical")
    verify.add_argument(
        "--html", type="path", metavar="FILE", help="write a page with published and new pictures side by side"
    )
    verify.add_argument("--junit", type="path", metavar="FILE", help="write JUnit's XML")

    spread = add("spread", commands.spread, "measure how far reruns under other settings are from what is published")
    spread.add_argument(
        "folders", type="path", nargs="+", metavar="FOLDER", help="a checkout in which the study was run"
    )
    _take_study(spread)
    spread.add_argument("--all", action="store_true", help="a line for each part that deviates")
    _take_json(spread)

    diff = add(
        "diff", commands.diff, "say which published numbers and figures changed since a revision, and by how much"
    )
    diff.add_argument("revision", metavar="REV", help="a commit, tag or branch of git")
    _take_study(diff)
    diff.add_argument("--pdf", action="store_true", help="compile the paper with red boxes around what changed")
    _take_json(diff)

    accept = add(
        "accept", commands.accept, "publish items as they have been made, for `netlens verify` to compare with"
    )
    _take_items(accept, _ITEMS)
    accept.add_argument("--all", action="store_true", help="every item of the study")
    accept.add_argument("--reason", required=True, help="why the published values change; kept with them")
    _take_study(accept)
    _take_json(accept)

    gallery = add(
        "gallery",
        commands.gallery,
        "put figures, numbers and claims of a study into the README (chosen in docs/gallery.yaml)",
    )
    _take_study(gallery)


def _add_cache(add: _Add) -> None:
    """Add the actions of the command that keeps results for others, or takes those of others."""
    export = add("export", commands.export_cache, "keep all intermediate results in a folder or zip")
    export.add_argument("target", type="path", metavar="FOLDER_OR_ZIP")
    _take_study(export)
    _take_json(export)

    take = add(
        "import", commands.import_cache, "let the next runs take results from a folder, a zip, or an address of one"
    )
    take.add_argument("source", type="source", metavar="SOURCE")
    take.add_argument("--sha256", help="what the zip must be")
    _take_json(take)

    _take_json(add("clear", commands.clear_cache, "forget all kept results"))


def _add_archive(add: _Add) -> None:
    """Add the command that packs a study for others."""
    archive = add(
        "archive", commands.archive, "write a study with its results as one RO-Crate, and its paper's sources for arXiv"
    )
    _take_study(archive)
    archive.add_argument("--to", type="path", default="build", metavar="FOLDER", help="where to write (default: build)")
    archive.add_argument("--everything", action="store_true", help="the intermediate results too")
    _take_json(archive)


def _add_machine(add: _Add) -> None:
    """Add the commands about this machine, its speed and its shell."""
    doctor = add(
        "doctor", commands.doctor, "say whether this machine has what netlens needs, and what mends what it lacks"
    )
    doctor.add_argument(
        "--gpu",
        action="store_true",
        help="compare the GPU with the CPU: a computation, a few numbers of the study, and times",
    )
    _take_study(doctor, "name or file of the study that has to run")
    _take_json(doctor)

    bench = add(
        "bench", commands.bench, "run a benchmark next to the straightforward implementation, or list the benchmarks"
    )
    bench.add_argument("name", nargs="?", metavar="BENCHMARK")
    bench.add_argument(
        "arguments", nargs=argparse.REMAINDER, type="argument", help="the script's own; write folders as ./FOLDER"
    )

    completion = add(
        "completion", commands.completion, "print a script with which bash or zsh completes commands and names"
    )
    completion.add_argument("shell", choices=["bash", "zsh"], help='in bash: eval "$(netlens completion bash)"')


def _add_internal(named: Any) -> None:
    """Add the commands that only rules call; help does not list them."""

    def add(name: str, function: Callable[[argparse.Namespace], int], *required: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = named.add_parser(name)
        parser.set_defaults(command=function)
        for option in required:
            parser.add_argument(option, required=True)
        return parser

    job = add("job", commands.job, "--log")
    job.add_argument("job", help="configured values, as JSON")
    job.add_argument("--files", required=True, help="inputs and outputs of the rule, as JSON")
    job.add_argument("--threads", type=int, default=1)
    add("paper-macros", commands.paper_macros, "--study", "--output")
    add("paper-parts", commands.paper_parts, "--study", "--output")
    add("compile", commands.compile_paper, "--study", "--main", "--output")
