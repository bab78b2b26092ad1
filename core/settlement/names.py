"""Columns of a layer of cells, as the studies of Rio de Janeiro name them, and the words in them.

Standard library only.

Sources: Hallopeau et al. 2025, arXiv:2510.03725 and arXiv:2509.26171.
"""

CELL, ROW, COLUMN, ZONE = "cell", "row", "col", "zone"
"""Number of a cell (a running number and 100,000 times its zone); row from the north and column in the grid; zone."""
ZONE_STEP = 100_000

P_FAVELAS, RES, P_VEGETA, GHSL, ZI = "p_favelas", "res", "p_vegeta", "ghsl", "zi"
"""Shares of a cell from 0 to 1 that are favela, residential, vegetated, built up and excluded."""

LABEL, STATUS = "label", "status"
"""What a cell teaches, empty where it teaches nothing; and why."""
FAVELA, RESIDENTIAL = "favela", "residential"
CLASS, PROBABILITY = "class", "probability"
"""What a map of cells says of each; the class is empty where a cell is discarded."""

CHANGE = "change"
"""What a layer of changes says of each cell, from the first date to the last; empty where it is not read on both."""
BECAME, NO_LONGER = "became favela", "no longer favela"
FAVELA_STAYS, OTHER_STAYS = "favela throughout", "other throughout"
UNDETECTED = "no detectable change"
CHANGES = (BECAME, NO_LONGER, UNDETECTED, FAVELA_STAYS, OTHER_STAYS)
"""What a cell did between two dates; undetected: its class differs, but no more than noise lets it."""

SIX = (P_VEGETA, "len_roads", "profile_co", "nb_connect", "min_connec", "slope")
"""The variables of the published random forest: share of vegetation, metres of streets, profile curvature, street
nodes, least streets that meet in one, degrees of slope."""
NINE = (*SIX, "entropy", "mean_conne", "max_connec")
"""Those of the study with neighbours: with spectral entropy, mean and most streets that meet in a node."""
UNITS = {"len_roads": "m", "profile_co": "1/m", "slope": "°", "entropy": "bit"}
