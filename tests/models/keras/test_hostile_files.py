"""Keras files by strangers: what works on Keras or h5py is refused here by name, before anything is run or read."""

import io
import json
import sys
import zipfile
from contextlib import contextmanager, suppress

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netlens.models.backend import keras, tf
from netlens.models.errors import NetworkError, UnsupportedLayerError
from netlens.models.keras import archives
from netlens.models.keras.config import FUNCTIONS, LAYERS, MODELS, OPERATIONS, checked_config
from netlens.models.keras.files import set_stored_weights
from netlens.models.keras.hdf5_files import open_weights
from netlens.models.network_files import read_model

pytestmark = pytest.mark.slow

L = keras.layers


def layer(kind, name, config=None, nodes=(), **entry):
    return {
        "class_name": kind,
        "config": {"name": name, **(config or {})},
        "name": name,
        "inbound_nodes": nodes,
    } | entry


def network(*layers, output="image"):
    image = layer("InputLayer", "image", {"batch_input_shape": [None, 4, 4, 3], "dtype": "float32"}, [])
    config = {"name": "net", "layers": [image, *layers], "input_layers": [["image", 0, 0]]}
    origin = {"module": "tf_keras.src.engine.functional", "registered_name": "Functional"}
    return {"class_name": "Functional", "config": config | {"output_layers": [[output, 0, 0]]}} | origin


def calling(function, constant, **arguments):
    return network(layer("TFOpLambda", "op", {"function": function}, [["_CONSTANT_VALUE", -1, constant, arguments]]))


def stored(folder, form, config):
    path = folder / f"net.{form}"
    text = config if isinstance(config, str) else json.dumps(config)
    if form == "h5":
        with h5py.File(path, "w") as file:
            file.attrs["model_config"], file.attrs["keras_version"] = text, "2.15.0"
            file.create_group("model_weights").attrs["layer_names"] = np.array([], "S1")
        return path
    weights = io.BytesIO()
    h5py.File(weights, "w").close()
    return archive(path, {"config.json": text, "model.weights.h5": weights.getvalue()})


def archive(path, members, version="2.15.0"):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in ({"metadata.json": json.dumps({"keras_version": version})} | members).items():
            file.writestr(name, content)
    return path


def load_with_keras(path):
    """Load as netlens did before configurations were checked."""
    if path.suffix == ".h5":
        return keras.models.load_model(path, compile=False)
    with zipfile.ZipFile(path) as file:
        return keras.saving.deserialize_keras_object(json.loads(file.read("config.json")))


def hidden_code(marker):
    code = L.Lambda(lambda x, path=str(marker): (open(path, "w").close(), x)[1])  # noqa: PTH123
    text = keras.Sequential([L.Input((2,)), code]).to_json()
    marker.unlink()
    return text


def attacks(folder):
    """What each attack would change is a marker: a file that is there afterwards, or no longer."""
    marker, victim = folder / "marker", folder / "victim"
    victim.write_text("x")
    return {
        "code": (calling("keras.models.model_from_json", hidden_code(marker)), "keras.models.model_from_json"),
        "write": (
            calling(
                "keras.utils.get_file", "marker", origin=victim.as_uri(), cache_dir=str(folder), cache_subdir="."
            ),
            "keras.utils.get_file",
        ),
        "delete": (calling("io.gfile.remove", str(victim)), "io.gfile.remove"),
        "nested": (network(calling("io.gfile.remove", str(victim)) | {"name": "in", "inbound_nodes": []}), "io.gfile"),
    }  # fmt: skip


@pytest.mark.parametrize("form", ["h5", "keras"])
@pytest.mark.parametrize("attack", ["code", "write", "delete", "nested"])
def test_functions_that_act_are_refused(tmp_path, form, attack):
    config, message = attacks(tmp_path)[attack]
    path = stored(tmp_path, form, config)
    before = sorted(each.name for each in tmp_path.iterdir())
    with pytest.raises(
        UnsupportedLayerError, match=rf"layer 'op' \(TFOpLambda\) calls the function '{message}"
    ) as told:
        read_model(path)
    assert "\n" not in str(told.value) and str(told.value).startswith(str(path))
    assert sorted(each.name for each in tmp_path.iterdir()) == before
    if (form, attack) != ("keras", "code"):  # There Keras' own safe mode knows the code of a Lambda.
        with suppress(Exception):
            load_with_keras(path)
        assert sorted(each.name for each in tmp_path.iterdir()) != before  # The attack is a real one.


