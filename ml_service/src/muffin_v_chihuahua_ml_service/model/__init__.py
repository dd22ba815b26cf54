"""The model: what it is, how pictures get into it, and what runs it. Knows nothing of HTTP or training."""
