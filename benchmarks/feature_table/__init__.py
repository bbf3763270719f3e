"""The estimators, checks and rows of features.py."""
