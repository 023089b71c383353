"""HTTP: what comes in at the public listener, and what is asked of the origin. The only place that knows both."""
