"""Saving of figures, LaTeX macros and pages: everything that a reader of the paper sees."""