@pytest.mark.parametrize("module", ["attacker", "attacker.layers", "kerasattacker", "os"])
@pytest.mark.parametrize("kind", ["Dense", "Odd"])
def test_modules_are_not_imported(tmp_path, monkeypatch, module, kind):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "attacker", raising=False)
    (tmp_path / f"{module.split('.', maxsplit=1)[0]}.py").write_text(f"open({str(tmp_path / 'marker')!r}, 'w')")
    inner = layer(kind, "odd", {"units": 2}, module=module, registered_name=kind)
    for config in (network(inner), inner, {"class_name": "Sequential", "config": {"name": "s", "layers": [inner]}}):
        with pytest.raises(NetworkError):
            read_model(stored(tmp_path, "keras", config))
    assert not (tmp_path / "marker").exists()
    if module == "attacker":
        with suppress(Exception):
            load_with_keras(stored(tmp_path, "keras", inner))
        assert (tmp_path / "marker").exists()


@pytest.mark.parametrize("version", ["2.15.0", "3.9.0"])
def test_modules_are_named(tmp_path, version):
    config = network(layer("Dense", "odd", {"units": 2}, module="attacker"))
    config["config"]["layers"][0]["config"]["batch_shape"] = [None, 4, 4, 3]
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        file["layers/dense/vars/0"] = np.zeros((3, 2))
    path = archive(
        tmp_path / "a.keras", {"config.json": json.dumps(config), "model.weights.h5": weights.getvalue()}, version
    )
    with pytest.raises(
        UnsupportedLayerError, match=r"layer 'odd' \(Dense\) comes from the module 'attacker', which is"
    ):
        read_model(path)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (layer("Lambda", "a"), "contains a Lambda layer, whose code is not run"),
        (layer("TimeDistributed", "a", {"layer": layer("Lambda", "b")}), r"Lambda layer.*'b'"),
        (layer("StringLookup", "a", {"vocabulary": "/etc/passwd"}), r"layer 'a' \(StringLookup\) is not a supported"),
        (layer("TextVectorization", "a"), r"layer 'a' \(TextVectorization\)"),
        (layer("Dense", "a", registered_name="Custom>Dense"), r"layer 'a' \(Dense\) is registered as 'Custom>Dense'"),
        (layer("Dense", "a", {"activation": "get"}), r"layer 'a' \(Dense\) has the activation 'get'"),
        (layer("Activation", "a", {"activation": {"class_name": "function", "config": "os.system"}}), "'os.system'"),
        (layer("Activation", "a", {"activation": {"class_name": "Lambda", "config": {}}}), "has the activation"),
        (layer("ReLU", "a", {"max_value": "/etc/passwd"}), r"layer 'a' \(ReLU\): max_value is '/etc/passwd'"),
        (layer("Rescaling", "a", {"scale": {"class_name": "Lambda", "config": {}}}), "scale is"),
        (layer("TFOpLambda", "a", {"function": "math.add"}, [["image", 0, 0, {"y": "x"}]]), "the argument 'y' is 'x'"),
        (layer("TFOpLambda", "a", {"function": "reshape"}, [["_CONSTANT_VALUE", -1, ["x", 1, 2], {}]]), "a constant"),
        (layer("TensorFlowOpLayer", "a", {"node_def": {"op": "ReadFile", "name": "a"}}), "the operation 'ReadFile'"),
        (layer("TensorFlowOpLayer", "a", {"node_def": "CgFh"}), "the operation 'CgFh'"),
        (
            layer("TensorFlowOpLayer", "a", {"node_def": {"op": "Relu", "name": "a", "attr": {"f": {"func": {}}}}}),
            r"layer 'a' \(TensorFlowOpLayer\): f is",
        ),
        *((layer("TFOpLambda", "a", {"function": name}), "is not one of the supported mathematical") for name in (
            "load_library", "load_op_library", "py_function", "numpy_function", "io.read_file", "io.write_file",
            "raw_ops.ReadFile", "saved_model.load", "image.decode_image", "keras.models.load_model", "print",
            "keras.utils.deserialize_keras_object", "keras.layers.deserialize", "random.normal", "math.nothing",
            "debugging.enable_check_numerics", "function", "map_fn", "while_loop", "cond", "timestamp",
        )),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["h5", "keras"])
