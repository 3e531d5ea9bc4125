"""Answers: free functions of a design and an estimate, one topic a file."""
