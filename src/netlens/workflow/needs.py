"""What items can need of a study: each need is a function that looks at a study and the facts about it.

It returns None where the study has what is needed, or else the reason, which is a sentence for the user. An item says
in ``items.yaml`` what it needs, by the names in `NEEDS`; what all items of a section need is in `SECTION_NEEDS`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from netlens.models.label_space import outputs_of
from netlens.workflow.network_specs import (
    WITHOUT_CLASSES,
    beside_networks,
    compared_networks,
    explained_networks,
    images_of,
    is_frozen,
    network_spec,
)
from netlens.workflow.study_subject import Subject, label_space_of

#: Half of the held-out images are for fitting, the other half for judging.
FEWEST_HELDOUT: Final = 32
#: With fewer, a chain has no inter-layer item that says anything.
FEWEST_SEGMENTS: Final = 3
#: Methods of explanation that iNNvestigate defines for no other activation than ReLU.
_ONLY_RELU: Final = frozenset({"deep_taylor", "guided_backprop"})
_NUMBERS: Final = ("none", "one", "two", "three")


Need = Callable[[Subject], str | None]


def keras_model(subject: Subject) -> str | None:
    """A Keras model, whose kernels and gradients are within reach."""
    if not subject.network:
        return "needs a Keras model; the study's networks are frozen graphs (.pb)"
    if is_frozen(subject.config["networks"][subject.network]):
        return f"needs a Keras model; {subject.network} is a frozen graph (.pb)"
    return None


def prepared(subject: Subject) -> str | None:
    """Layers with kernels, all of a kind with which a network can be prepared."""
    facts = subject.facts
    if facts is None:
        return None
    if facts.unsupported:
        return f"needs layers whose kernels can be read; {subject.network} has {_first_of(facts.unsupported)}"
    return None if facts.kernel_layers_count else f"needs a layer with a kernel; {subject.network} has none"


def kernels(subject: Subject) -> str | None:
    """Layers with kernels, all of a kind for which patterns are defined."""
    facts = subject.facts
    if facts is not None and (others := (*facts.unsupported, *facts.without_patterns)):
        return f"needs layers for which patterns are defined; {subject.network} has {_first_of(others)}"
    return prepared(subject)


def _first_of(layers: Sequence[str]) -> str:
    return layers[0] + (f" and {len(layers) - 1} more" if len(layers) > 1 else "")


def segments(subject: Subject) -> str | None:
    """A chain of at least three stretches, between points that every path passes."""
    facts = subject.facts
    if facts is None:
        return None
    if facts.segments_count >= FEWEST_SEGMENTS:
        return (
            f"needs a chain of layers; of {subject.network}, {facts.chain_obstacle}" if facts.chain_obstacle else None
        )
    return (
        f"needs a chain of at least {_NUMBERS[FEWEST_SEGMENTS]} layers, or groups of layers, that every path passes; "
        f"{subject.network} has {_NUMBERS[facts.segments_count]}"
    )


def max_pooling(subject: Subject) -> str | None:
    """A max-pooling."""
    facts = subject.facts
    if facts is None or facts.max_poolings_count:
        return None
    return f"needs a max-pooling; {subject.network} has none"


def joined_maps(subject: Subject) -> str | None:
    """Two layers with positions between which weights are shown."""
    facts = subject.facts
    if facts is None:
        return None
    if facts.convolutions_count >= 2 or (facts.convolutions_count and facts.joins_count >= 3):
        return (
            f"needs two convolutions with nothing but linear layers and rectifiers on the way to and between them; "
            f"{subject.network} has {facts.linear_obstacle}"
            if facts.linear_obstacle
            else None
        )
    found = "one at a time" if facts.convolutions_count else "none"
    return f"needs at least two convolutions that follow each other; {subject.network} has {found}"


def trunk_maps(subject: Subject) -> str | None:
    """Two layers with positions that every path passes."""
    facts = subject.facts
    if facts is None or facts.trunk_maps_count >= 2:
        return None
    return (
        "needs at least two layers with positions that every path from the image to the output passes; "
        f"{subject.network} has {_NUMBERS[facts.trunk_maps_count]}"
    )


def classes(subject: Subject) -> str | None:
    """Classes among the network's outputs that the images have too."""
    network = subject.network
    if not network:
        return "needs a network"
    spec = network_spec(subject.config, network)
    facts, images = subject.facts, subject.image_facts
    if spec.get("published") in WITHOUT_CLASSES:
        return f"needs classes; the outputs of {network} are features"
    if spec["kind"] == "file" and not spec.get("class_names") and facts is not None and facts.ending == "features":
        return f"needs classes; the outputs of {network} are features (if they are classes, give their class_names)"
    space = label_space_of(subject, spec)
    if images is None or space is None or (outputs_of(images.class_names, images.class_ids, space) >= 0).any():
        return None
    return f"needs classes; no class of the images {images_of(subject.config, network)} is an output of {network}"


