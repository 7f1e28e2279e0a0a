"""Reading and writing files: atomic writes, arrays, hashes, downloads."""
