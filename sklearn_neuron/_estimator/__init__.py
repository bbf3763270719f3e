"""What the estimators share: the scikit-learn side of the package."""
