"""The one list of ways in for files and texts of strangers. To add one: a `Reader` in one of these files."""

from quadrat.tests.core import fuzzing_files, fuzzing_heads, fuzzing_tables

SOURCES = (
    fuzzing_tables.of_formats, fuzzing_tables.of_tables, fuzzing_tables.of_messages, fuzzing_tables.of_lines,
    fuzzing_tables.of_notes, fuzzing_files.of_rasters, fuzzing_files.of_layers, fuzzing_files.of_surveys,
    fuzzing_files.of_files, fuzzing_heads.of_heads,
)  # fmt: skip
READERS = {reader.name: reader for source in SOURCES for reader in source()}
"""Those that never meet PyTorch; the others are in `fuzzing_weights.py`."""
