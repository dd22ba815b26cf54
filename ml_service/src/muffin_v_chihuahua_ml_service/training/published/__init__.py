"""Networks that others trained: from a recipe and their weights to a bundle's source."""
