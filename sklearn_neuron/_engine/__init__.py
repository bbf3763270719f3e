"""The engine: how training runs. It knows no estimator and imports no scikit-learn."""
