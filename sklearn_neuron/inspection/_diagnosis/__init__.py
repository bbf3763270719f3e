"""The diagnosis of a network: what goes wrong, in numbers, words and pictures."""
