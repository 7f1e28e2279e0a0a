"""Non-negative factorization of expanded weights (Voss et al. 2021, "Visualizing Weights", Distill Circuits).

- `nmf`: the factorization of one non-negative matrix, the same from run to run;
- `one_sided`: the weights into one unit, as maps and signed channel directions;
- `joint`: the weights into a group of units, as signed maps and common channel directions;
- `groups`: groups of related units, found from their weights;
- `channels`: the strongest channels of a direction, by name.

Functions take and return arrays; they need numpy and scikit-learn only.
"""
