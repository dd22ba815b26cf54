"""What learns: the backbone, the head on it, and what makes its probabilities honest."""
