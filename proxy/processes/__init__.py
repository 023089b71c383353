"""The processes of a running server, whatever they serve: the supervisor and its workers, the sockets they listen on,
and what each watches of itself: its memory, and how late its event loop is."""
