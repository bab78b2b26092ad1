"""Reefs: photos with points, a tree of labels, surveys in one GeoPackage, cover with intervals."""
