"""The TensorFlow operations that a frozen graph from anywhere may hold: deterministic mathematics on numbers.

TensorFlow's documentation says that a graph is a program: operations read and write files, run Python functions and
load libraries, some of them even while shapes are inferred. `check_operations` looks at a graph as plain data, before
TensorFlow sees it, and refuses everything that is not listed here.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

from netlens.models.backend import tf
from netlens.models.errors import NetworkError, UnsupportedLayerError

#: What an operation may be. Every one is stateless, and its outputs depend on nothing but its inputs and attributes.
ALLOWED_OPERATIONS = frozenset({
    # Sources
    "Const", "Placeholder", "PlaceholderV2", "PlaceholderWithDefault",
    "Fill", "LinSpace", "OnesLike", "Range", "ZerosLike",
    # Kernels
    "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Conv2D", "Conv2DBackpropInput", "DepthwiseConv2dNative",
    "Dilation2D", "Einsum", "MatMul",
    # Activations
    "Elu", "LeakyRelu", "LogSoftmax", "Relu", "Relu6", "Selu", "Sigmoid", "Softmax", "Softplus", "Softsign", "Tanh",
    # Normalization and pooling
    "AvgPool", "BatchNormWithGlobalNormalization", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "LRN",
    "MaxPool", "MaxPoolV2", "MaxPoolWithArgmax",
    # Arithmetic
    "Abs", "Add", "AddN", "AddV2", "BiasAdd", "BiasAddV1", "ClipByValue", "Cumprod", "Cumsum", "Div", "DivNoNan",
    "FloorDiv", "FloorMod", "Inv", "Maximum", "Minimum", "Mod", "Mul", "MulNoNan", "Neg", "Pow", "RealDiv",
    "Reciprocal", "Sign", "Sqrt", "Rsqrt", "Square", "SquaredDifference", "Sub", "TruncateDiv", "TruncateMod",
    "Xdivy", "Xlog1py", "Xlogy",
    # Functions of one number
    "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atan2", "Atanh", "Ceil", "Cos", "Cosh", "Erf", "Erfc", "Exp", "Expm1",
    "Floor", "Log", "Log1p", "Rint", "Round", "Sin", "Sinh", "Tan",
    "FakeQuantWithMinMaxArgs", "FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel",
    # Comparisons and choices
    "Equal", "Greater", "GreaterEqual", "IsFinite", "IsInf", "IsNan", "Less", "LessEqual", "LogicalAnd", "LogicalNot",
    "LogicalOr", "NotEqual", "Select", "SelectV2",
    # Reductions
    "All", "Any", "ArgMax", "ArgMin", "EuclideanNorm", "Max", "Mean", "Min", "Prod", "Sum", "TopK", "TopKV2",
    # Layout
    "BatchToSpace", "BatchToSpaceND", "BroadcastArgs", "BroadcastTo", "Cast", "Concat", "ConcatOffset", "ConcatV2",
    "DepthToSpace", "EnsureShape", "ExpandDims", "ExtractImagePatches", "Gather", "GatherNd", "GatherV2", "Identity",
    "IdentityN", "InvertPermutation", "MirrorPad", "OneHot", "Pack", "Pad", "PadV2", "PreventGradient", "Rank",
    "Reshape", "ResizeArea", "ResizeBicubic", "ResizeBilinear", "ResizeNearestNeighbor", "Reverse", "ReverseV2",
    "Roll", "Shape", "ShapeN", "Size", "Slice", "SpaceToBatch", "SpaceToBatchND", "SpaceToDepth", "Split", "SplitV",
    "Squeeze", "StopGradient", "StridedSlice", "Tile", "Transpose", "Unpack",
})  # fmt: skip
BATCH_NORMALIZATIONS = frozenset({"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"})
#: The most bytes that a constant may fill: a short file can state a constant of any size, by one repeated value.
LARGEST_CONSTANT_BYTES = 2**31

_VARIABLES = frozenset({"Variable", "VariableV2", "VarHandleOp", "AutoReloadVariable", "ReadVariableOp"})
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall", "SymbolicGradient"})
#: Only for the wording of the refusal.
_RANDOM = re.compile(
    r"Random|TruncatedNormal|Multinomial|Shuffle|Sampler|SampleDistorted|RngSkip|^Fractional|^Stateful"
)
_NUMBERS = frozenset(
    kind.as_datatype_enum
    for kind in (
        tf.bfloat16, tf.float16, tf.float32, tf.float64, tf.bool, tf.complex64, tf.complex128,
        tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint16, tf.uint32, tf.uint64,
    )
)  # fmt: skip


def check_operations(name: str, nodes: Sequence[Any]) -> None:
    """Check that a graph only computes numbers from numbers, the same on every run.

    Parameters
    ----------
    name
        Name of the network, for error messages.
    nodes
        NodeDefs: everything that is going to be imported. Not modified.

    Raises
    ------
    NetworkError
        A node is a variable, or holds text or a constant of more than `LARGEST_CONSTANT_BYTES`.
    UnsupportedLayerError
        A node calls a function, is not one of `ALLOWED_OPERATIONS`, or normalizes by statistics of the batch.
    """
    for node in nodes:
        op, at = node.op, f"{node.name[:80]!r}"
        if op in _VARIABLES:
            raise NetworkError(f"network {name!r} has the variable {at}: the graph must be frozen")
        if op in _CALLS:
            raise UnsupportedLayerError(f"network {name!r}: {at} calls a function; save the graph without functions")
        if op not in ALLOWED_OPERATIONS:
            raise UnsupportedLayerError(f"network {name!r}: {at} is the operation {_refused(op)}")
        # The operation's own default is true.
        if op in BATCH_NORMALIZATIONS and ("is_training" not in node.attr or node.attr["is_training"].b):
            raise UnsupportedLayerError(
                f"network {name!r}: {at} normalizes by statistics of the batch (is_training is true), so an "
                "image's logits would depend on the other images; save the graph for inference"
            )
    # After all operations: the name of a refused operation says more than the text that it takes.
    for node in nodes:
        for attribute, value in node.attr.items():
            problem = _attribute_problem(value)
            if problem and not attribute.startswith("_"):
                raise NetworkError(f"network {name!r}: {node.name[:80]!r} {problem} (attribute {attribute[:80]!r})")


def strip_attributes(node: Any) -> None:
    """Remove from a NodeDef, in place, its device and the attributes whose names begin with an underscore.

    TensorFlow reads some of the latter as instructions (``_XlaCompile``, ``_class``, ``_gradient_op_type``), and
    none of them changes what the operation computes.
    """
    node.device = ""
    for attribute in [each for each in node.attr if each.startswith("_")]:
        del node.attr[attribute]


def _refused(op: str) -> str:
    shown = f"{op[:80]!r}"
    if _RANDOM.search(op):
        return f"{shown}, which is random: two evaluations would differ; save the graph for inference"
    return f"{shown}, which is not among those that a frozen graph may use; save only the part from images to logits"


def _attribute_problem(value: Any) -> str:
    """What is wrong with an attribute; empty if nothing is."""
    kind = value.WhichOneof("value")
    types = [value.type] if kind == "type" else list(value.list.type) if kind == "list" else []
    tensors = [value.tensor] if kind == "tensor" else list(value.list.tensor) if kind == "list" else []
    if kind == "func" or (kind == "list" and value.list.func):
        return "names a function"
    for number in [*types, *(tensor.dtype for tensor in tensors)]:
        if number not in _NUMBERS:
            return "is not numeric"
    if any(_bytes_of(tensor) > LARGEST_CONSTANT_BYTES for tensor in tensors):
        return f"is a constant of more than {LARGEST_CONSTANT_BYTES / 2**30:.0f} GB"
    return ""


def _bytes_of(tensor: Any) -> int:
    sizes = [max(dimension.size, 0) for dimension in tensor.tensor_shape.dim]
    count: int = math.prod(sizes)
    return count * int(tf.as_dtype(tensor.dtype).size)
