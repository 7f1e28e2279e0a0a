"""Which positions of a layer speak for a class, or for a position of a later layer, and how well the answer fits."""
