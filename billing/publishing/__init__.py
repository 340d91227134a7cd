"""Publishing: the folder of a period that people open, with its audit pack and manifest."""