def test_what_is_not_listed_is_named(tmp_path, form, entry, message):
    with pytest.raises(UnsupportedLayerError, match=message) as told:
        read_model(stored(tmp_path, form, network(entry)))
    assert "\n" not in str(told.value) and len(str(told.value)) < 400


@pytest.mark.parametrize("form", ["h5", "keras"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 5000 + "]" * 5000, "nested deeper than 150 levels"),
        ('{"a":' * 400 + "1" + "}" * 400, "nested deeper than 150 levels"),
        ("[1, 2]", "is a list, not an object"),
        ("{}", "in place of a layer"),
        (json.dumps({"class_name": "Functional", "config": 3}), "has 3 instead of options"),
        (json.dumps({"class_name": "Functional", "config": {"layers": [3]}}), "has 3 in place of a layer"),
        (json.dumps({"class_name": "Dense", "config": {"name": "a"}}), "of a layer"),
        (" " * (64 * 2**20 + 1) + "{}", "64 MB is the most|unpacks to 64 MB"),
    ],
    ids=lambda value: value[:20].strip(),
)
def test_odd_configurations_are_told_in_one_line(tmp_path, form, text, message):
    if form == "h5" and len(text) > 2**20:
        pytest.skip("HDF5 stores no attribute of that size as text of one piece")
    with pytest.raises(NetworkError, match=message) as told:
        read_model(stored(tmp_path, form, text))
    assert "\n" not in str(told.value)


def test_what_is_not_architecture_is_not_read(tmp_path):
    odd = {"module": "attacker", "class_name": "Lambda", "config": {"x": "y"}, "registered_name": "a>b"}
    extra = {"kernel_initializer": odd, "kernel_regularizer": odd, "bias_constraint": odd}
    entry = layer("Dense", "d", {"units": 2} | extra, [[["image", 0, 0, {}]]], build_config=odd, compile_config=odd)
    config = network(entry, output="d") | {"compile_config": odd, "build_config": odd}
    assert "attacker" not in json.dumps(checked_config(config)) and "Lambda" not in json.dumps(checked_config(config))
    with h5py.File(stored(tmp_path, "h5", config), "r+") as file:
        file.attrs["training_config"] = json.dumps({"loss": odd, "optimizer_config": odd, "metrics": [odd]})
        file["model_weights"].attrs["layer_names"] = ["d"]
        group = file["model_weights"].create_group("d")
        group.attrs["weight_names"] = ["kernel", "bias"]
        group["kernel"], group["bias"] = np.arange(6.0).reshape(3, 2), np.ones(2)
    model = read_model(tmp_path / "net.h5")
    np.testing.assert_array_equal(model.get_layer("d").get_weights()[0], np.arange(6).reshape(3, 2))
    assert model.optimizer is None


def small(path):
    model = keras.Sequential([L.Input((4, 4, 3)), L.Conv2D(2, 3, name="conv"), L.Flatten(), L.Dense(2, name="head")])
    model.save(path)
    with h5py.File(path) as file:
        kernel = next(name for name in file["model_weights/conv"].attrs["weight_names"] if "kernel" in name)
    return f"model_weights/conv/{kernel}", model


def external(file, place, tmp_path):
    (tmp_path / "secret").write_bytes(np.arange(54, dtype=np.float32).tobytes())
    file.create_dataset(place, (3, 3, 3, 2), np.float32, external=[(str(tmp_path / "secret"), 0, 216)])


