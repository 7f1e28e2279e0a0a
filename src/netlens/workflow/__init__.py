"""Studies, the notebook runner, provenance and the names that the rules use."""