def two_classes(subject: Subject) -> str | None:
    """At least two classes, of which scenes can be composed."""
    reason = classes(subject)
    images = subject.image_facts
    if reason or images is None or len(images.class_names) >= 2:
        return reason
    return f"needs images of at least two classes; {images_of(subject.config, subject.network)} has one"


def two_outputs(subject: Subject) -> str | None:
    """At least two classes of the images that are outputs of the network, so that one can be explained in two ways."""
    reason = two_classes(subject)
    images, network = subject.image_facts, subject.network
    space = None if reason or not network else label_space_of(subject, network_spec(subject.config, network))
    if images is None or space is None:
        return reason
    known = outputs_of(images.class_names, images.class_ids, space)
    if len(set(known[known >= 0].tolist())) >= 2:
        return None
    return (
        f"needs images of at least two classes that are outputs of {network}; "
        f"{images_of(subject.config, network)} has one"
    )


def heldout_images(subject: Subject) -> str | None:
    """Enough held-out images for a number that is fitted on one half of them and judged on the other."""
    images = subject.image_facts
    if images is None or images.heldout_count >= FEWEST_HELDOUT:
        return None
    return (
        f"needs at least {FEWEST_HELDOUT} held-out images; {images_of(subject.config, subject.network)} has "
        f"{images.heldout_count}"
    )


def scenes(subject: Subject) -> str | None:
    """Composed scenes that belong to the image set."""
    images = subject.image_facts
    if subject.network and images is not None and images.has_scenes:
        return None
    return "needs composed scenes; only image sets of kind photos have them"


def network_file(subject: Subject) -> str | None:
    """A file that the network is loaded from."""
    spec = network_spec(subject.config, subject.network) if subject.network else {}
    if {"file", "checkpoint", "weights_file"} & spec.keys():
        return None
    told = f"{subject.network} is not" if subject.network else "the study has none"
    return f"needs a network that is read from a file; {told}"


def training_record(subject: Subject) -> str | None:
    """A record of the network's training."""
    if subject.network and subject.config["networks"][subject.network]["kind"] == "trained":
        return None
    return f"needs a network that netlens has trained; {subject.network} is not one"


def patterns(subject: Subject) -> str | None:
    """A network for which the section `pattern_attribution` estimates patterns."""
    of_patterns = subject.of_section("pattern_attribution")
    if "pattern_attribution" in subject.config.get("leave_out", []):
        return "needs patterns, which the study leaves out"
    return keras_model(of_patterns) or kernels(of_patterns)


def pattern_methods(subject: Subject) -> str | None:
    """Patterns of a network through whose layers PatternNet and PatternAttribution go back."""
    of_patterns = subject.of_section("pattern_attribution")
    return patterns(subject) or _backward(of_patterns)


def _backward(subject: Subject) -> str | None:
    facts = subject.facts
    if facts is None or not facts.backward_obstacle:
        return None
    return (
        "needs layers for which PatternNet and PatternAttribution are defined; "
        f"{subject.network} has {facts.backward_obstacle}"
    )


def pattern_classes(subject: Subject) -> str | None:
    """Patterns of a network whose outputs are classes of the images."""
    return patterns(subject) or two_classes(subject.of_section("pattern_attribution"))


def beside(subject: Subject) -> str | None:
    """Networks that are shown beside the one whose patterns are studied, each with a chain of its own."""
    named = beside_networks(subject.config)
    if not named:
        return "needs networks to show beside that of the section; the study names none (pattern_attribution.beside)"
    others = (Subject(subject.config, network, subject.known) for network in named)
    return next((reason for other in others if (reason := kernels(other) or segments(other))), None)


def convolutions(subject: Subject) -> str | None:
    """A layer with a kernel that has positions."""
    facts = subject.facts
    if facts is None or facts.convolutions_count:
        return None
    return f"needs a convolution; {subject.network} has none"


