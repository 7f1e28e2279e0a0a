"""Short layer names for the axes of figures."""

import re
from collections import Counter
from collections.abc import Sequence

#: Patterns that a name is matched against, in this order, and the short form for each.
_RULES = (
    (r"block(\d+)_conv(\d+)", r"conv\1_\2"),  # VGG in Keras
    (r"block(\d+)_pool", r"pool\1"),
    (r"predictions|softmax2_pre_activation", "logits"),
    (r"conv(\d+)_conv", r"conv\1"),  # ResNet in Keras: the stem, then stage_block_position
    (r"conv(\d+)_block(\d+)_(\d+)_conv", r"conv\1_\2_\3"),
    (r"mixed(\d+)([a-z]?)_(.+)_bottleneck(?:_pre_relu)?", r"\1\2_\3_b"),  # InceptionV1 and V2 in lucid
    (r"mixed(\d+)([a-z]?)_(.+?)(?:_pre_relu)?(?:_conv)?", r"\1\2_\3"),
    (r"(?:InceptionV\d/){2}Conv2d_(\w+?)_\dx\d(?:/\w+)?", r"conv\1"),  # InceptionV1 and V2 in slim
    (r"(?:InceptionV\d/){2}MaxPool_(\w+?)_\dx\d(?:/\w+)?", r"pool\1"),
    (r"(?:InceptionV\d/){2}Mixed_(\w+)(?:/concat)?", r"mixed\1"),
    (r"(?:InceptionV\d/){2}Mixed_(\w+)/Branch_(\d)/Conv2d_(\w+_\dx\d)(?:/\w+)?", r"\1_\2_\3"),
    (r"(?:InceptionV\d/){2}Mixed_(\w+)/Branch_(\d)/AvgPool_\w+(?:/\w+)?", r"\1_\2_avgpool"),
    (r"(?:InceptionV\d/){2}Mixed_(\w+)/Branch_(\d)/MaxPool_\w+(?:/\w+)?", r"\1_\2_maxpool"),
    (r"InceptionV\d/Logits/AvgPool_\w+(?:/\w+)?", "avgpool"),
    (r"InceptionV\d/Logits/Conv2d_\w+(?:/\w+)?", "logits"),
    (r"(.+?)_pre_relu(?:_conv)?", r"\1"),
    (r"conv(\d+)_block(\d+)_(?:add|out)", r"conv\1_\2"),  # what a block of ResNet in Keras leads to
    (r"((?:fire|block)\d+)/(?:add|concat)", r"\1"),  # SqueezeNet; MobileNetV2 and EfficientNet-Lite
    (r"(stem|head|block\d+/\w+)/(?:Depthwise)?Conv2D", r"\1"),
    (r"(.+\d)_conv2?d?", r"\1"),
    (r"separable_conv2d(?:_(\d+))?_depthwise", r"sep\1_dw"),  # names that Keras gives
    (r"separable_conv2d(?:_(\d+))?_pointwise", r"sep\1_pw"),
    (r"separable_conv2d(?:_(\d+))?", r"sep\1"),
    (r"depthwise_conv2d(?:_(\d+))?", r"dw\1"),
    (r"batch_normalization(?:_(\d+))?", r"norm\1"),
    (r"concatenate(?:_(\d+))?", r"concat\1"),
    (r"max_pooling2d(?:_(\d+))?", r"pool\1"),
    (r"average_pooling2d(?:_(\d+))?", r"avgpool\1"),
    (r"p_re_lu(?:_(\d+))?", r"prelu\1"),
    (r"re_lu(?:_(\d+))?", r"relu\1"),
)


def short_label(name: str) -> str:
    """Short form of a layer's name: ``conv1_2`` for ``block1_conv2``, ``logits`` for ``predictions``.

    Parameters
    ----------
    name
        A layer's name, as Keras or lucid write it.

    Returns
    -------
    str
        The short name; `name` itself if no rule applies.
    """
    for pattern, replacement in _RULES:
        match = re.fullmatch(pattern, name)
        if match:
            return match.expand(replacement)
    return name


def short_labels(names: Sequence[str]) -> list[str]:
    """Short forms of the names of a network's layers, no two of them the same.

    Parameters
    ----------
    names
        The names of different layers.

    Returns
    -------
    list of str
        One label per name, in the same order. Names whose short forms collide are kept as they are.
    """
    labels = [short_label(name) for name in names]
    taken = Counter([*labels, *(name for name, label in zip(names, labels, strict=True) if label != name)])
    return [label if taken[label] == 1 else name for name, label in zip(names, labels, strict=True)]


def distinct_names(paths: Sequence[tuple[str, ...]]) -> list[str]:
    """Names of the layers of models inside models, no two of them the same.

    Parameters
    ----------
    paths
        For each layer, the names of the models around it, outermost first, and its own.

    Returns
    -------
    list of str
        Each layer's own name where it is the only one, or the only one in the outermost model; otherwise with the name
        of the model around it before it; with a number behind it where that is taken as well. They do not depend on the
        order of `paths`.
    """
    count = Counter(path[-1] for path in paths)
    taken = {name for name, times in count.items() if times == 1}
    names = [path[-1] for path in paths]
    for index in sorted(range(len(paths)), key=lambda index: (len(paths[index]), paths[index])):
        path = paths[index]
        if count[path[-1]] == 1:
            continue
        name = base = "_".join(path[-2:])
        number = 2
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name)
        names[index] = name
    return names
