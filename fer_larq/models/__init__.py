"""The networks: what they compute, and how their weights are packed."""
