"""The files that everything is kept in: atomic writes, arrays, hashes, downloads."""
