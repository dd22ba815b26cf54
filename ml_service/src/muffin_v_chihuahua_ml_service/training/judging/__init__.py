"""What a model is worth: measures, behaviour, the gate, and the card that tells of them."""
