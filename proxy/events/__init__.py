"""What happens: which kinds of events there are, how they are read from what others send, what they change."""
