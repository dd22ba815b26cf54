"""What was answered, and what it really was: predictions and feedback in a database, pictures beside it."""
