"""The commands that a person types: a thin layer over Snakemake."""
