"""Indicators learnt from numbers of places: methods, what they are compared with, levels and changes."""
