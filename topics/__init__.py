"""What travels: events, their Avro contracts, codecs and the catalogue of topics. Pure."""
