"""Models that learn from every play at once; pure: they know no event, no topic and no clock."""
