"""Searches: what GridSearchCV and its kin have found, as heat maps."""
