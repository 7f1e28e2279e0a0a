# Comparing models: the names that the section's rules share.

from itertools import combinations

from netlens.models.specs import compared_networks

COMPARED = compared_networks(CONFIG)
COMPARED_IMAGES = CONFIG["model_comparison"].get("images", CONFIG["data"]["images"])
COMPARISON = f"results/{STUDY}/comparison"
COMPARISON_SAMPLE = f"{COMPARISON}/sample.npz"
COMPARISON_SHARDS = CONFIG["model_comparison"]["shards_count"]
# Sums of products of activations; a network with itself, and each two.
COMPARED_PAIRS = list(
    dict.fromkeys([(name, name) for name in COMPARED] + list(combinations(dict.fromkeys(COMPARED), 2)))
)
COMPARISON_PRODUCTS = f"{COMPARISON}/products/{{first}}--{{second}}.npz"
SIMILARITY = f"{COMPARISON}/similarity.npz"
ANALOGIES = f"{COMPARISON}/analogies.npz"
CARICATURES = f"{COMPARISON}/caricatures/{{network}}.npz"
NETWORK_GRAPH = f"{COMPARISON}/graphs/{{network}}.npz"
