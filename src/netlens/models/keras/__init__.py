"""Keras models: reading their files safely, their graph, folding batch normalization, layers with kernels."""
