"""Assembly: records that tell a part of a call into calls, whatever the order and the files they came in."""
