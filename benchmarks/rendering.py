"""Pictures a minute: netlens' batches beside one picture at a time and beside lucid's own render_vis, in the same run.

    netlens bench rendering                                 # three cases, two rounds: about ten minutes of one core
    netlens bench rendering --cases small_inception:64 --pictures 8 --rounds 1
    netlens bench rendering --flat                          # would it save time to stop when the objective is flat?

All ways make the same pictures: of the first units of one layer, with the same steps, coefficients of the same colors
and scale, and the same optimizer. "lucid" is `lucid.optvis.render.render_vis` with its own transformations, a call for
each picture, as in its notebooks; "lucid, one batch" is one call for all of them. "One at a time" is netlens with a
batch of one, so that it builds a graph for each picture. Each way runs in a process of its own, the ways take turns,
and the start of TensorFlow and the reading of the network are not counted. The measure is processor time, of which
another process on the machine takes nothing; wall time is beside it.

"Reached" is how strongly a picture activates its unit, seen without transformations, divided by the same of lucid's
picture: the median over the units. "Own unit" counts the pictures whose nearest picture of lucid, by correlation of
the channels' means at the layer (without what all pictures of one way share), is the one of the same unit.

`--flat` makes the pictures with more and more steps. A picture is flat at a number of steps if a half more of them do
not raise the activation of its unit by more than 2 %. Pictures of a batch share their steps, so that a batch could stop
only when all of its pictures are flat.

The figures of merit: at least 3 times as many pictures a minute of processor as lucid, and 2 times as many as one at a
time, at a reached activation of at least 0.9.
"""

import argparse
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

SPECS: dict[str, dict[str, Any]] = {
    "squeezenet": {"kind": "pretrained", "published": "squeezenet", "size_px": [224, 224]},
    "small_inception": {
        "kind": "named", "architecture": "small_inception", "size_px": 64, "classes_count": 16, "preprocessing": "tf",
    },
}  # fmt: skip
LAYERS = {"squeezenet": "fire5/concat", "small_inception": "mixed4a"}
CASES = ("small_inception:64", "squeezenet:64", "squeezenet:128")
WAYS = ("netlens", "one at a time", "lucid", "lucid, one batch")
STEPS_TRIED, FLAT = (24, 36, 54, 81), 1.02
LEAST_BESIDE_LUCID, LEAST_BESIDE_ONE, LEAST_REACHED = 3.0, 2.0, 0.9
Pictures = NDArray[np.uint8]


def network_of(name: str) -> Any:
    """Return the frozen network of a case."""
    from netlens.models.frozen.graph_files import frozen_network

    return frozen_network(SPECS[name], name=name)


def rendered(way: str, network: Any, requests: Sequence[Any]) -> list[Pictures]:
    """Return the pictures of some units of a layer, made in one of the ways."""
    from netlens.feature_visualization.rendering import render

    if way == "netlens":
        return render(network, requests)
    if way == "one at a time":
        return [picture for request in requests for picture in render(network, [request], batch_size=1)]
    if way == "lucid":
        return [picture for request in requests for picture in by_lucid(network, [request])]
    return by_lucid(network, requests)


def by_lucid(network: Any, requests: Sequence[Any]) -> list[Pictures]:
    """Return the pictures of some units of one layer, made by one call of `render_vis`."""
    from netlens.feature_visualization.lucid_model import lucid_model

    # isort: split
    from lucid.optvis import objectives, transform
    from lucid.optvis.param.color import to_valid_rgb
    from lucid.optvis.param.spatial import fft_image
    from lucid.optvis.render import render_vis

    layer, size_px, steps = (getattr(requests[0], name) for name in ("layer", "size_px", "steps_count"))

    def image() -> Any:
        # The scale of netlens' coefficients; with lucid's, pictures are fainter.
        coefficients = fft_image((len(requests), size_px, size_px, 3), decay_power=1.2)
        return to_valid_rgb(coefficients, decorrelate=True, sigmoid=True)

    units = [int(np.argmax(request.direction)) for request in requests]
    parts = [objectives.channel(layer, unit, batch=place) for place, unit in enumerate(units)]
    # It makes one step more than its last threshold.
    (images,) = render_vis(
        lucid_model(network), sum(parts[1:], parts[0]), image, transforms=transform.standard_transforms,
        thresholds=(steps - 1,), verbose=False,
    )  # fmt: skip
    return [np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8) for picture in images]


def measured(way: str, case: str, count: int, steps: int, target: str) -> dict[str, float]:
    """Make the pictures, keep them, and return what they cost."""
    # Imported here, so that it is not counted below.
    import netlens.feature_visualization.rendering  # noqa: F401
    from netlens.feature_visualization.requests import PictureRequest, channel_direction

    name, size = case.split(":")
    network = network_of(name)
    channels = network.layer(LAYERS[name]).channels
    requests = [
        PictureRequest(LAYERS[name], channel_direction(unit, channels), size_px=int(size), steps_count=steps)
        for unit in range(count)
    ]
    np.random.seed(0)  # noqa: NPY002  lucid draws from it
    wall, processor = time.perf_counter(), time.process_time()
    pictures = rendered(way, network, requests)
    costs = {"wall_s": time.perf_counter() - wall, "processor_s": time.process_time() - processor}
    stacked = np.stack(pictures)
    np.savez(target, pictures=stacked, means=channel_means(network, LAYERS[name], stacked))
    return costs


