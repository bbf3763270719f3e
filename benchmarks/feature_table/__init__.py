"""The estimators, the checks and the rows of features.py."""
