"""One file a form: each turns a received file into a working text with one record a line."""
