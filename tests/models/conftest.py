import pytest


@pytest.fixture(autouse=True)
def in_own_graph(own_graph):
    """Run every test of these modules in a graph of its own."""
