"""The origin's side: connections to it, what it is asked and as whom, and its answers as they come."""
