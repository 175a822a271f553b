"""The craft of detection engineers: rules checked, explained, run over history, tuned, and held against their cost.

An edge like ``testing``: it reads what detection compiled, what normalization serves and what people decided, and
nothing of the product depends on it.
"""
