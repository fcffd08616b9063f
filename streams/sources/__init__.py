"""Where listening events come from besides producers: history files, and a generated town."""
