"""Comparing networks by what their layers answer to the same images at the same places.

Source: methods of lucid's early model-comparison experiments; Raghu et al. 2017, "SVCCA" (NIPS); Kornblith et al. 2019,
"Similarity of Neural Network Representations Revisited" (ICML).
"""
