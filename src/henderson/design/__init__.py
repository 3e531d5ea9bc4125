"""Text to design: response, fixed-effects matrix, random-effects blocks."""
