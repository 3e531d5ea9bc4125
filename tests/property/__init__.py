"""Random designs held against a dense likelihood written independently of the package."""
