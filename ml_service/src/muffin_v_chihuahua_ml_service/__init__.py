"""A picture in, the classes with their probabilities out: a model served over HTTP."""

from importlib.metadata import version

__version__ = version("muffin-v-chihuahua-ml-service")
