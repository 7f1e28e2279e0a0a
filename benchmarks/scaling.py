"""Time and memory of every heavy rule against images, their size, channels and layers, with the exponent of growth.

    netlens bench scaling FOLDER             # measures: FOLDER gets a copy of the checkout; about half an hour
    netlens bench scaling FOLDER --rules pattern_sums comparison_activations    # only these, and what they read
    netlens bench scaling --write            # writes the tables of docs/SCALING.md from what was measured last
    netlens bench scaling --study demo       # what each rule asks for beside what its jobs used, by their records

The subject is a chain of convolutions with random weights, beside a second one of the same kind, and images of noise.
One of the four sizes grows at a time, and the rules are run by Snakemake, each job in a process of its own. What
is kept (``benchmarks/scaling.json``) is from the records of the jobs: processor time and peak memory of the notebook's
process.

The exponent p is that of ``cost = constant + factor * size**p`` through the three measurements: what every job pays,
such as starting TensorFlow, is in the constant. Where the cost grows by less than a second, or by less than 30 MB, from
the smallest to the largest size, no exponent can be told and the table has a dash.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _checkout_copy import copy_checkout
from scipy.optimize import brentq

KEPT = Path("benchmarks/scaling.json")
PAGE = Path("docs/SCALING.md")
BEGIN, END = "<!-- netlens bench scaling: begin -->", "<!-- netlens bench scaling: end -->"
#: By axis: what grows, the sizes, and what they mean as numbers (of pixels for the size of images).
BASE = {"images": 64, "size_px": 64, "channels": 16, "layers": 6}
AXES: dict[str, tuple[int, int, int]] = {
    "images": (64, 256, 1024),
    "size_px": (64, 128, 224),
    "channels": (16, 32, 64),
    "layers": (6, 12, 24),
}
CLASSES = ("first", "second", "third", "fourth")
HELDOUT_FRACTION = 0.25
#: The rules whose jobs compute; the others draw, or round one number.
RULES = (
    "kernels", "frozen", "evaluation", "pattern_sums", "patterns", "pattern_checks", "attributions", "singular_ratios",
    "spectra", "comparison_activations", "comparison_second_moments", "similarity", "similarity_null",
    "random_weights", "analogies", "analogy_pictures", "network_caricatures", "expanded", "weights_factors",
    "feature_visualizations", "dataset_examples", "circuit_editing", "spatial_maps", "spatial_scores",
    "explanation_checks",
)  # fmt: skip
#: By notebook, what its cost is made of: the number of its largest steps, and the size of each.
BOUNDS = {
    "data/folder": "images decoded",
    "explanation_checks/checks": "explained images x methods x draws, a backward pass each; building the methods",
    "model_comparison/activations": "images x forward pass",
    "model_comparison/analogies": "images x channels², and channels³ for each layer",
    "model_comparison/analogy_pictures": "pictures x steps x forward and backward pass as far as the layer",
    "model_comparison/caricature_image": "one forward pass",
    "model_comparison/caricatures": "layers x steps x forward and backward pass as far as the layer",
    "model_comparison/random_weights": "as `activations` and `similarity_null`",
    "model_comparison/sample": "images listed",
    "model_comparison/second_moments": "images x channels² for pairs of layers",
    "model_comparison/similarity": "pairs of layers x channels³",
    "model_comparison/similarity_null": (
        "pairs of layers x permutations x (images x channels² + images², up to 2,048²)"
    ),
    "models/evaluation": "held-out images x forward pass",
    "models/frozen": "weights; layers built once",
    "models/kernels": "weights; layers built once",
    "pattern_attribution/attributions": "methods built once; a few images x backward pass",
    "pattern_attribution/pattern_checks": "held-out images, at most 2,000, x forward pass",
    "pattern_attribution/pattern_sums": "images x about five forward passes",
    "pattern_attribution/patterns": "weights",
    "pattern_attribution/singular_ratios": "layers x channels³; ten groups of images",
    "pattern_attribution/spectra": "layers x channels³",
    "spatial_attribution/maps": "scenes x positions and layers, a backward pass each",
    "spatial_attribution/scores": "scenes x methods and layers, a backward pass each",
    "weights/analysis": "weights between two layers",
    "weights/circuit_editing": "pictures x steps x forward and backward pass as far as the layer",
    "weights/dataset_examples": "held-out images, at most 512, x forward pass",
    "weights/expanded": "window² x channels² for each layer in between",
    "weights/factors": "window² x channels x units of the row",
    "weights/feature_visualizations": "pictures x steps x forward and backward pass as far as the layer",
}
#: Growth from the smallest to the largest size that is no growth.
LEAST_S, LEAST_MB = 0.3, 30.0
NO_GROWTH = "—"


def write_images(folder: Path, count: int, size_px: int) -> None:
    """Write images of noise: `count` for training and a third as many more that are held out."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
        for number in range(round(count / (1 - HELDOUT_FRACTION) / len(CLASSES))):
            # Large patches, which are no noise to the first layers.
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            image = Image.fromarray(pixels).resize((size_px, size_px), Image.Resampling.BICUBIC)
            image.save(folder / name / f"{number:05}.png")


