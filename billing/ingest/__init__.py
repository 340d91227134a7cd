"""Files of call records into rows of `Cdr`: bytes, lines, typed columns, identity. Imports no other stage."""
