import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlens.models.layer_names import distinct_names, short_label, short_labels


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("block1_conv2", "conv1_2"),
        ("block5_pool", "pool5"),
        ("fc1", "fc1"),
        ("predictions", "logits"),
        ("softmax2_pre_activation", "logits"),
        ("mixed3a", "mixed3a"),
        ("conv1_conv", "conv1"),
        ("conv2_block1_0_conv", "conv2_1_0"),
        ("mixed3a_1x1_pre_relu", "3a_1x1"),
        ("mixed4b_3x3_bottleneck", "4b_3x3_b"),
        ("mixed5b_pool_reduce", "5b_pool_reduce"),
        ("InceptionV2/InceptionV2/Conv2d_1a_7x7/Relu", "conv1a"),
        ("InceptionV2/InceptionV2/Conv2d_2c_3x3/Conv2D", "conv2c"),
        ("InceptionV2/InceptionV2/Conv2d_2c_3x3", "conv2c"),
        ("InceptionV2/InceptionV2/MaxPool_2a_3x3/MaxPool", "pool2a"),
        ("InceptionV2/InceptionV2/Mixed_3b/concat", "mixed3b"),
        ("InceptionV1/InceptionV1/Mixed_5c", "mixed5c"),
        ("InceptionV2/InceptionV2/Mixed_3b/Branch_1/Conv2d_0b_3x3/Relu", "3b_1_0b_3x3"),
        ("InceptionV2/InceptionV2/Mixed_3b/Branch_3/AvgPool_0a_3x3/AvgPool", "3b_3_avgpool"),
        ("InceptionV2/InceptionV2/Mixed_4a/Branch_2/MaxPool_1a_3x3", "4a_2_maxpool"),
        ("InceptionV2/Logits/AvgPool_1a/AvgPool", "avgpool"),
        ("InceptionV2/Logits/Conv2d_1c_1x1/BiasAdd", "logits"),
        ("fire2/concat", "fire2"),
        ("fire2/squeeze1x1", "fire2/squeeze1x1"),
        ("block3/add", "block3"),
        ("block3/depthwise/DepthwiseConv2D", "block3/depthwise"),
        ("stem/Conv2D", "stem"),
        ("conv3_block2_add", "conv3_2"),
        ("conv2d_3", "conv2d_3"),
        ("separable_conv2d_depthwise", "sep_dw"),
        ("separable_conv2d_12_pointwise", "sep12_pw"),
        ("separable_conv2d_2", "sep2"),
        ("depthwise_conv2d", "dw"),
        ("batch_normalization_7", "norm7"),
        ("concatenate_1", "concat1"),
        ("max_pooling2d", "pool"),
        ("average_pooling2d_3", "avgpool3"),
        ("p_re_lu_2", "prelu2"),
        ("re_lu", "relu"),
        ("my_layer", "my_layer"),
    ],
)
def test_known_names(name, label):
    assert short_label(name) == label


def test_colliding_labels_stay_whole():
    names = ["block1_conv1", "conv1_1", "fc1", "logits", "predictions"]
    assert short_labels(names) == ["block1_conv1", "conv1_1", "fc1", "logits", "predictions"]


@pytest.mark.slow
@given(
    st.lists(
        st.from_regex(r"(block[12]_|mixed3a_)?(conv|fc)[12](_[12])?(_conv|_pre_relu)?", fullmatch=True), unique=True
    )
)
def test_labels_are_unique(names):
    assert len(set(short_labels(names))) == len(names)


def test_names_of_layers_in_models_are_distinct_in_any_order():
    paths = [("a",), ("m", "a"), ("m", "n", "a"), ("n", "a"), ("b",), ("m", "c")]
    names = ["a", "m_a", "n_a_2", "n_a", "b", "c"]
    assert distinct_names(paths) == names
    assert distinct_names(paths[::-1]) == names[::-1]