def write_network(path: Path, size_px: int, channels: int, layers: int, seed: int) -> None:
    """Write a chain of 3x3 convolutions with random weights, three poolings, a mean and one Dense layer."""
    from netlens.models.backend import keras

    keras.utils.set_random_seed(seed)
    image = keras.Input((size_px, size_px, 3), name="image")
    values = image
    for number in range(layers):
        values = keras.layers.Conv2D(
            channels, 3, padding="same", activation="relu", name=f"conv{number + 1}", kernel_initializer="he_normal"
        )(values)
        if (number + 1) % (layers // 3) == 0:
            values = keras.layers.MaxPooling2D(name=f"pool{number + 1}")(values)
    values = keras.layers.GlobalAveragePooling2D(name="mean")(values)
    keras.Model(image, keras.layers.Dense(len(CLASSES), name="logits")(values)).save(path)


def study_of(name: str, size_px: int) -> dict[str, Any]:
    """Settings of the study of one variant; few steps and methods, whose number only multiplies the cost."""
    network = {"kind": "file", "images": "noise", "class_names": f"scaling/{name}/names.txt"}
    return {
        "study": name,
        "title": name,
        "images_are": "noise",
        "images": {
            "noise": {
                "kind": "folder", "folder": f"scaling/{name}/images", "size_px": [size_px, size_px],
                "heldout_fraction": HELDOUT_FRACTION,
            }
        },
        "networks": {
            which: network | {"file": f"scaling/{name}/{which}.h5", "preprocessing": "tf"}
            for which in ("main", "beside")
        },
        "pattern_attribution": {"network": "main", "shards_count": 1},
        "model_comparison": {
            "shards_count": 1, "layers_count": 0, "picture_steps_count": 8, "caricature_steps_count": 4,
            "positions_per_image_count": 4, "null_permutations_count": 19,
        },
        "weights": {"picture_steps_count": 8, "row_units_count": 4},
        "explanation_checks": {
            "networks": ["main"], "methods": ["gradient", "lrp_epsilon", "pattern_attribution"], "entries_count": 1,
            "shares_count": 2, "random_orders_count": 1, "cascade_steps_count": 1, "smooth_copies_count": 2,
            "chains_count": 4,
        },
    }  # fmt: skip


def variants() -> list[dict[str, int]]:
    """All sizes that are measured; the smallest of all axes is the same one."""
    found = [BASE]
    for axis, sizes in AXES.items():
        found += [BASE | {axis: size} for size in sizes[1:]]
    return found


def name_of(variant: Mapping[str, int]) -> str:
    """Name of a variant's study."""
    return "scaling_" + "_".join(str(variant[axis]) for axis in AXES)


def measure(folder: Path, rules: Sequence[str]) -> None:
    """Run the rules for each variant, and keep the costs of all of them."""
    from netlens.workflow.preloaded import templates

    if not folder.exists():
        copy_checkout(folder)
    environment = {**os.environ, "PYTHONPATH": str((folder / "src").resolve()), "NETLENS_DEVICE": "cpu"}
    # What an interrupted measurement has finished is not measured again.
    finished = folder / "scaling" / "costs.json"
    costs = json.loads(finished.read_text(encoding="utf-8")) if finished.exists() else []
    targets: list[str] = []
    warm = False
    with templates() as variables:
        environment |= variables
        for variant in variants():
            name = name_of(variant)
            if any(entry["variant"] == variant for entry in costs):
                continue
            if not (folder / "scaling" / name).exists():
                prepare(folder, variant)
            # All studies have the same files, but for the name of the study in their paths.
            targets = targets or outputs_of(rules, name, folder, environment)
            targets = [re.sub(r"scaling(_\d+){4}", name, path) for path in targets]
            # The first jobs of each kind import their libraries; all others are forked from a process that has.
            for _ in range(1 if warm else 2):
                shutil.rmtree(folder / "results" / name, ignore_errors=True)
                done = snakemake([*targets, "--keep-going"], name, folder, environment)
                if done.returncode:
                    told = [line for line in done.stderr.splitlines() if line.startswith("netlens: error")]
                    raise SystemExit("\n".join(told) or done.stderr[-2000:])
            warm = True
            costs.append({"variant": variant, "rules": costs_of(folder / "results" / name)})
            finished.write_text(json.dumps(costs), encoding="utf-8")
            KEPT.write_text(json.dumps(costs, indent=1) + "\n", encoding="utf-8")
            print(f"{name}: {len(costs[-1]['rules'])} notebooks", flush=True)


def prepare(folder: Path, variant: Mapping[str, int]) -> None:
    """Write the images, the networks and the study of a variant."""
    import yaml

    name = name_of(variant)
    own = folder / "scaling" / name
    write_images(own / "images", variant["images"], variant["size_px"])
    for seed, which in enumerate(("main", "beside")):
        write_network(own / f"{which}.h5", variant["size_px"], variant["channels"], variant["layers"], seed)
    (own / "names.txt").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")
    settings = yaml.safe_dump(study_of(name, variant["size_px"]), sort_keys=False)
    (folder / "config" / f"{name}.yaml").write_text(settings, encoding="utf-8")


def snakemake(
    arguments: Sequence[str], study: str, folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in the copy of the checkout, one job at a time."""
    command = [sys.executable, "-m", "snakemake", *arguments, "--cores", "1", "--nocolor", "--config", f"study={study}"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def outputs_of(rules: Sequence[str], study: str, folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Return a file of each job of some rules; by name, only rules without wildcards could be asked for."""
    from netlens.workflow.planned_jobs import jobs_of_dry_run

    done = snakemake(["all", "--dry-run", "--forceall", "--printshellcmds"], study, folder, environment)
    told = done.stdout + done.stderr
    found = [job.outputs[0] for job in jobs_of_dry_run(told.splitlines()) if job.rule in rules]
    if done.returncode or not found:
        raise SystemExit(f"Snakemake plans no job of these rules:\n{told[-2000:]}")
    return found


def costs_of(results: Path) -> dict[str, list[float]]:
    """Processor time in seconds and peak memory in MB of the costliest job of each notebook, by the records."""
    found: dict[str, list[float]] = {}
    for path in sorted(results.rglob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            notebook = record["notebook"]["path"].removeprefix("notebooks/").removesuffix(".ipynb")
            cost = (record["processor_s"], record["peak_memory_mb"])
        except (ValueError, KeyError, TypeError):
            continue
        found[notebook] = [max(pair) for pair in zip(found.get(notebook, (0, 0)), cost, strict=True)]
    return found


def exponent(sizes: Sequence[float], costs: Sequence[float], least: float) -> float | None:
    """Exponent p of ``constant + factor * size**p`` through three points; None if the cost hardly grows."""
    first, middle, last = costs
    if last - first < least:
        return None
    if middle - first < least / 8:
        # All of the growth is in the last step.
        middle = first + least / 8
    ratio = (last - middle) / (middle - first)

    def difference(p: float) -> float:
        small, medium, large = (size**p for size in np.divide(sizes, sizes[0]))
        return (large - medium) / (medium - small) - ratio

    low, high = 1e-3, 6.0
    if difference(low) > 0:
        return 0.0
    return float(brentq(difference, low, high)) if difference(high) > 0 else high


def tables(costs: Sequence[Mapping[str, Any]]) -> str:
    """Tables of time and of memory, in Markdown."""
    by_name = {name_of(entry["variant"]): entry["rules"] for entry in costs}
    notebooks = sorted({notebook for rules in by_name.values() for notebook in rules})
    unknown = [notebook for notebook in notebooks if notebook not in BOUNDS]
    if unknown:
        raise SystemExit(f"what bounds {', '.join(unknown)} is not told: add it to BOUNDS")
    lines = []
    for number, (what, unit, least) in enumerate((("Processor time", "s", LEAST_S), ("Peak memory", "MB", LEAST_MB))):
        heads = [f"{axis.removesuffix('_px')} {' / '.join(map(str, sizes))}" for axis, sizes in AXES.items()]
        heads += ["made of"] if unit == "s" else []
        lines += [f"**{what} in {unit}**, and the exponent of its growth", ""]
        lines += [f"| notebook | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
        flat = []
        for notebook in notebooks:
            name = notebook.rpartition("/")[2]
            costs_of_one = {study: rules[notebook][number] for study, rules in by_name.items() if notebook in rules}
            cells = [growth(axis, costs_of_one, least, digits=1 - number) for axis in AXES]
            if all(cell.endswith(f"({NO_GROWTH})") for cell in cells):
                flat.append(f"`{name}` ({max(costs_of_one.values()):.{1 - number}f})")
                continue
            cells += [BOUNDS[notebook]] if unit == "s" else []
            lines.append(f"| `{name}` | {' | '.join(cells)} |")
        if flat:
            lines += ["", f"No growth by {least:g} {unit}, with the largest of all sizes: {', '.join(flat)}."]
        lines.append("")
    return "\n".join(lines).rstrip()


def growth(axis: str, costs: Mapping[str, float], least: float, *, digits: int) -> str:
    """Costs of one notebook at the three sizes of an axis, by variant, with the exponent."""
    names = [name_of(BASE | {axis: size}) for size in AXES[axis]]
    if not all(name in costs for name in names):
        return "not measured"
    own = [costs[name] for name in names]
    sizes = [size**2 for size in AXES[axis]] if axis == "size_px" else AXES[axis]
    p = exponent(sizes, own, least)
    return f"{' / '.join(f'{cost:.{digits}f}' for cost in own)} ({NO_GROWTH if p is None else f'{p:.1f}'})"


def compare(study: str) -> bool:
    """Print what the costliest job of each notebook took, beside what it asks for; whether no job has used more."""
    from netlens.cli.cost import records_here
    from netlens.workflow.planned_jobs import planned_jobs

    records = records_here(study)
    rows: dict[str, tuple[float, int, float]] = {}
    for job in planned_jobs(study, ["all"], everything=True):
        record = records.get(job.key)
        if record is not None and job.memory_mb:
            notebook = job.notebook.removeprefix("notebooks/").removesuffix(".ipynb")
            used, asked, seconds = rows.get(notebook, (0.0, job.memory_mb, 0.0))
            rows[notebook] = (
                max(used, record.fields["peak_memory_mb"]),
                max(asked, job.memory_mb),
                max(seconds, record.fields["processor_s"]),
            )
    print("| notebook | processor, s | peak, MB | asked for, MB | ratio |\n|---|---|---|---|---|")
    for notebook, (used, asked, seconds) in sorted(rows.items(), key=lambda row: -row[1][0]):
        print(f"| `{notebook}` | {seconds:.0f} | {used:,.0f} | {asked:,} | {asked / used:.1f} |")
    ratios = [asked / used for used, asked, _ in rows.values()]
    print(f"\n{len(rows)} notebooks; asked for {min(ratios):.1f} to {max(ratios):.1f} times what was used")
    return min(ratios) >= 1


def kept_costs() -> list[dict[str, Any]]:
    """Return what the last measurement kept."""
    if not KEPT.exists():
        raise SystemExit(f"{KEPT}: nothing has been measured yet; measure first: netlens bench scaling FOLDER")
    costs: list[dict[str, Any]] = json.loads(KEPT.read_text(encoding="utf-8"))
    return costs


def written(page: str, made: str) -> str:
    """Return a page with the tables between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"{PAGE}: the marks {BEGIN} and {END} are missing")
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--rules", nargs="+", default=RULES)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--study")
    parsed = parser.parse_args(arguments)
    if parsed.folder:
        measure(parsed.folder, parsed.rules)
    if parsed.write:
        made = written(PAGE.read_text(encoding="utf-8"), tables(kept_costs()))
        PAGE.write_text(made, encoding="utf-8")
    if not parsed.write and not parsed.study:
        print(tables(kept_costs()))
    if parsed.study:
        return 0 if compare(parsed.study) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
