"""Images a second of processor that pattern sums take in from JPEG files, what shards cost, and ImageNet from that.

    netlens bench throughput                                    # measures: about four minutes of one core
    netlens bench throughput --kept --dollars-per-core-hour 0.05 --write    # table of docs/SCALING.md, from the last

The network is SqueezeNet with its published weights at 224 x 224 pixels; the sums are those for all estimators, as in a
study. The files are crops of the photographs in the environment, of ImageNet's usual size, read by the code that
studies read folders with. Each measurement runs in a process of its own, in turns; times are processor seconds of all
its threads, of which others on the machine take nothing. Importing TensorFlow counts, as it does for a shard.

The floor of the sums is the forward pass and the kernel gradients, each of which multiplies and adds as often as a
forward pass: three for all estimators, so 4 passes, and two for `relu` alone, so 3. Both are compared with a forward
pass on the same images, in memory and preprocessed, after two batches that are not timed: the first of them prepares
the graph.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PAGE, KEPT = Path("docs/SCALING.md"), Path("benchmarks/throughput.json")
BEGIN, END = "<!-- netlens bench throughput: begin -->", "<!-- netlens bench throughput: end -->"
BATCH, SIZE_PX, UNTIMED = 8, 224, 2
FILE_PX, FILES, QUALITY = (500, 375), 32, 90
IMAGENET, SHARDS = 1_281_167, (8, 64, 256)
PARTS, DOLLARS = 4, 0.05
LEAST_RATIO_SHARDS, MOST_PASSES = 1.1, 4.0


def write_files(folder: Path) -> float:
    """Write the JPEG files, and return their mean size in kilobytes."""
    import numpy as np
    from PIL import Image

    from netlens.images.photos import read_photograph

    photographs = [
        read_photograph(name) for name in ("chelsea", "coffee", "motorcycle", "rocket", "china", "astronaut")
    ]
    rng = np.random.default_rng(0)
    for number in range(FILES):
        image = Image.fromarray(photographs[number % len(photographs)])
        side = rng.uniform(0.6, 1)
        width = side * min(image.width, image.height * FILE_PX[0] / FILE_PX[1])
        height = width * FILE_PX[1] / FILE_PX[0]
        left, top = rng.uniform(0, image.width - width), rng.uniform(0, image.height - height)
        part = image.resize(FILE_PX, Image.Resampling.BICUBIC, (left, top, left + width, top + height))
        part.save(folder / f"{number}.jpg", quality=QUALITY)
    return sum(path.stat().st_size for path in folder.iterdir()) / FILES / 1000


def images_of(folder: str, count: int) -> Any:
    """Return `count` images that are decoded when they are used, from the files over and over."""
    from netlens.images.decoding import Framing
    from netlens.images.lazy_images import LazyImages

    return LazyImages(folder, [f"{number % FILES}.jpg" for number in range(count)], Framing(SIZE_PX, SIZE_PX, 256))


def squeezenet() -> tuple[Any, Any]:
    """Return the model and its preprocessing."""
    from netlens.models.loading import load_network

    network = load_network({"kind": "pretrained", "published": "squeezenet", "size_px": [SIZE_PX, SIZE_PX]})
    return network.model, network.preprocess


def decoded(folder: str, count: int) -> dict[str, float]:
    """Decode images, and do nothing with them."""
    images = images_of(folder, count)
    started = time.process_time()
    for start in range(0, count, BATCH):
        images[start : start + BATCH]
    return {"processor_s": time.process_time() - started}


def forward(folder: str, count: int) -> dict[str, float]:
    """Run the network on images that are in memory."""
    from netlens.pattern_attribution.patterns.network_graph import network_graph

    model, preprocess = squeezenet()
    inputs = preprocess(images_of(folder, BATCH)[:])
    with network_graph(model) as graph:
        for _ in range(UNTIMED):
            graph.session.run(graph.outputs, {graph.images: inputs})
        started = time.process_time()
        for _ in range(count // BATCH):
            graph.session.run(graph.outputs, {graph.images: inputs})
    return {"processor_s": time.process_time() - started}


def sums(
    folder: str, count: int, shards: Sequence[int], parts: int, estimators: Sequence[str] | None = None
) -> dict[str, float]:
    """Sum some of the shards, and return the processor time of the batches that are timed, and of all.

    With `estimators`, the sums are those for them, of images in memory.
    """
    import numpy as np

    from netlens.pattern_attribution.patterns.accumulation import sums_by_shard
    from netlens.pattern_attribution.patterns.statistics import ESTIMATORS

    model, preprocess = squeezenet()
    images = images_of(folder, count)
    if estimators:
        images = np.tile(preprocess(images[:BATCH]), (count // BATCH, 1, 1, 1))
    times = []

    def noted(batch: Any) -> Any:
        times.append(time.process_time())
        return batch if estimators else preprocess(batch)

    for _ in sums_by_shard(
        model,
        images,
        shards,
        parts,
        estimators=estimators or ESTIMATORS,
        preprocess=noted,
        batch_size=BATCH,
        progress=False,
    ):
        pass
    # A batch is read before the one before it is run.
    first = UNTIMED + 1
    steady = {"steady_s": times[-1] - times[first], "steady_images": BATCH * (len(times) - 1 - first)}
    return {**steady, "whole_s": time.process_time()}


MEASUREMENTS = {"decoded": decoded, "forward": forward, "sums": sums}


def apart(*arguments: Any) -> dict[str, float]:
    """Run a measurement in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--measure", json.dumps(arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{arguments} failed:\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measured(count: int, rounds: int) -> dict[str, float]:
    """Return processor seconds: for an image of each kind of work, and of whole jobs."""
    from netlens.pattern_attribution.patterns.statistics import ESTIMATORS

    best: dict[str, float] = {}

    def keep(name: str, value: float) -> None:
        best[name] = min(best.get(name, value), value)

    with TemporaryDirectory() as folder:
        kilobytes = write_files(Path(folder))
        for _ in range(rounds):
            keep("decode", apart("decoded", folder, count)["processor_s"] / count)
            keep("forward", apart("forward", folder, count)["processor_s"] / count)
            for name, estimators in (("sums", ESTIMATORS), ("sums, relu", ("relu",))):
                in_memory = apart("sums", folder, count, [1], 1, estimators)
                keep(name, in_memory["steady_s"] / in_memory["steady_images"])
            read = apart("sums", folder, count, [1], 1)
            keep("sums, decoded", read["steady_s"] / read["steady_images"])
            keep("one job", read["whole_s"])
            shards = [apart("sums", folder, count, [part], PARTS)["whole_s"] for part in range(1, PARTS + 1)]
            keep("four jobs", sum(shards))
    return {**best, "count": count, "kilobytes": kilobytes}


