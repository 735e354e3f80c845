"""A release gate for vision-language models that you run with pytest."""

__version__ = "0.1.0"
