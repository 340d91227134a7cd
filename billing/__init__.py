"""The engine: stages that turn call records, prices and contracts into documents. No clock, no paths, no user."""
