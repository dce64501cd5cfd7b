"""What a subscriber sees of himself: calls, balance, statement. Apart from operators altogether."""
