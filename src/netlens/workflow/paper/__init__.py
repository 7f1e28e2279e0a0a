r"""The paper of a study: its macros and figures, how they were made, and the PDF.

The text is written by hand and contains no numbers. What it needs from a study comes from these places:

- ``export_defs/<study>/all.tex`` inputs every macro of the study; its bytes depend only on the macros.
- ``results/<study>/paper/parts.tex`` contains what varies between runs or depends on the items: captions, the list of
  sections and figures, machine, versions, durations, and the order of the values that the text compares.
- ``results/<study>/paper/sections/`` contains the sections without what the study does not have; see
  `netlens.workflow.absent_text`.
- ``results/<study>/paper/letters/`` contains pictures of letters that TeX's fonts lack.
- ``results/<study>/paper/doubted.tex`` marks, in a draft, what is not as its record says.
- ``\study``, which is defined for the compilation, names the folders.

`text` is what a study's paper consists of, `references` checks what it names before TeX runs, `parts` writes what TeX
reads besides the text, with `run_words` on how everything was made, and `compilation` makes the PDF.
"""
