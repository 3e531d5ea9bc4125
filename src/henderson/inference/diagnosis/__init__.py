"""A page of checks of one fit."""
