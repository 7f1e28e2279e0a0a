"""Does an explanation depend on what it explains: checks of methods that attribute a class to the input."""
