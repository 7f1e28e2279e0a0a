import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.models.backend import tf, tf1
from netlens.models.errors import NetworkError, UnsupportedLayerError
from netlens.models.frozen.frozen_network import imported, serialized
from netlens.models.frozen.graph_files import frozen_from_graph, read_frozen
from netlens.models.frozen.operations import ALLOWED_OPERATIONS, LARGEST_CONSTANT_BYTES

pytestmark = pytest.mark.slow

op_def_registry = pytest.importorskip("tensorflow.python.framework.op_def_registry")

SIZE = 6
REGISTERED = sorted(name for name in dir(tf.raw_ops) if not name.startswith("_") and op_def_registry.get(name))


def graph_of(build):
    """Return the graph in which `build` makes a map from the placeholder, and a dense layer makes logits from it."""
    with tf.Graph().as_default() as graph:
        x = build(tf1.placeholder(tf.float32, (None, SIZE, SIZE, 3), name="image"))
        values = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
        tf.matmul(tf.reduce_mean(x, [1, 2]), tf.constant(values), name="logits")
        return graph.as_graph_def()


def number(text):
    """Return a float32 tensor that depends on a string tensor."""
    return tf.cast(tf.strings.length(text), tf.float32)


def refusal(tmp_path, graph_def):
    """Return the message with which a file of the graph is refused, after seeing that TensorFlow was never asked."""
    path = tmp_path / "stranger.pb"
    path.write_bytes(serialized(graph_def))
    with pytest.MonkeyPatch.context() as patch, pytest.raises(NetworkError) as caught:
        patch.setattr(tf1, "import_graph_def", None)
        read_frozen(path)
    assert "\n" not in str(caught.value) and str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


def run(graph_def):
    """Return the logits that TensorFlow itself computes from a graph, without any of this package's care."""
    with tf.Graph().as_default(), tf1.Session() as session:
        (logits,) = tf1.import_graph_def(graph_def, return_elements=["logits:0"], name="")
        return session.run(logits, {"image:0": np.ones((1, SIZE, SIZE, 3), np.float32)})


def test_a_file_that_reads_another_is_refused(tmp_path):
    secret = tmp_path / "secret"
    shown = []
    for text in ("a", "a much longer secret"):
        secret.write_text(text)
        shown.append(run(graph_of(lambda x: x * number(tf.io.read_file(str(secret))))))
    assert not np.array_equal(*shown)  # What the attack does where nothing stops it.
    message = refusal(tmp_path, graph_of(lambda x: x * number(tf.raw_ops.ReadFile(filename=str(secret), name="peek"))))
    assert "'peek' is the operation 'ReadFile', which is not among those" in message


def test_a_file_that_lists_a_folder_is_refused(tmp_path):
    def build(x):
        return x * number(tf.raw_ops.MatchingFiles(pattern=f"{tmp_path}/*", name="list"))[0]

    assert "'list' is the operation 'MatchingFiles'" in refusal(tmp_path, graph_of(build))


def test_a_file_that_maps_memory_is_refused(tmp_path):
    region = tmp_path / "region"
    region.write_bytes(bytes(12))

    def build(x):
        return x * tf.raw_ops.ImmutableConst(dtype="float32", shape=[3], memory_region_name=str(region), name="map")

    assert "'map' is the operation 'ImmutableConst'" in refusal(tmp_path, graph_of(build))


def test_a_file_that_writes_by_a_debugger_is_refused(tmp_path):
    folder = tmp_path / "written"
    graph_def = graph_of(
        lambda x: tf.raw_ops.DebugIdentity(
            input=x, tensor_name="watch:0", debug_urls=[f"file://{folder}"], name="watch"
        )
    )
    assert "'watch' is the operation 'DebugIdentity'" in refusal(tmp_path, graph_def)
    assert not folder.exists()
    run(graph_def)
    assert folder.exists()  # What the attack does where nothing stops it.


