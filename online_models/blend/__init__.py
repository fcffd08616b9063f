"""The blend: how the experts' words become one score, and how it learns from every play."""
