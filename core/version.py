"""The one place that holds the version; `metadata.txt` repeats it and a test compares the two."""

VERSION = "0.1.0"
