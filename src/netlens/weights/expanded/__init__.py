"""Expanded weights: the linear map from a window of one layer to the central unit of a later one.

- `graph_nodes`: inputs, attributes and constants of a frozen graph's operations;
- `linear_operations`: the linear map of each operation;
- `linear_graph`: the maps between two layers, and which positions depend on which;
- `taps`: linear maps as taps on a grid, their products and sums;
- `window`: the receptive field, and the window that the weights are returned on;
- `composition`: expanded weights as the product of the maps along all paths;
- `jacobian`: the same from gradients of the graph itself, as a check.

References
----------
Voss et al. 2021, "Visualizing Weights", Distill (Circuits).
"""
