"""Messages: events and other records, their Avro contracts, codecs and the topics. Pure."""
