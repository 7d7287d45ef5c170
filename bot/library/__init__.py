"""Finding, sharing, renaming and deleting recorded voices."""
