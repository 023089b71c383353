"""HTTP messages: what may come in, what is passed on, what goes out. Calculations on heads; nobody is asked."""
