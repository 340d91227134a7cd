"""Every record shape of the engine, with words and units for each column; stages meet only here."""