def channel_means(network: Any, layer: str, pictures: Pictures) -> NDArray[Any]:
    """Return the mean activation of each channel of a layer for each picture, of any size, as it is."""
    from netlens.feature_visualization.lucid_model import lucid_model
    from netlens.models.backend import session_config, tf, tf1

    with tf.Graph().as_default(), tf1.Session(config=session_config()) as session:
        images = tf1.placeholder(tf1.float32, (None, *pictures.shape[1:]))
        tensor_of = lucid_model(network).import_graph(images, scope="import", forget_xy_shape=True)
        means: NDArray[Any] = session.run(tensor_of(layer), {images: pictures / 255}).mean(axis=(1, 2))
    return means


def flatness(case: str, options: argparse.Namespace) -> None:
    """Print how strongly pictures activate their units after more and more steps, and how many are flat."""
    with TemporaryDirectory() as folder:
        files = {str(steps): str(Path(folder) / f"{steps}.npz") for steps in STEPS_TRIED}
        for steps, path in files.items():
            apart("netlens", case, options.pictures, int(steps), path)
        reached = {int(steps): np.diagonal(np.load(path)["means"]) for steps, path in files.items()}
    print(f"\n{case}, {options.pictures} pictures")
    print("| steps | reached, of the most steps | flat | least rise |\n|---|---|---|---|")
    for steps, more in itertools.pairwise(STEPS_TRIED):
        # Units that a picture as it is does not activate count as not flat.
        alive = np.minimum(reached[steps], reached[STEPS_TRIED[-1]]) > 0
        rises = np.where(alive, reached[more] / np.where(alive, reached[steps], 1), np.inf)
        share = np.median(reached[steps][alive] / reached[STEPS_TRIED[-1]][alive])
        print(f"| {steps} | {share:.2f} | {np.sum(rises <= FLAT)} of {len(rises)} | {rises.min():.2f} |")


def own_units(ours: NDArray[Any], theirs: NDArray[Any]) -> int:
    """Return for how many of our pictures the nearest of theirs, by the channels' means, is that of the same unit."""
    # Channels that every picture activates say nothing about the unit.
    parts = [values - values.mean(axis=0) for values in (ours, theirs)]
    parts = [values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12) for values in parts]
    nearest = np.argmax(parts[0] @ parts[1].T, axis=1)
    return int(np.sum(nearest == np.arange(len(nearest))))


def apart(*arguments: Any) -> Any:
    """Run a measurement in a process of its own."""
    command = [sys.executable, __file__, "--measure", json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{arguments[:3]} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def report(case: str, options: argparse.Namespace) -> bool:
    """Measure one case in turns, print its table, and return whether the figures of merit are met."""
    costs: dict[str, list[dict[str, float]]] = {way: [] for way in options.ways}
    with TemporaryDirectory() as folder:
        files = {way: str(Path(folder) / f"{index}.npz") for index, way in enumerate(options.ways)}
        for _, way in itertools.product(range(options.rounds), options.ways):
            costs[way].append(apart(way, case, options.pictures, options.steps, files[way]))
            print(f"{case}, {way}: {costs[way][-1]}", file=sys.stderr, flush=True)
        made_by = {way: dict(np.load(path)) for way, path in files.items()}
    if options.keep:
        from PIL import Image

        rows = [np.concatenate(list(made["pictures"]), axis=1) for made in made_by.values()]
        Image.fromarray(np.concatenate(rows)).save(options.keep / f"{case.replace(':', '_')}.png")
    means = {way: made["means"] for way, made in made_by.items()}
    theirs = np.diagonal(means["lucid"])
    reached = {way: np.median((np.diagonal(values) / theirs)[theirs > 0]) for way, values in means.items()}
    own = {way: own_units(values, means["lucid"]) for way, values in means.items()}
    name, size = case.split(":")
    print(f"\n{name}, {LAYERS[name]}, {size} px: {options.pictures} pictures, {options.steps} steps; best of rounds")
    print(
        "| way | pictures a minute of processor | of wall | x lucid | reached | own unit |\n|---|---|---|---|---|---|"
    )
    rates = {way: 60 * options.pictures / min(cost["processor_s"] for cost in made) for way, made in costs.items()}
    for way, made in costs.items():
        wall = 60 * options.pictures / min(cost["wall_s"] for cost in made)
        print(
            f"| {way} | {rates[way]:.1f} | {wall:.1f} | {rates[way] / rates['lucid']:.2f} | {reached[way]:.2f} | "
            f"{own[way]} of {options.pictures} |"
        )
    if "one at a time" in costs:
        alike = np.corrcoef(*(made_by[way]["pictures"].ravel() for way in ("netlens", "one at a time")))[0, 1]
        print(f"\nnetlens in batches and one at a time: correlation of the pictures {alike:.4f}")
    return bool(
        rates["netlens"] >= LEAST_BESIDE_LUCID * rates["lucid"]
        and rates["netlens"] >= LEAST_BESIDE_ONE * rates.get("one at a time", 0)
        and reached["netlens"] >= LEAST_REACHED
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=CASES, help="network:pixels")
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS, help="netlens and lucid are needed")
    parser.add_argument("--pictures", type=int, default=16)
    parser.add_argument("--steps", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--flat", action="store_true", help="only how flat the objective becomes")
    parser.add_argument("--keep", type=Path, help="folder for a picture of each case: a row for each way")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measured(*json.loads(options.measure))))
        return 0
    if options.flat:
        for case in options.cases:
            flatness(case, options)
        return 0
    met = {case: report(case, options) for case in options.cases}
    for case, held in met.items():
        print(f"{case}: {'met' if held else 'NOT met'}")
    return 0 if all(met.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