def test_a_file_that_writes_is_refused(tmp_path):
    marker = tmp_path / "marker"

    def build(x):
        with tf.control_dependencies([tf.raw_ops.WriteFile(filename=str(marker), contents="x", name="write")]):
            return tf.raw_ops.PrintV2(input="x", name="tell") and tf.raw_ops.Relu(features=x)

    frozen = frozen_from_graph(graph_of(build), name="control")
    assert {"write", "tell"}.isdisjoint(node.name for node in frozen.graph_def.node)
    with tf.Graph().as_default(), tf1.Session() as session:
        tensors = imported(frozen)
        session.run(dict(tensors), {tensors["input"]: np.ones((1, SIZE, SIZE, 3), np.float32)})
    assert not marker.exists()
    run(graph_of(build))
    assert marker.exists()  # What the attack does where nothing stops it.


def test_a_file_that_calls_python_is_refused(tmp_path):
    for op in ("PyFunc", "PyFuncStateless", "EagerPyFunc"):
        graph_def = graph_of(lambda x: tf.identity(x, name="call"))
        node = next(node for node in graph_def.node if node.name == "call")
        node.op = op
        assert f"'call' is the operation {op!r}" in refusal(tmp_path, graph_def)


@pytest.mark.parametrize(
    "draw",
    [
        lambda x: tf.raw_ops.RandomUniform(shape=[3], dtype="float32", name="draw"),
        lambda x: tf.raw_ops.TruncatedNormal(shape=[3], dtype="float32", name="draw"),
        lambda x: tf.raw_ops.StatelessRandomNormal(shape=[3], seed=[1, 2], name="draw"),
        lambda x: tf.raw_ops.RandomShuffle(value=x, name="draw"),
        lambda x: tf.cast(tf.raw_ops.Multinomial(logits=[[0.0, 0.0]], num_samples=1, name="draw"), tf.float32),
        lambda x: tf.raw_ops.FractionalMaxPool(value=x, pooling_ratio=[1.0, 1.0, 1.0, 1.0], name="draw")[0],
    ],
)
def test_random_operations_have_a_message_of_their_own(tmp_path, draw):
    message = refusal(tmp_path, graph_of(lambda x: x * draw(x)))
    assert "'draw' is the operation " in message and "is random: two evaluations would differ" in message


def test_variable_readers_are_named(tmp_path):
    graph_def = graph_of(lambda x: x * tf1.get_variable("scale", [3], use_resource=True))
    assert "has the variable 'scale" in refusal(tmp_path, graph_def)


def test_normalization_by_the_batch_is_refused(tmp_path):
    def build(x, **options):
        empty = tf.zeros([0])
        return tf.raw_ops.FusedBatchNormV3(
            x=x, scale=tf.ones(3), offset=tf.ones(3), mean=empty, variance=empty, name="norm", **options
        )[0]

    assert "'norm' normalizes by statistics of the batch" in refusal(tmp_path, graph_of(build))
    graph_def = graph_of(build)
    # The operation's default, where a file does not say.
    del next(node for node in graph_def.node if node.name == "norm").attr["is_training"]
    assert "'norm' normalizes by statistics of the batch" in refusal(tmp_path, graph_def)


def test_what_is_not_about_numbers_is_refused(tmp_path):
    text = refusal(
        tmp_path, graph_of(lambda x: x * tf.cast(tf.raw_ops.Size(input=tf.constant(["a"], name="text")), tf.float32))
    )
    assert "'text' is not numeric (attribute 'dtype')" in text or "(attribute 'value')" in text
    graph_def = graph_of(lambda x: x * tf.constant(2.0, name="two"))
    # One number, repeated: a file of some hundred bytes that fills the memory.
    shape = next(node for node in graph_def.node if node.name == "two").attr["value"].tensor.tensor_shape
    shape.dim.add().size = LARGEST_CONSTANT_BYTES // 4 + 1
    assert "'two' is a constant of more than 2 GB" in refusal(tmp_path, graph_def)


def test_an_operation_cannot_be_a_function_of_the_file(tmp_path):
    graph_def = graph_of(lambda x: tf.identity(x, name="call"))
    function = graph_def.library.function.add()
    function.signature.name = "mine"
    next(node for node in graph_def.node if node.name == "call").op = "mine"
    assert "'call' is the operation 'mine'" in refusal(tmp_path, graph_def)
    # Nor can a function take the name of an operation that is allowed: no function of the file is imported.
    function.signature.name = "Identity"
    next(node for node in graph_def.node if node.name == "call").op = "Identity"
    assert not frozen_from_graph(graph_def, name="mine").graph_def.library.function