def explained(subject: Subject) -> str | None:
    """Networks with kernels whose outputs are at least two classes of the images, all of those that are checked."""
    others = (Subject(subject.config, network, subject.known) for network in explained_networks(subject.config))
    return next(
        (
            reason
            for other in others
            if (
                reason := keras_model(other)
                or prepared(other)
                or _shortcuts(other)
                or _unexplained(other)
                or two_outputs(other)
            )
        ),
        None if subject.network else keras_model(subject),
    )


def _shortcuts(subject: Subject) -> str | None:
    """Relevance that iNNvestigate adds up on a layer: its engine fails where layer normalization lies in a branch."""
    facts = subject.facts
    if facts is None or not facts.without_patterns or not any(layer.kind == "Add" for layer in facts.layers):
        return None
    return f"needs a network without layer normalization beside additions; {subject.network} has both"


def _unexplained(subject: Subject) -> str | None:
    """A method that is defined for every layer of a network."""
    methods = subject.config.get("explanation_checks", {}).get("methods", ["gradient"])
    obstacles = [_method_obstacle(subject, method) for method in methods]
    if not all(obstacles):
        return None
    return (
        f"needs a method that is defined for all layers; {subject.network} has {obstacles[0]}, for which none of "
        f"{', '.join(methods)} is (explanation_checks.methods)"
    )


def _method_obstacle(subject: Subject, method: str) -> str:
    """Return the layer for which a method of explanation is not defined; empty where it is, or nothing is known."""
    facts = subject.facts
    if facts is None:
        return ""
    if method.startswith("pattern_"):
        return next(iter((*facts.unsupported, *facts.without_patterns)), facts.backward_obstacle)
    if method == "lrp_preset_a":
        return facts.preset_obstacle
    if method.startswith("lrp_"):
        return facts.lrp_obstacle
    return facts.relu_obstacle if method in _ONLY_RELU else ""


def randomized_networks(subject: Subject) -> str | None:
    """Cascades of randomized weights."""
    if subject.config.get("explanation_checks", {}).get("cascade_steps_count", 1):
        return None
    return "needs cascades of randomized weights; the study asks for none (explanation_checks.cascade_steps_count)"


def _explained_by(method: str) -> Need:
    def reason(subject: Subject) -> str | None:
        if method in subject.config.get("explanation_checks", {}).get("methods", [method]):
            if method.startswith("pattern_"):
                return _backward(subject)
            obstacle = _method_obstacle(subject, method)
            return f"needs layers for which {method} is defined; {subject.network} has {obstacle}" if obstacle else None
        return f"needs the method {method}, which the study does not check (explanation_checks.methods)"

    return reason


def _compared(wanted: int) -> Need:
    def reason(subject: Subject) -> str | None:
        found = len(compared_networks(subject.config))
        if found >= wanted:
            return None
        return f"needs at least {_NUMBERS[wanted]} networks; the study compares {_NUMBERS[found]}"

    return reason


def published_patterns(subject: Subject) -> str | None:
    """Patterns of the network that somebody else has published."""
    if subject.config.get("pattern_attribution", {}).get("published_patterns"):
        return None
    return "needs published patterns of the network; none are named in pattern_attribution.published_patterns"


#: What an item can need.
NEEDS: Final[Mapping[str, Need]] = {
    "beside": beside,
    "classes": classes,
    "convolutions": convolutions,
    "explained": explained,
    "explained_by_deep_taylor": _explained_by("deep_taylor"),
    "explained_by_gradient": _explained_by("gradient"),
    "explained_by_pattern_attribution": _explained_by("pattern_attribution"),
    "explained_by_pattern_net": _explained_by("pattern_net"),
    "heldout_images": heldout_images,
    "joined_maps": joined_maps,
    "keras_model": keras_model,
    "kernels": kernels,
    "max_pooling": max_pooling,
    "network_file": network_file,
    "pattern_classes": pattern_classes,
    "pattern_methods": pattern_methods,
    "patterns": patterns,
    "published_patterns": published_patterns,
    "randomized_networks": randomized_networks,
    "scenes": scenes,
    "segments": segments,
    "three_networks": _compared(3),
    "training_record": training_record,
    "trunk_maps": trunk_maps,
    "two_classes": two_classes,
    "two_networks": _compared(2),
}

#: What every item of a section needs.
SECTION_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "pattern_attribution": ("keras_model", "kernels"),
    "weights": ("joined_maps",),
    "spatial_attribution": ("two_classes", "trunk_maps"),
    "explanation_checks": ("explained",),
}
