"""Graphs that are changed before they are compiled: the same function, with fewer steps."""

import numpy as np
import pytest
from tiny_models import TEXTS, cosines, load, make_model

from embedsearch.encoders import cache, compiled, conversion, encode
from embedsearch.encoders.graphs import linear_products, quicken

operations = pytest.importorskip("openvino.opset13")
WIDTH, OUT, TOKENS = 8, 5, 7


def given(random: np.random.Generator) -> np.ndarray:
    """Return states of two texts, shape (2, TOKENS, WIDTH), that are not normal already."""
    return (3 * random.standard_normal((2, TOKENS, WIDTH)) + 1).astype(np.float32)


def answer(graph, states: np.ndarray) -> list[np.ndarray]:
    """Return what a graph gives in f32."""
    request = compiled.openvino().Core().compile_model(graph, "CPU", compiled.settings("f32"))
    return [np.array(value) for value in request([states]).values()]


def kinds(graph) -> list[str]:
    """Return the kinds of a graph's nodes."""
    return [node.get_type_name() for node in graph.get_ordered_ops()]


def normalised(random: np.random.Generator, *, bias: bool):
    """Return a graph: states, normalised, to a linear layer and, beside it, to a sum with the states."""
    constant = [operations.constant(random.standard_normal(shape).astype(np.float32))
                for shape in ((WIDTH,), (WIDTH,), (OUT, WIDTH), (OUT,))]  # fmt: skip
    states = operations.parameter([-1, -1, WIDTH], np.float32)
    normal = operations.mvn(states, operations.constant(np.array([2])), True, 1e-5, "INSIDE_SQRT")
    shifted = operations.add(operations.multiply(normal, constant[0]), constant[1])
    layer = operations.matmul(shifted, constant[2], False, True)
    layer = operations.add(layer, constant[3]) if bias else layer
    return compiled.openvino().Model([layer, operations.add(shifted, states)], [states])


@pytest.mark.parametrize("bias", [True, False])
def test_a_norm_goes_into_the_layer_behind_it(bias):
    """The layer reads what is normalised and neither scaled nor shifted; both results stay what they were."""
    random = np.random.default_rng(1)
    graph, states = normalised(random, bias=bias), given(random)
    before = answer(graph, states)
    quicken(graph)
    (product,) = linear_products(graph)
    assert product.input_value(0).get_node().get_type_name() == "MVN"
    for one, other in zip(before, answer(graph, states), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("order", [[0, 2, 1], [1, 2, 0]])
def test_what_a_product_reads_is_not_exchanged_before(order):
    """A product reads rows where its second factor had its last two axes exchanged, on top of another order or not."""
    states = operations.parameter([2, TOKENS, WIDTH] if order[0] == 0 else [TOKENS, 2, WIDTH], np.float32)
    other = states if order[0] == 0 else operations.transpose(states, operations.constant(np.array([1, 0, 2])))
    product = operations.matmul(other, operations.transpose(states, operations.constant(np.array(order))), False, False)
    graph = compiled.openvino().Model([product], [states])
    random = np.random.default_rng(2)
    value = given(random) if order[0] == 0 else given(random).transpose(1, 0, 2).copy()
    (before,) = answer(graph, value)
    left = kinds(graph).count("Transpose")
    quicken(graph)
    assert before.shape == (2, TOKENS, TOKENS)
    np.testing.assert_allclose(before, answer(graph, value)[0], rtol=1e-5)
    (changed,) = (node for node in graph.get_ordered_ops() if node.get_type_name() == "MatMul")
    assert changed.get_attributes()["transpose_b"]
    assert kinds(graph).count("Transpose") == left - (order[0] == 0)


def test_what_only_looks_alike_is_left_alone():
    """Weights that are not constant, or a scale that differs from text to text, stay as they are."""
    states = operations.parameter([2, TOKENS, WIDTH], np.float32)
    scale = operations.constant(np.arange(1, 2 * WIDTH + 1, dtype=np.float32).reshape(2, 1, WIDTH))
    normal = operations.mvn(states, operations.constant(np.array([2])), True, 1e-5, "INSIDE_SQRT")
    shifted = operations.add(operations.multiply(normal, scale), operations.constant(np.float32(1)))
    weights = operations.constant(np.eye(WIDTH, dtype=np.float32))
    graph = compiled.openvino().Model(
        [operations.matmul(shifted, weights, False, True), operations.matmul(shifted, states, False, True)], [states]
    )
    before, kept = kinds(graph), answer(graph, value := given(np.random.default_rng(3)))
    quicken(graph)
    assert kinds(graph) == before
    np.testing.assert_array_equal(kept[0], answer(graph, value)[0])


def spoiled(graph) -> None:
    for product in linear_products(graph):
        wrong = operations.multiply(product.input_value(0), operations.constant(np.float32(-1)))
        product.input(0).replace_source_output(wrong.output(0))


def refused(graph) -> None:
    raise RuntimeError("this graph is like no other")


@pytest.mark.parametrize("changed", [spoiled, refused])
def test_where_the_changed_graph_is_of_no_use_the_traced_one_serves(tmp_path, monkeypatch, changed):
    """A graph that quickening spoiled is not kept, one that it cannot change is none; that without it serves."""
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(conversion, "quicken", changed)
    folder = make_model(tmp_path / "tiny")
    ours = load(folder)
    assert cosines(encode(ours, TEXTS), encode(load(folder, engine="torch", device="cpu"), TEXTS)).min() > 0.9999
    assert ours.engine.startswith("openvino")
