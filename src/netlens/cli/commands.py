"""The commands: each is a function of its parsed arguments that returns an exit status.

It imports what it needs when it is called, so that ``netlens list`` does not wait for what only ``netlens run`` uses.
"""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netlens.cli.build import Wishes


def list_items(parsed: Namespace) -> int:
    """Run ``netlens list``."""
    from netlens.cli.listing import print_items

    return print_items(
        parsed.study, states=parsed.state, sections=parsed.section, kinds=parsed.kind, as_json=parsed.json
    )


def why(parsed: Namespace) -> int:
    """Run ``netlens why``."""
    from netlens.cli.listing import print_reasons

    return print_reasons(parsed.study, parsed.items, as_json=parsed.json)


def explain(parsed: Namespace) -> int:
    """Run ``netlens explain``."""
    from netlens.cli.explain import explain_item

    return explain_item(parsed.study, parsed.item, diff=parsed.diff, as_json=parsed.json)


def cost(parsed: Namespace) -> int:
    """Run ``netlens cost``."""
    from netlens.cli.cost import print_costs

    return print_costs(parsed.study, parsed.items, parsed.cores, everything=parsed.all, as_json=parsed.json)


def run(parsed: Namespace) -> int:
    """Run ``netlens run``."""
    from netlens.cli.build import run_items

    return run_items(parsed.study, parsed.items, _wishes(parsed), force=parsed.force)


def paper(parsed: Namespace) -> int:
    """Run ``netlens paper``."""
    from netlens.cli.build import make_paper

    return make_paper(parsed.study, _wishes(parsed), draft=parsed.draft, yes=parsed.yes)


def _wishes(parsed: Namespace) -> "Wishes":
    """How a run is done; results that it is to take from others are taken first."""
    from netlens.cli.build import Wishes
    from netlens.cli.cache import import_results

    if parsed.cache is not None and not parsed.dry_run:
        import_results(parsed.cache)
    return Wishes(parsed.cores, keep_going=parsed.keep_going, dry_run=parsed.dry_run)


def site(parsed: Namespace) -> int:
    """Run ``netlens site``."""
    from netlens.cli.build import make_site

    return make_site(parsed.study)


def new(parsed: Namespace) -> int:
    """Run ``netlens new``."""
    from netlens.cli.new import new_study
    from netlens.workflow.new_study import Wishes

    return new_study(
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


def notebook(parsed: Namespace) -> int:
    """Run ``netlens notebook``."""
    from netlens.cli.jobs import try_notebook

    return try_notebook(parsed.notebook, parsed.set, parsed.stem, parsed.log)


def verify(parsed: Namespace) -> int:
    """Run ``netlens verify``."""
    from netlens.cli.verify import verify_items

    return verify_items(
        parsed.study, parsed.items, as_json=parsed.json, everything=parsed.all, html=parsed.html, junit=parsed.junit
    )


def spread(parsed: Namespace) -> int:
    """Run ``netlens spread``."""
    from netlens.cli.spread import measure_spread

    return measure_spread(parsed.study, parsed.folders, everything=parsed.all, as_json=parsed.json)


def diff(parsed: Namespace) -> int:
    """Run ``netlens diff``."""
    from netlens.cli.diff import print_changes

    return print_changes(parsed.study, parsed.revision, as_json=parsed.json, pdf=parsed.pdf)


def accept(parsed: Namespace) -> int:
    """Run ``netlens accept``."""
    from netlens.cli.accept import accept_items

    return accept_items(parsed.study, parsed.items, parsed.reason, everything=parsed.all, as_json=parsed.json)


def gallery(parsed: Namespace) -> int:
    """Run ``netlens gallery``."""
    from netlens.cli.gallery import update_gallery

    return update_gallery(parsed.study)


def export_cache(parsed: Namespace) -> int:
    """Run ``netlens cache export``."""
    from netlens.cli.cache import export_results

    return export_results(parsed.study, parsed.target, as_json=parsed.json)


def import_cache(parsed: Namespace) -> int:
    """Run ``netlens cache import``."""
    from netlens.cli.cache import import_results

    return import_results(parsed.source, parsed.sha256, as_json=parsed.json)


def clear_cache(parsed: Namespace) -> int:
    """Run ``netlens cache clear``."""
    from netlens.cli.cache import clear_results

    return clear_results(as_json=parsed.json)


def archive(parsed: Namespace) -> int:
    """Run ``netlens archive``."""
    from netlens.cli.archive import archive_study

    return archive_study(parsed.study, parsed.to, everything=parsed.everything, as_json=parsed.json)


def doctor(parsed: Namespace) -> int:
    """Run ``netlens doctor``."""
    from netlens.cli.doctor import print_findings

    return print_findings(parsed.study, gpu=parsed.gpu, as_json=parsed.json)


def bench(parsed: Namespace) -> int:
    """Run ``netlens bench``."""
    from netlens.cli.bench import run_benchmark

    return run_benchmark(parsed.name, parsed.arguments)


def completion(parsed: Namespace) -> int:
    """Run ``netlens completion``."""
    from netlens.cli.command_line import command_line
    from netlens.cli.completion import script
    from netlens.cli.place import Place

    print(script(command_line(Place.of(Path.cwd())), parsed.shell))
    return 0


def job(parsed: Namespace) -> int:
    """Run ``netlens job``, which rules call."""
    from netlens.cli.jobs import run_job

    return run_job(parsed.job, parsed.files, parsed.log, parsed.threads)


def paper_macros(parsed: Namespace) -> int:
    """Run ``netlens paper-macros``, which rules call."""
    from netlens.cli.jobs import write_macro_list

    return write_macro_list(parsed.study, parsed.output)


def paper_parts(parsed: Namespace) -> int:
    """Run ``netlens paper-parts``, which rules call."""
    from netlens.cli.jobs import write_paper_parts

    return write_paper_parts(parsed.study, parsed.output)


def compile_paper(parsed: Namespace) -> int:
    """Run ``netlens compile``, which rules call."""
    from netlens.cli.jobs import compile_paper as compiled

    return compiled(parsed.study, parsed.main, parsed.output)
