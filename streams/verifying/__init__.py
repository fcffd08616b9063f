"""`echotune verify --deep`: every promise that can be checked from the outside, from the logs."""
