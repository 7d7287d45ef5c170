"""The client of useapi.net's Mureka speech API."""
