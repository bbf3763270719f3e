"""Diagrams: a network, and its computational graph, with the numbers of a row."""