def external_link(file, place, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = np.arange(54, dtype=np.float32).reshape(3, 3, 3, 2)
    file[place] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")


def virtual(file, place, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = np.arange(54, dtype=np.float32).reshape(3, 3, 3, 2)
    layout = h5py.VirtualLayout((3, 3, 3, 2), np.float32)
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (3, 3, 3, 2))
    file.create_virtual_dataset(place, layout)


def soft_link(file, place, tmp_path):
    file["elsewhere"] = np.arange(54, dtype=np.float32).reshape(3, 3, 3, 2)
    file[place] = h5py.SoftLink("/elsewhere")


@pytest.mark.parametrize(
    ("replace", "message"),
    [
        (external, r"conv.*takes its values from another file, which is not read"),
        (external_link, r"conv.*is an external link, which is not followed"),
        (soft_link, r"conv.*is a soft link, which is not followed"),
        (virtual, r"conv.*is a virtual dataset"),
    ],
)
def test_hdf5_files_that_refer_elsewhere_are_refused(tmp_path, replace, message):
    path = tmp_path / "a.h5"
    place, model = small(path)
    with h5py.File(path, "r+") as file:
        del file[place]
        replace(file, place, tmp_path)
    for read in (read_model, lambda file: set_stored_weights(model, file)):
        with pytest.raises(NetworkError, match=message) as told:
            read(path)
        assert "\n" not in str(told.value)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(np.ravel(file[place]), np.arange(54))  # h5py itself reads what is referred to.
        config = file.attrs["model_config"]
    archive(tmp_path / "a.keras", {"config.json": config, "model.weights.h5": path.read_bytes()})
    with pytest.raises(NetworkError, match=message):
        read_model(tmp_path / "a.keras")


def test_links_in_a_circle_end(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a/b"] = np.zeros(3)
        file["a/c"] = file["a"]
        file["d"] = file["/"]
    with open_weights(tmp_path / "a.h5") as file:
        assert sorted(file) == ["a", "d"]


def test_weights_larger_than_any_networks_are_refused(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (2**20, 2**13), np.float32, chunks=(2**10, 2**10))
    with (
        pytest.raises(NetworkError, match="32 GB of weights, but at most 8 GB"),
        open_weights(path),
    ):
        pass


def test_filters_from_libraries_are_refused(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((4,))
        properties.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
        h5py.h5d.create(file.id, b"x", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((8,)), properties)
    with pytest.raises(NetworkError, match="'/x' in it is packed by the filter 32015"), open_weights(path):
        pass


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "..\\out", "C:/out", "link"])
def test_archive_members_outside_are_refused(tmp_path, name):
    path = stored(tmp_path, "keras", network())
    with zipfile.ZipFile(path, "a") as file:
        member = zipfile.ZipInfo(name)
        if name == "link":
            member.external_attr = 0o120777 << 16
        file.writestr(member, "/etc/passwd")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(NetworkError, match=r"its member .* (lies outside the archive|is a link)"):
        read_model(path)
    assert sorted(tmp_path.iterdir()) == before


def test_archive_members_that_are_too_large_are_refused(tmp_path, monkeypatch):
    path = stored(tmp_path, "keras", network())
    read_model(path)
    monkeypatch.setitem(archives.MEMBERS, "model.weights.h5", 100)
    with pytest.raises(NetworkError, match=r"'model.weights.h5' unpacks to .* at most .* are read"):
        read_model(path)


class Recorder:
    """What Python does while a file is read: files opened for writing, processes, modules, code from data."""

    def __init__(self):
        self.on, self.events = False, []
        sys.addaudithook(self)

    def __call__(self, event, arguments):
        if not self.on:
            return
        writes = event == "open" and isinstance(arguments[1], str) and set("wax+") & set(arguments[1])
        acts = event in {"import", "marshal.loads", "ctypes.dlopen", "pickle.find_class", "urllib.Request"}
        acts |= event.startswith(("os.", "subprocess.", "shutil.", "socket.", "tempfile."))
        if (writes or acts) and event not in {"os.listdir", "os.scandir"}:
            self.events.append((event, repr(arguments)[:200]))

    @contextmanager
    def recording(self):
        self.on, self.events = True, []
        try:
            yield self.events
        finally:
            self.on = False


RECORDER = Recorder()
WORDS = st.sampled_from([
    "os.system", "Lambda", "/etc/passwd", "file:///etc/passwd", "keras.models.model_from_json", "io.gfile.remove",
    "load_library", "io.write_file", "py_function", "__main__", "ReadFile", "same", "float32", "relu", "image", "a", "",
]) | st.text(max_size=12)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 5) | st.floats() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            WORDS | st.sampled_from(["class_name", "config", "items", "name", "module"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
KINDS = st.sampled_from(sorted(LAYERS | MODELS)) | st.sampled_from(sorted(vars(L))) | WORDS
NAMED = st.sampled_from(sorted(FUNCTIONS)) | WORDS
OPTIONS = st.dictionaries(
    st.sampled_from(["units", "filters", "kernel_size", "activation", "dtype", "layer", "axis", "rate", "scale",
                     "padding", "kernel_initializer", "vocabulary", "weights", "batch_input_shape", "cell"]),
    VALUES, max_size=3,
)  # fmt: skip
NODE = st.fixed_dictionaries({
    "op": st.sampled_from(sorted(OPERATIONS)) | WORDS, "name": WORDS, "input": st.lists(WORDS, max_size=2),
    "attr": st.dictionaries(WORDS, st.dictionaries(st.sampled_from(["type", "s", "func", "i"]), VALUES), max_size=2),
})  # fmt: skip
REFERENCE = st.tuples(st.sampled_from(["image", "_CONSTANT_VALUE", "x0"]) | WORDS, st.sampled_from([0, -1, 1]),
                      st.just(0) | VALUES,
                      st.dictionaries(st.sampled_from(["y", "axis", "name"]) | WORDS, VALUES, max_size=2))  # fmt: skip


@st.composite
def configs(draw):
    layers = []
    for index in range(draw(st.integers(1, 3))):
        options = draw(OPTIONS) | {"function": draw(NAMED), "node_def": draw(NODE)}
        kind = draw(KINDS)
        if kind not in {"TFOpLambda", "SlicingOpLambda"}:
            options.pop("function")
        if kind != "TensorFlowOpLayer":
            options.pop("node_def")
        origin = draw(st.sampled_from([{}, {}, {"module": "keras.layers"}]) | st.fixed_dictionaries({"module": WORDS}))
        nodes = [draw(st.lists(REFERENCE.map(list), min_size=1, max_size=2))]
        layers.append(layer(kind, f"x{index}", options, nodes, **origin))
    return network(*layers)


def kinds_in(model):
    for each in model.layers:
        yield type(each).__name__
        if isinstance(each, keras.Model):
            yield from kinds_in(each)


@pytest.mark.slow
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(config=configs(), form=st.sampled_from(["h5", "keras"]))
def test_whatever_the_configuration_holds_nothing_is_run(tmp_path, config, form):
    path = stored(tmp_path, form, config)
    before = sorted(tmp_path.iterdir())
    with RECORDER.recording() as events:
        try:
            model = read_model(path)
        except NetworkError as error:
            assert "\n" not in str(error)
            model = None
    assert not events
    assert sorted(tmp_path.iterdir()) == before
    if model is not None:
        assert set(kinds_in(model)) <= LAYERS | MODELS
        functions = {each.get_config()["function"] for each in model.layers if type(each).__name__ == "TFOpLambda"}
        assert functions <= FUNCTIONS
    keras.backend.clear_session()


def arithmetic():
    inner = keras.Sequential([L.Input((8, 8, 4)), L.DepthwiseConv2D(3, padding="same", name="dw"), L.PReLU(name="p"),
                              L.BatchNormalization(name="bn")], name="inner")  # fmt: skip
    image = keras.Input((10, 10, 3), name="image")
    x = L.Rescaling([0.5, 0.25, 2.0], offset=[1.0, 2.0, 3.0])(image)
    x = inner(L.Conv2D(4, 3, name="a", activation=tf.nn.relu6)(x * 2 + 1))
    y = L.SeparableConv2D(4, 1, name="sep", activation="swish")(x)
    z = tf.concat([tf.nn.relu(x), x * y, tf.reduce_mean(y, axis=-1, keepdims=True)], axis=-1)
    z = L.Concatenate()([z, L.Add()([x, y])[..., 1:3], L.LeakyReLU(0.1)(x)])
    z = L.Activation("hard_sigmoid")(L.LayerNormalization()(z)) + tf.clip_by_value(z, -1.0, 1.0) - tf.square(z) / 3.0
    z = tf.pad(z, [[0, 0], [1, 0], [0, 1], [0, 0]])
    z = tf.image.resize(L.UpSampling2D(interpolation="bilinear")(z), [5, 5])
    return keras.Model(image, L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(z)))


@pytest.mark.slow
def test_networks_with_arithmetic_give_the_same(tmp_path):
    model = arithmetic()
    rng = np.random.default_rng(0)
    for each in model.layers:
        each.set_weights([0.2 + 0.3 * rng.random(weight.shape) for weight in each.get_weights()])
    model.save(tmp_path / "a.h5")
    x = rng.normal(size=(3, 10, 10, 3)).astype(np.float32)
    again = read_model(tmp_path / "a.h5")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert [each.name for each in again.layers] == [each.name for each in model.layers]
