"""Non-negative factorization of expanded weights (Voss et al. 2021, "Visualizing Weights", Distill Circuits).

- `nmf`: the factorization of one non-negative matrix, the same from run to run;
- `one_sided`: the weights into one unit, as maps and signed channel directions;
- `joint`: the weights into a group of units, as signed maps and common channel directions;
- `groups`: which units belong together, found without being told;
- `channels`: the strongest channels of a direction, by name.

Arrays in, arrays out; numpy and scikit-learn only.
"""
