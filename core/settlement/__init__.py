"""Favelas: cells, labels, six variables, combinations of classifiers."""
