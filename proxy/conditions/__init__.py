"""What an editor can ask of a visitor: the phrases, their reading, their meaning and their explanation."""
