"""Jupyter widgets: choose in a notebook what to look at; it is computed when it is asked for."""
