"""Requests and their answers: the client's connection, the cache, the page for its visitor, the origin if need be."""
