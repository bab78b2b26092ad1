"""Learning the labels of photo points in their tree, and how far to trust what was learnt; arrays in, arrays out."""
