"""Comparison of networks by how their layers respond to the same images at the same positions.

Source: methods of lucid's early model-comparison experiments; Raghu et al. 2017, "SVCCA: Singular Vector Canonical
Correlation Analysis for Deep Learning Dynamics and Interpretability" (NIPS); Kornblith et al. 2019, "Similarity of
Neural Network Representations Revisited" (ICML).
"""