def table(found: dict[str, float], dollars: float) -> str:
    """Return what is written into the page."""
    start_s = max((found["four jobs"] - found["one job"]) / (PARTS - 1), 0.0)
    image_s = found["sums, decoded"]
    passes = {name: f"{found[name] / found['forward']:.1f} forward passes" for name in ("sums", "sums, relu")}
    ms = {name: f"{1e3 * found[name]:.1f} ms" for name in ("decode", "forward", "sums", "sums, relu")}
    lines = [
        f"SqueezeNet at {SIZE_PX} x {SIZE_PX} pixels, from JPEG files of {found['kilobytes']:.0f} KB, in processor "
        f"time an image: decoding takes {ms['decode']}, a forward pass {ms['forward']}, the sums for all estimators "
        f"{ms['sums']}, which is {passes['sums']} (their multiplications alone are 4), and for `relu`, PatternNet's, "
        f"alone {ms['sums, relu']}, which is {passes['sums, relu']} (multiplications alone: 3). Decoded and summed for "
        f"all, {1 / image_s:.1f} images a second. A job takes {start_s:.1f} s to start and to end, so that {PARTS} "
        f"shards cost at most a tenth more than one from {break_even(start_s, image_s):,} images on.",
        "",
        f"ImageNet's {IMAGENET:,} training images, each decoded once as a check and once for the sums, at "
        f"{dollars:g} dollars a core-hour (a number to be replaced by yours, `--dollars-per-core-hour`):",
        "",
        "| shards, of a core each | core-hours | hours from start to end | dollars |",
        "|---|---|---|---|",
    ]
    check_h = IMAGENET * found["decode"] / 3600
    for shards in SHARDS:
        sums_h = (IMAGENET * image_s + shards * start_s) / 3600
        whole_h = check_h + sums_h
        lines.append(f"| {shards} | {whole_h:.1f} | {check_h + sums_h / shards:.1f} | {dollars * whole_h:.2f} |")
    lines += ["", "The check of all images is one job, which is in the hours as if it had one core."]
    return "\n".join(lines)


def break_even(start_s: float, image_s: float) -> int:
    """Return from how many images on `PARTS` shards cost at most `LEAST_RATIO_SHARDS` times one."""
    # (PARTS start + count image) = ratio (start + count image)
    count = (PARTS - LEAST_RATIO_SHARDS) * start_s / ((LEAST_RATIO_SHARDS - 1) * image_s)
    return int(-(-count // 100) * 100)


def written(page: str, text: str) -> str:
    """Return a page with the text between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"{PAGE}: the marks {BEGIN} and {END} are missing")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=128, help="a multiple of 32")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--dollars-per-core-hour", type=float, default=DOLLARS)
    parser.add_argument("--kept", action="store_true", help="measure nothing; take what the last measurement kept")
    parser.add_argument("--write", action="store_true", help="write the table of docs/SCALING.md")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    if parsed.measure:
        name, *given = json.loads(parsed.measure)
        print(json.dumps(MEASUREMENTS[name](*given)))
        return 0
    if parsed.kept:
        found = json.loads(KEPT.read_text(encoding="utf-8"))
    else:
        found = {name: round(value, 5) for name, value in measured(parsed.images, parsed.rounds).items()}
        KEPT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    text = table(found, parsed.dollars_per_core_hour)
    print(text)
    if parsed.write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")
    print()
    for name in ("sums", "sums, relu"):
        passes = found[name] / found["forward"]
        print(
            f"{name}: {passes:.2f} forward passes; at most {MOST_PASSES:g}: {'yes' if passes <= MOST_PASSES else 'NO'}"
        )
    return 0 if found["sums"] / found["forward"] <= MOST_PASSES else 1


if __name__ == "__main__":
    sys.exit(main())
