"""What is learnt from: labelled pictures, their splits, and other views of them."""