def test_attributes_that_instruct_tensorflow_and_devices_are_removed():
    graph_def = graph_of(lambda x: tf.identity(x, name="same"))
    node = next(node for node in graph_def.node if node.name == "same")
    node.device = "/job:worker/task:1"
    node.attr["_XlaCompile"].b = True
    node.attr["_gradient_op_type"].s = b"PyFunc"
    node.attr["_class"].list.s.append(b"loc:@elsewhere")
    node.attr["_call"].func.name = "mine"
    read = next(node for node in frozen_from_graph(graph_def, name="mine").graph_def.node if node.name == "same")
    assert (list(read.attr), read.device) == (["T"], "")


def test_operations_that_the_logits_do_not_need_are_never_imported(tmp_path):
    def build(x):
        tf.io.read_file(str(tmp_path / "secret"), name="stray")
        tf1.get_variable("step", [], use_resource=True)
        tf.random.normal([2], name="noise")
        return tf.nn.relu(x, name="map")

    names = []
    original = tf1.import_graph_def

    def listing(graph_def, *args, **options):
        names.extend(node.name for node in graph_def.node)
        return original(graph_def, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf1, "import_graph_def", listing)
        frozen_from_graph(graph_of(build), name="mine", output_node="logits")
    assert "map" in names and not {"stray", "step", "noise/RandomStandardNormal"} & set(names)


def test_circles_end(tmp_path):
    graph_def = graph_of(lambda x: tf.identity(x, name="one"))
    one = next(node for node in graph_def.node if node.name == "one")
    two, end = graph_def.node.add(), graph_def.node.add()
    two.CopyFrom(one)
    two.name, one.input[0], two.input[0] = "two", "two", "one"
    end.CopyFrom(one)
    end.name, end.input[0] = "end", "two"
    del graph_def.node[[node.name for node in graph_def.node].index("logits")]
    path = tmp_path / "circle.pb"
    path.write_bytes(serialized(graph_def))
    with pytest.raises(NetworkError) as caught:
        read_frozen(path)
    assert "\n" not in str(caught.value)


def test_allowed_operations_are_registered_and_stateless():
    for op in sorted(ALLOWED_OPERATIONS):
        definition = op_def_registry.get(op)
        assert definition is not None, op
        assert not definition.is_stateful, op
        assert not [each.name for each in definition.attr if each.type.startswith(("func", "list(func"))], op
        assert not [each.name for each in definition.attr if "url" in each.name or "file" in each.name], op


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.sampled_from(REGISTERED), st.from_regex(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]{0,20}", fullmatch=True))
def test_any_registered_operation_is_refused_by_name_unless_allowed(op, name):
    graph_def = graph_of(lambda x: tf.identity(x, name="here"))
    taken = {node.name for node in graph_def.node}
    name = f"{name}_it" if name in taken else name
    node = next(node for node in graph_def.node if node.name == "here")
    for user in graph_def.node:
        user.input[:] = [name if source == "here" else source for source in user.input]
    node.name, node.op = name, op
    reached = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf1, "import_graph_def", lambda *_, **__: reached.append(True) or _stop())
        with pytest.raises(NetworkError) as caught:
            frozen_from_graph(graph_def, name="mine")
    if reached or op in ALLOWED_OPERATIONS:
        # Placeholders and untrained normalization are refused for other reasons; what is imported is all allowed.
        assert op in ALLOWED_OPERATIONS
        assert f"is the operation {op!r}" not in str(caught.value)
    else:
        assert isinstance(caught.value, UnsupportedLayerError) or "has the variable" in str(caught.value)
        assert repr(name) in str(caught.value)
        assert repr(op) in str(caught.value) or "variable" in str(caught.value) or "calls a" in str(caught.value)


def test_every_registered_operation_is_decided():
    refused = [op for op in REGISTERED if op not in ALLOWED_OPERATIONS]
    graph_def = graph_of(lambda x: tf.identity(x, name="here"))
    node = next(node for node in graph_def.node if node.name == "here")
    for op in refused:
        node.op = op
        with pytest.raises(NetworkError, match=r"'here' (is the operation|calls)|the variable 'here'"):
            frozen_from_graph(graph_def, name="mine")
    assert len(refused) > 1000


def _stop():
    raise ValueError("stopped before anything is imported")
