"""Where in a picture an answer comes from: the mathematics and the drawing of it, without a network."""
