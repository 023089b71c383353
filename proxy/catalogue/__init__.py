"""What is for sale: reading the shop's catalogue (`products.py`), and choosing from it (`strategies.py`)."""
