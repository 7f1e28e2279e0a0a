"""The command line: a thin layer over Snakemake.

Each command is a function of its parsed arguments that returns an exit status. It imports what it needs when it is
called, so that ``netlens list`` does not wait for what only ``netlens run`` uses.
"""

import argparse
import difflib
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir, suppress
from pathlib import Path
from typing import Any, NoReturn

from netlens import __version__
from netlens.cli.place import Place
from netlens.workflow.catalogue import SECTIONS
from netlens.workflow.errors import UserError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one ``netlens`` command, in the root of the checkout that holds the working directory.

    Returns
    -------
    int
        0 on success, 1 if a job failed, 2 for a mistake of the user, 128 and the number of the signal if interrupted.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        # So that processes that it has started end too. What the user ignores, as `nohup` does, stays ignored.
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _end)
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        place = Place.of(Path.cwd())
        parser, commands, shown = _parser(place)
        if given and not given[0].startswith("-") and given[0] not in commands:
            raise UserError(_unknown_command(given[0], shown))
        parsed, unknown = parser.parse_known_args(given)
        if unknown:
            name = next((word for word in given if word in commands), "")
            raise UserError(_unknown_argument(unknown[0], f"netlens {name}".strip(), commands.get(name, parser)))
        command: Callable[[argparse.Namespace], int] = parsed.command
        with chdir(place.root):
            return command(parsed)
    except UserError as error:
        for line in str(error).splitlines():
            print(f"netlens: error: {line}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("netlens: error: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1


def _end(number: int, _frame: object) -> None:
    # The terminal may be gone.
    with suppress(OSError):
        print("netlens: error: interrupted", file=sys.stderr)
    raise SystemExit(128 + number)


class _OneLineParser(argparse.ArgumentParser):
    """Parser that tells a mistake in one line, like every other."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong with the arguments."""
        raise UserError(f"{message}; `{self.prog} --help` says what can be written")


def _unknown_argument(given: str, name: str, command: argparse.ArgumentParser) -> str:
    near = difflib.get_close_matches(given.partition("=")[0], command._option_string_actions, n=2, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else f"`{name} --help` says what can be written"
    return f"{name} takes no {given}; {hint}"


def _unknown_command(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=2, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else "`netlens --help` lists all commands"
    return f"there is no command {name!r}; {hint}"


def _parser(place: Place) -> tuple[argparse.ArgumentParser, Mapping[str, argparse.ArgumentParser], list[str]]:
    """Parser of the command line, the parsers of all commands, and the names of those that users give."""
    parser = _OneLineParser(
        prog="netlens", description="Looking inside image classifiers: a reproducible paper artifact."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, function: Callable[[argparse.Namespace], int], words: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=words, description=words)
        command.set_defaults(command=function)
        return _with_types(command, place)

    _add_listing(add)
    _add_building(add)
    _add_review(add)
    _add_cache(add, place)

    doctor = add("doctor", _doctor, "say whether this machine has what netlens needs, and what mends what it lacks")
    doctor.add_argument(
        "--gpu",
        action="store_true",
        help="compare the GPU with the CPU: a computation, a few numbers of the study, and times",
    )
    doctor.add_argument(
        "--study", type="study", default="demo", help="name or file of the study that has to run (default: demo)"
    )
    doctor.add_argument("--json", action="store_true", help="print plain data")

    gallery = add(
        "gallery", _gallery, "put figures, numbers and claims of a study into the README (chosen in docs/gallery.yaml)"
    )
    gallery.add_argument("--study", type="study", default="demo", help="name or file of a study (default: demo)")

    bench = add("bench", _bench, "run a benchmark next to the straightforward implementation, or list the benchmarks")
    bench.add_argument("name", nargs="?", metavar="BENCHMARK")
    bench.add_argument(
        "arguments", nargs=argparse.REMAINDER, type="argument", help="the script's own; write folders as ./FOLDER"
    )

    completion = add("completion", _completion, "print a script with which bash or zsh completes commands and names")
    completion.add_argument("shell", choices=["bash", "zsh"], help='in bash: eval "$(netlens completion bash)"')
    names = list(commands.choices)
    _add_internal(commands)
    return parser, commands.choices, names


def _with_types(parser: argparse.ArgumentParser, place: Place) -> argparse.ArgumentParser:
    """Let a parser know the kinds of arguments that are paths."""
    for name, convert in place.types().items():
        parser.register("type", name, convert)
    return parser


def _add_building(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the commands that make something."""
    for name, function, words in (
        ("run", _run, "make the named items, or everything"),
        ("paper", _paper, "make everything and the paper's PDF"),
    ):
        command = add(name, function, words)
        if name == "run":
            command.add_argument("items", nargs="*", metavar="ITEM", help="names as `netlens list` prints them")
            command.add_argument(
                "--force", action="store_true", help="make the named items even if they are up to date"
            )
        else:
            command.add_argument(
                "--draft",
                action="store_true",
                help="write paper/STUDY-draft.pdf, with what is edited or stale in red boxes",
            )
            command.add_argument("--yes", action="store_true", help="do not ask before a run of more than an hour")
        command.add_argument(
            "--cache",
            type="source",
            metavar="SOURCE",
            help="take intermediate results from here, as `netlens cache import` does",
        )
        command.add_argument("--dry-run", action="store_true", help="list the jobs that would run, and why")
        command.add_argument(
            "--keep-going", action="store_true", help="after a failure, go on with what does not need it"
        )
        command.add_argument("--study", type="study", default="demo", help="name or file of a study (default: demo)")
        command.add_argument("--cores", default="all", help="number of cores to use (default: all)")

    site = add("site", _site, "make the supplement, site/STUDY/, of what has been made so far")
    site.add_argument("--study", type="study", default="demo", help="name or file of a study (default: demo)")

    new = add("new", _new, "write the study of a network and a folder of images, after looking at both")
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

    notebook = add("notebook", _notebook, "run a single notebook, with its own defaults")
    notebook.add_argument("notebook", type="path")
    notebook.add_argument(
        "--set", type="setting", action="append", default=[], metavar="NAME=VALUE", help="a parameter, as YAML"
    )
    notebook.add_argument("--stem", type="path", help="path of the output, without suffix")
    notebook.add_argument("--log", type="path", help="path of the executed notebook (default: in results/tried/)")


def _add_internal(commands: Any) -> None:
    """Add the commands that only rules call; help does not list them."""

    def command(name: str, function: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = commands.add_parser(name)
        parser.set_defaults(command=function)
        return parser

    job = command("job", _job)
    job.add_argument("job", help="configured values, as JSON")
    job.add_argument("--files", required=True, help="inputs and outputs of the rule, as JSON")
    job.add_argument("--log", required=True)
    job.add_argument("--threads", type=int, default=1)

    macros = command("paper-macros", _paper_macros)
    macros.add_argument("--study", required=True)
    macros.add_argument("--output", required=True)

    parts = command("paper-parts", _paper_parts)
    parts.add_argument("--study", required=True)
    parts.add_argument("--output", required=True)

    compile_command = command("compile", _compile)
    compile_command.add_argument("--study", required=True)
    compile_command.add_argument("--main", required=True)
    compile_command.add_argument("--output", required=True)


def _add_listing(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the commands that say what there is."""
    listing = add("list", _list, "list every figure, macro and page, what it shows, and whether it has been made")
    listing.add_argument("--study", type="study", default="demo", help="name or file of a study (default: demo)")
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
    listing.add_argument("--json", action="store_true", help="print plain data")

    why = add("why", _why, "say why items are missing, stale, edited or absent: which file or module has changed")
    why.add_argument("items", nargs="*", metavar="ITEM", help="names as `netlens list` prints them (default: all)")
    why.add_argument("--study", type="study", default="demo", help="name or file of a study (default: demo)")
    why.add_argument("--json", action="store_true", help="print plain data")

    explain = add(
        "explain", _explain, "say where an item comes from: value, notebook, parameters, inputs, code, machine"
    )
    explain.add_argument("item", metavar="ITEM", help="a name as `netlens list` prints it")
    explain.add_argument("--diff", action="store_true", help="what differs from the published version in reference/")
    explain.add_argument("--study", type="study", default="demo", help="name or file of a study (default: demo)")
    explain.add_argument("--json", action="store_true", help="print plain data")

    cost = add("cost", _cost, "say what the jobs that would run cost: time, memory and disk, and where that is from")
    cost.add_argument("items", nargs="*", metavar="ITEM", help="names as `netlens list` prints them (default: all)")
    cost.add_argument("--study", type="study", default="demo", help="name or file of a study (default: demo)")
    cost.add_argument("--cores", default="all", help="number of cores to use (default: all)")
    cost.add_argument("--all", action="store_true", help="a line for each job")
    cost.add_argument("--json", action="store_true", help="print plain data")


def _add_review(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the commands that compare a study with what it published."""
    verify = add("verify", _verify, "compare what has been made with what was published, and judge the paper's claims")
    verify.add_argument("items", nargs="*", metavar="ITEM", help="names as `netlens list` prints them (default: all)")
    verify.add_argument("--study", type="study", default="demo", help="name or file of a study (default: demo)")
    verify.add_argument("--json", action="store_true", help="print plain data, with the distance of every part")
    verify.add_argument("--all", action="store_true", help="a line also for each item that is identical")
    verify.add_argument(
        "--html", type="path", metavar="FILE", help="write a page with published and new pictures side by side"
    )
    verify.add_argument("--junit", type="path", metavar="FILE", help="write JUnit's XML")

    spread = add("spread", _spread, "measure how far reruns under other settings are from what is published")
    spread.add_argument(
        "folders", type="path", nargs="+", metavar="FOLDER", help="a checkout in which the study was run"
    )
    spread.add_argument("--study", type="study", default="demo", help="name or file of a study (default: demo)")
    spread.add_argument("--all", action="store_true", help="a line for each part that deviates")
    spread.add_argument("--json", action="store_true", help="print plain data")

    diff = add("diff", _diff, "say which published numbers and figures changed since a revision, and by how much")
    diff.add_argument("revision", metavar="REV", help="a commit, tag or branch of git")
    diff.add_argument("--study", type="study", default="demo", help="name or file of a study (default: demo)")
    diff.add_argument("--pdf", action="store_true", help="compile the paper with red boxes around what changed")
    diff.add_argument("--json", action="store_true", help="print plain data")

    accept = add("accept", _accept, "publish items as they have been made, for `netlens verify` to compare with")
    accept.add_argument("items", nargs="*", metavar="ITEM", help="names as `netlens list` prints them")
    accept.add_argument("--all", action="store_true", help="every item of the study")
    accept.add_argument("--reason", required=True, help="why the published values change; kept with them")
    accept.add_argument("--study", type="study", default="demo", help="name or file of a study (default: demo)")
    accept.add_argument("--json", action="store_true", help="print plain data")


def _add_cache(add: Callable[..., argparse.ArgumentParser], place: Place) -> None:
    """Add the command for results that are kept."""
    cache = add("cache", _cache, "keep the intermediate results of a study for others, or take those of others")
    actions = cache.add_subparsers(required=True, metavar="ACTION", dest="action")
    export = _with_types(actions.add_parser("export", help="keep all intermediate results in a folder or zip"), place)
    export.add_argument("target", type="path", metavar="FOLDER_OR_ZIP")
    export.add_argument("--study", type="study", default="demo", help="name or file of a study (default: demo)")
    take = _with_types(
        actions.add_parser("import", help="let the next runs take results from a folder, a zip, or an address of one"),
        place,
    )
    take.add_argument("source", type="source", metavar="SOURCE")
    take.add_argument("--sha256", help="what the zip behind an address must be")
    clear = actions.add_parser("clear", help="forget all kept results")
    for action in (export, take, clear):
        action.add_argument("--json", action="store_true", help="print plain data")

    archive = add(
        "archive", _archive, "write a study with its results as one RO-Crate, and its paper's sources for arXiv"
    )
    archive.add_argument("--study", type="study", default="demo", help="name or file of a study (default: demo)")
    archive.add_argument("--to", type="path", default="build", metavar="FOLDER", help="where to write (default: build)")
    archive.add_argument("--everything", action="store_true", help="the intermediate results too")
    archive.add_argument("--json", action="store_true", help="print plain data")


def _list(parsed: argparse.Namespace) -> int:
    from netlens.cli import listing

    return listing.print_items(
        parsed.study, states=parsed.state, sections=parsed.section, kinds=parsed.kind, as_json=parsed.json
    )


def _why(parsed: argparse.Namespace) -> int:
    from netlens.cli import listing

    return listing.print_reasons(parsed.study, parsed.items, as_json=parsed.json)


def _explain(parsed: argparse.Namespace) -> int:
    from netlens.cli import explain

    return explain.explain_item(parsed.study, parsed.item, diff=parsed.diff, as_json=parsed.json)


def _cost(parsed: argparse.Namespace) -> int:
    from netlens.cli import cost

    return cost.print_costs(parsed.study, parsed.items, parsed.cores, everything=parsed.all, as_json=parsed.json)


def _new(parsed: argparse.Namespace) -> int:
    from netlens.cli import new
    from netlens.workflow.new_study import Wishes

    return new.new_study(
        Wishes(
            name=parsed.name,
            network=parsed.network,
            images=parsed.images,
            title=parsed.title,
            images_are=parsed.images_are,
            preprocessing=parsed.preprocessing,
            size_px=tuple(parsed.size_px) if parsed.size_px else None,
            class_names=parsed.class_names,
        )
    )


def _cache(parsed: argparse.Namespace) -> int:
    from netlens.cli import cache

    if parsed.action == "export":
        return cache.export_results(parsed.study, parsed.target, as_json=parsed.json)
    if parsed.action == "import":
        return cache.import_results(parsed.source, parsed.sha256, as_json=parsed.json)
    return cache.clear_results(as_json=parsed.json)


def _archive(parsed: argparse.Namespace) -> int:
    from netlens.cli import archive

    return archive.archive_study(parsed.study, parsed.to, everything=parsed.everything, as_json=parsed.json)


def _take_kept(source: str | None) -> None:
    if source is not None:
        from netlens.cli import cache

        cache.import_results(source)


def _run(parsed: argparse.Namespace) -> int:
    from netlens.cli import build

    _take_kept(None if parsed.dry_run else parsed.cache)
    return build.run_items(parsed.study, parsed.items, _wishes(parsed), force=parsed.force)


def _paper(parsed: argparse.Namespace) -> int:
    from netlens.cli import build

    _take_kept(None if parsed.dry_run else parsed.cache)
    return build.make_paper(parsed.study, _wishes(parsed), draft=parsed.draft, yes=parsed.yes)


def _wishes(parsed: argparse.Namespace) -> Any:
    from netlens.cli.build import Wishes

    return Wishes(parsed.cores, keep_going=parsed.keep_going, dry_run=parsed.dry_run)


def _site(parsed: argparse.Namespace) -> int:
    from netlens.cli import build

    return build.make_site(parsed.study)


def _notebook(parsed: argparse.Namespace) -> int:
    from netlens.cli import jobs

    return jobs.try_notebook(parsed.notebook, parsed.set, parsed.stem, parsed.log)


def _job(parsed: argparse.Namespace) -> int:
    from netlens.cli import jobs

    return jobs.run_job(parsed.job, parsed.files, parsed.log, parsed.threads)


def _paper_macros(parsed: argparse.Namespace) -> int:
    from netlens.cli import jobs

    return jobs.write_macro_list(parsed.study, parsed.output)


def _paper_parts(parsed: argparse.Namespace) -> int:
    from netlens.cli import jobs

    return jobs.write_paper_parts(parsed.study, parsed.output)


def _compile(parsed: argparse.Namespace) -> int:
    from netlens.cli import jobs

    return jobs.compile_paper(parsed.study, parsed.main, parsed.output)


def _verify(parsed: argparse.Namespace) -> int:
    from netlens.cli import verify

    return verify.verify_items(
        parsed.study, parsed.items, as_json=parsed.json, everything=parsed.all, html=parsed.html, junit=parsed.junit
    )


def _spread(parsed: argparse.Namespace) -> int:
    from netlens.cli import spread

    return spread.measure_spread(parsed.study, parsed.folders, everything=parsed.all, as_json=parsed.json)


def _diff(parsed: argparse.Namespace) -> int:
    from netlens.cli import diff

    return diff.print_changes(parsed.study, parsed.revision, as_json=parsed.json, pdf=parsed.pdf)


def _accept(parsed: argparse.Namespace) -> int:
    from netlens.cli import accept

    return accept.accept_items(parsed.study, parsed.items, parsed.reason, everything=parsed.all, as_json=parsed.json)


def _doctor(parsed: argparse.Namespace) -> int:
    from netlens.cli import doctor

    return doctor.print_findings(parsed.study, gpu=parsed.gpu, as_json=parsed.json)


def _gallery(parsed: argparse.Namespace) -> int:
    import yaml

    from netlens.review.claims_table import markdown_claims
    from netlens.workflow import gallery
    from netlens.workflow.study import load_study

    if not Path("docs/gallery.yaml").is_file():
        raise UserError("there is no docs/gallery.yaml here; run `netlens gallery` in the checkout or a folder of it")
    chosen = yaml.safe_load(Path("docs/gallery.yaml").read_text(encoding="utf-8"))
    claims = markdown_claims(parsed.study)
    gallery.update(load_study(parsed.study)["study"], Path("README.md"), Path("docs/gallery"), **chosen, claims=claims)
    return 0


def _bench(parsed: argparse.Namespace) -> int:
    from netlens.cli import bench

    return bench.run_benchmark(parsed.name, parsed.arguments)


def _completion(parsed: argparse.Namespace) -> int:
    from netlens.cli import completion

    print(completion.script(_parser(Place.of(Path.cwd()))[0], parsed.shell))
    return 0
