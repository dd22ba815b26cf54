"""What a bundle has to reach, and the refusal of one that does not."""
