"""Bodies of plans that were written for Python 2: brought to Python 3, and given the names that they know."""
