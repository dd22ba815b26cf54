"""The demo's pages: they ask the prediction service over HTTP and draw what it answers."""

from importlib.metadata import version

__version__ = version("muffin-v-chihuahua-model-as-a-service")
